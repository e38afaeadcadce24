#include "config.h"

#include "ui/curves/charts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

// THE TABLE of charts. `overlay`: which of the keys is drawn when several runs are shown; NULL: the one that most runs
// have, and the last of these: held-out rather than train.
static const struct {
    const char *title, *overlay;
    struct {
        const char *key, *label;
        char letter;
    } parts[4];
} kinds[] = {
    {"minority's share", "minority/share", {{"minority/share", "minority", 'm'}, {"minority/goal", "people", 'p'}}},
    {"PM divergence of checkpoints", NULL, {{"measured/pm_divergence", "measured", 0}}},
    {"loss", NULL, {{"loss", "train", 't'}, {"eval/loss", "held-out", 'h'}}},
    {"reward of answers", "reward",
     {{"reward", "train", 't'}, {"eval/reward", "held-out", 'h'}, {"eval/rewards/watched/mean", "watched", 'w'}}},
    {"rewards",
     "rewards/margins",
     {{"rewards/chosen", "chosen", 'c'}, {"rewards/rejected", "rejected", 'r'}, {"rewards/margins", "margin", 'm'}}},
    {"accuracy", NULL, {{"rewards/accuracies", "train", 't'}, {"eval/rewards/accuracies", "held-out", 'h'}}},
    {"KL to the reference", NULL, {{"kl", "train", 't'}, {"eval/kl", "held-out", 'h'}}},
    {"response length",
     NULL,
     {{"completions/mean_length", "tokens", 'n'}, {"eval/completions/mean_length", "held-out", 'h'}}},
    {"styles", NULL, {{"style/", "", 0}}},
    {"held-out rewards",
     "eval/rewards/margins",
     {{"eval/rewards/chosen", "chosen", 'c'},
      {"eval/rewards/rejected", "rejected", 'r'},
      {"eval/rewards/margins", "margin", 'm'}}},
    {"answers cut off", NULL, {{"completions/clipped_ratio", "share", 0}}},
    {"length of better and worse answers",
     NULL,
     {{"completions/mean_length_better", "better", 'b'}, {"completions/mean_length_worse", "worse", 'w'}}},
    {"KL of answers to the reference", NULL, {{"objective/kl", "nats an answer", 0}}},
    {"ratio to the policy that answered",
     "ratio/mean",
     {{"ratio/mean", "mean", 'm'}, {"ratio/max", "most", 'x'}, {"ratio/min", "least", 'n'}}},
    {"trainer's arithmetic to the sampler's",
     "sampling/importance_sampling_ratio/mean",
     {{"sampling/importance_sampling_ratio/mean", "mean", 'm'},
      {"sampling/importance_sampling_ratio/max", "most", 'x'},
      {"sampling/importance_sampling_ratio/min", "least", 'n'}}},
    {"clipped", NULL, {{"clip_ratio/high_mean", "high", 'h'}, {"clip_ratio/low_mean", "low", 'l'}}},
    {"losses of policy and value", NULL, {{"loss/policy_avg", "policy", 'p'}, {"loss/value_avg", "value", 'v'}}},
    {"how alike a prompt's answers are", "completions/self_bleu",
     {{"completions/self_bleu", "self-BLEU", 'b'}, {"completions/distinct_2", "distinct-2", 'd'}}},
    {"minority's share of the answers", NULL, {{"rollout/minority", "share", 0}}},
    {"imitated texts", NULL, {{"ptx_loss", "nats a token", 0}}},
    {"updates since the answers' policy", NULL, {{"rollout/staleness", "updates", 0}}},
    {"groups without spread", NULL, {{"frac_reward_zero_std", "share", 0}}},
    {"pairs that people judge",
     NULL,
     {{"feedback/pairs", "new", 'n'}, {"feedback/again", "learnt again", 'a'}, {"feedback/waiting", "waiting", 'w'}}},
    {"spread of rewards", NULL, {{"reward_std", "all", 'a'}, {"reward_std_in_group", "of a prompt", 'p'}}},
    {"ranking of lists (NDCG)", NULL, {{"rewards/ndcg", "train", 't'}, {"eval/rewards/ndcg", "held-out", 'h'}}},
    {"log-probabilities", "logps/chosen", {{"logps/chosen", "chosen", 'c'}, {"logps/rejected", "rejected", 'r'}}},
    {"KL as kto estimates it",
     NULL,
     {{"kl_estimate", "train", 't'}, {"eval/kl_estimate", "held-out", 'h'}}},
    {"good and bad responses in a batch", NULL, {{"count/chosen", "good", 'g'}, {"count/rejected", "bad", 'b'}}},
    {"held-out good and bad responses",
     NULL,
     {{"eval/count/chosen", "good", 'g'}, {"eval/count/rejected", "bad", 'b'}}},
    {"token accuracy", NULL, {{"mean_token_accuracy", "train", 't'}, {"eval/mean_token_accuracy", "held-out", 'h'}}},
    {"gradient norm", NULL, {{"grad_norm", "", 0}}},
    {"learning rate", NULL, {{"lr", "", 0}}},
    {"entropy", NULL, {{"entropy", "train", 't'}, {"eval/entropy", "held-out", 'h'}}},
    {"tokens a second", NULL, {{"tokens_per_s", "trained", 't'}, {"rollout/tokens_per_s", "sampled", 's'}}},
    {"measured wins against the reference", NULL, {{"measured/win_rate", "share", 0}}},
    {"measured reward", "measured/reward",
     {{"measured/reward", "reward model", 'r'}, {"measured/gold/reward", "gold model", 'g'}}},
    {"measured KL to the reference", NULL, {{"measured/kl/exact", "nats an answer", 0}}},
    {"measured entropy", NULL, {{"measured/entropy", "nats a token", 0}}},
    {"seconds a step",
     NULL,
     {{"step_s", "all", 'a'}, {"rollout/sample_s", "sampling", 's'}, {"rollout/wait_s", "waiting for answers", 'w'}}},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };
// Shown empty while nothing was recorded yet: what nearly every run comes to have.
static const char *const awaited[] = {"loss", "rewards", "accuracy", "KL to the reference"};

static bool is_awaited(const char *title)
{
    for (size_t i = 0; i < sizeof awaited / sizeof *awaited; i++)
        if (strcmp(awaited[i], title) == 0)
            return true;
    return false;
}

static int how_many_have(const struct run_data *const *runs, int n, const char *key)
{
    int have = 0;
    for (int i = 0; i < n; i++)
        have += run_data_metric(runs[i], key) != NULL;
    return have;
}

static void add_part(struct chart *c, const char *key, const char *label, char letter)
{
    if (c->n_parts == CHART_PARTS || chart_has(c, key))
        return;
    struct chart_part *p = &c->parts[c->n_parts++];
    text_copy(p->key, sizeof p->key, key);
    text_copy(p->label, sizeof p->label, label);
    p->letter = letter;
}

// A letter of the name that no other part has; 0 when there is none.
static char free_letter(const struct chart *c, const char *name)
{
    for (; *name; name++) {
        bool taken = !((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z'));
        for (int i = 0; i < c->n_parts; i++)
            taken = taken || c->parts[i].letter == *name;
        if (!taken)
            return *name;
    }
    return 0;
}

// "style/": one part for every metric that begins so.
static void add_family(struct chart *c, const struct run_data *const *runs, int n, const char *prefix)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < runs[i]->n_metrics; k++) {
            const char *key = runs[i]->metrics[k]->key;
            if (text_starts(key, prefix))
                add_part(c, key, key + strlen(prefix), free_letter(c, key + strlen(prefix)));
        }
    }
}

static bool in_table(const char *key)
{
    for (int i = 0; i < N_KINDS; i++) {
        for (int k = 0; k < 4 && kinds[i].parts[k].key; k++) {
            const char *known = kinds[i].parts[k].key;
            if (text_ends(known, "/") ? text_starts(key, known) : strcmp(key, known) == 0)
                return true;
        }
    }
    return false;
}

static void keep_settings(struct chart *c, const struct chart *before, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(before[i].title, c->title) == 0) {
            c->scale = before[i].scale;
            c->clip = before[i].clip;
        }
    }
}

double chart_noise(const struct chart *c)
{
    static const char *const differences[] = {
        "kl", "eval/kl", "kl_estimate", "eval/kl_estimate", "rewards/margins", "eval/rewards/margins"};
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        if (chart_has(c, differences[i]))
            return 1e-6;
    return 0;
}

bool chart_has(const struct chart *c, const char *key)
{
    for (int i = 0; i < c->n_parts; i++)
        if (strcmp(c->parts[i].key, key) == 0)
            return true;
    return false;
}

static struct chart make_kind(int kind, const struct run_data *const *runs, int n_runs, bool all_parts)
{
    struct chart c = {0};
    text_copy(c.title, sizeof c.title, kinds[kind].title);
    c.exact = strcmp(kinds[kind].parts[0].key, "lr") == 0;
    for (int k = 0; k < 4 && kinds[kind].parts[k].key; k++) {
        const char *key = kinds[kind].parts[k].key;
        if (text_ends(key, "/"))
            add_family(&c, runs, n_runs, key);
        else if (all_parts || how_many_have(runs, n_runs, key) > 0)
            add_part(&c, key, kinds[kind].parts[k].label, kinds[kind].parts[k].letter);
    }
    int most = -1;
    for (int k = 0; k < c.n_parts; k++) {
        int have = how_many_have(runs, n_runs, c.parts[k].key);
        if (have >= most) {
            most = have;
            text_copy(c.overlay, sizeof c.overlay, c.parts[k].key);
        }
    }
    for (int k = 0; k < c.n_parts; k++)
        if (text_ends(c.parts[k].key, "/goal"))
            text_copy(c.goal, sizeof c.goal, c.parts[k].key);
    if (kinds[kind].overlay && how_many_have(runs, n_runs, kinds[kind].overlay) > 0)
        text_copy(c.overlay, sizeof c.overlay, kinds[kind].overlay);
    return c;
}

int charts_make(const struct run_data *const *runs, int n_runs, struct chart **charts, int n_before)
{
    struct chart *made = NULL;
    int n = 0, cap = 0;
    for (int i = 0; i < N_KINDS; i++) {
        struct chart c = make_kind(i, runs, n_runs, false);
        if (c.n_parts > 0) {
            MEM_GROW(made, n, cap);
            made[n++] = c;
        }
    }
    for (int i = 0; i < n_runs; i++) {
        for (int k = 0; k < runs[i]->n_metrics; k++) {
            const char *key = runs[i]->metrics[k]->key;
            bool there = in_table(key);
            for (int j = 0; j < n && !there; j++)
                there = chart_has(&made[j], key);
            if (there)
                continue;
            MEM_GROW(made, n, cap);
            made[n] = (struct chart){0};
            text_copy(made[n].title, sizeof made[n].title, key);
            text_copy(made[n].overlay, sizeof made[n].overlay, key);
            add_part(&made[n++], key, "", 0);
        }
    }
    for (int i = 0, recorded = n; i < N_KINDS && recorded == 0; i++) {
        if (!is_awaited(kinds[i].title))
            continue;
        MEM_GROW(made, n, cap);
        made[n++] = make_kind(i, runs, n_runs, true);
    }
    for (int i = 0; i < n; i++)
        keep_settings(&made[i], *charts, n_before);
    free(*charts);
    *charts = made;
    return n;
}
