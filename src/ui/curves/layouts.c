#include "config.h"

#include "ui/curves/layouts.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const preference[] = {"rewards/margins",
                                         "eval/rewards/margins",
                                         "rewards/accuracies",
                                         "eval/rewards/accuracies",
                                         "loss",
                                         "kl",
                                         "completions/mean_length",
                                         "logps/chosen",
                                         "rewards/ndcg",
                                         "entropy",
                                         NULL};
static const char *const reward[] = {"reward",
                                     "eval/reward",
                                     "kl",
                                     "objective/kl",
                                     "completions/mean_length",
                                     "entropy",
                                     "reward_std",
                                     "frac_reward_zero_std",
                                     "completions/clipped_ratio",
                                     "clip_ratio/high_mean",
                                     "ratio/mean",
                                     "loss",
                                     "loss/policy_avg",
                                     "measured/reward",
                                     "measured/gold/reward",
                                     NULL};
static const char *const throughput[] = {
    "tokens_per_s", "step_s", "rollout/staleness", "lr", "grad_norm", NULL};
// What both are compared by: arXiv:2405.16455 asks whether the minority's share is kept, and what that costs in reward.
static const char *const dpo_pm[] = {"minority/share",
                                     "measured/pm_divergence",
                                     "reward",
                                     "eval/reward",
                                     "measured/reward",
                                     "kl",
                                     "measured/kl/exact",
                                     "completions/mean_length",
                                     "entropy",
                                     "measured/entropy",
                                     "rollout/minority",
                                     "style/",
                                     NULL};

const struct layout layouts[] = {
    {"all", "all charts", NULL, NULL},
    {"preference", "preference", preference, NULL},
    {"reward", "reward", reward, NULL},
    {"throughput", "throughput", throughput, NULL},
    {"dpo-pm", "DPO against PM-RLHF", dpo_pm,
     "Reward and PM divergence are measured: attune eval --run RUN --curve --reward-model RM puts them here."},
    {NULL, NULL, NULL, NULL},
};

const struct layout *layout_find(const char *name)
{
    const struct layout *found = NULL;
    int n = 0;
    for (const struct layout *l = layouts; l->name; l++) {
        if (strcmp(l->name, name) == 0)
            return l;
        if (*name && text_starts(l->name, name)) {
            found = l;
            n++;
        }
    }
    return n == 1 ? found : NULL;
}

// ---- filters ----

// One word, without "!": a part of the text, or a pattern for a part of it.
static bool word_matches(const char *word, const char *text)
{
    char pattern[140];
    if (!strpbrk(word, "*?"))
        return strcasestr(text, word) != NULL;
    snprintf(pattern, sizeof pattern, "*%s*", word);
    return fnmatch(pattern, text, FNM_NOESCAPE | FNM_CASEFOLD) == 0;
}

static bool any_matches(const char *word, size_t n, const char *text)
{
    for (size_t at = 0; at < n;) {
        char one[128];
        size_t k = strcspn(word + at, "|,");
        k = at + k > n ? n - at : k;
        snprintf(one, sizeof one, "%.*s", (int)k, word + at);
        if (k > 0 && word_matches(one, text))
            return true;
        at += k + 1;
    }
    return false;
}

bool filter_passes(const char *filter, const char *text)
{
    for (const char *at = filter + strspn(filter, " "); *at; at += strspn(at, " ")) {
        const size_t n = strcspn(at, " ");
        const bool is_not = *at == '!';
        if (n > (size_t)is_not && any_matches(at + is_not, n - is_not, text) == is_not)
            return false;
        at += n;
    }
    return true;
}

// ---- charts ----

static bool chart_passes(const struct chart *c, const char *filter)
{
    struct str all = {0};
    str_add(&all, c->title);
    for (int i = 0; i < c->n_parts; i++)
        str_addf(&all, " %s", c->parts[i].key);
    const bool passes = filter_passes(filter, str_text(&all));
    str_fini(&all);
    return passes;
}

static bool has_key(const struct chart *c, const char *key)
{
    for (int i = 0; i < c->n_parts; i++)
        if (text_ends(key, "/") ? text_starts(c->parts[i].key, key) : strcmp(c->parts[i].key, key) == 0)
            return true;
    return false;
}

int layout_charts(const struct layout *layout, const char *filter, struct chart *charts, int n)
{
    struct chart *kept = mem_alloc((size_t)n + 1, sizeof *kept);
    bool *taken = mem_alloc((size_t)n + 1, sizeof *taken);
    int n_kept = 0;
    for (int k = 0; layout && layout->keys && layout->keys[k]; k++)
        for (int i = 0; i < n; i++)
            if (!taken[i] && has_key(&charts[i], layout->keys[k])) {
                taken[i] = true;
                if (chart_passes(&charts[i], filter))
                    kept[n_kept++] = charts[i];
            }
    for (int i = 0; i < n && (!layout || !layout->keys); i++)
        if (chart_passes(&charts[i], filter))
            kept[n_kept++] = charts[i];
    if (n_kept > 0)
        memcpy(charts, kept, (size_t)n_kept * sizeof *kept);
    free(kept);
    free(taken);
    return n_kept;
}
