#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "train/online/rewards.h"
#include "train/run/best.h"

// What is usually asked for, and which way is better. Of other metrics the person says it.
static const struct {
    const char *name;
    bool highest;
} usual[] = {
    {"eval/loss", false},
    {"eval/rewards/accuracies", true},
    {"eval/rewards/margins", true},
    {"eval/rewards/chosen", true},
    {"eval/rewards/rejected", false},
    {"eval/rewards/ece", false},
    {"eval/rewards/ndcg", true},
    {"eval/logps/chosen", true},
    {"eval/mean_token_accuracy", true},
    {"eval/reward", true},
    {"kl", false},
};
enum { N_USUAL = sizeof usual / sizeof *usual };

static const char *plain_name(const char *metric)
{
    return text_starts(metric, "eval/") ? metric + 5 : metric;
}

static int find_usual(const char *metric)
{
    int i = 0;
    while (i < N_USUAL && strcmp(usual[i].name, metric) != 0)
        i++;
    return i < N_USUAL ? i : -1;
}

// "eval/rewards/NAME/mean": of one of several rewards.
static bool is_of_reward(const char *metric)
{
    return text_starts(metric, "eval/rewards/") && text_ends(metric, "/mean");
}

static bool is_of_objective(const struct objective *o, const char *metric)
{
    for (int i = 0; o->metrics && o->metrics[i]; i++)
        if (strcmp(o->metrics[i], plain_name(metric)) == 0)
            return true;
    return false;
}

static bool is_probed(const struct objective *o, const char *metric)
{
    return o->online || strcmp(metric, "kl") == 0 || text_starts(metric, "completions/") || text_starts(metric, "style/");
}

// "min:NAME", "max:NAME" or "NAME".
static int read_metric(struct best *b, const char *text, struct err *e)
{
    const bool says_min = text_starts(text, "min:"), says_max = text_starts(text, "max:");
    const char *metric = says_min || says_max ? text + 4 : text;
    const int i = find_usual(metric);
    char held_out[sizeof b->now.metric];
    if (!*metric || strlen(metric) >= sizeof b->now.metric || strpbrk(metric, " \t\r\n"))
        return err_set(e, ERR_USAGE, "keep-best: \"%.100s\" is no metric's name; give one such as eval/loss", text);
    snprintf(held_out, sizeof held_out, "eval/%.74s", metric);
    if (i < 0 && find_usual(held_out) >= 0)
        return err_set(e, ERR_USAGE, "keep-best: %s is that of the rows that are trained on; the held-out one is %s", metric,
                       held_out);
    if (i < 0 && !is_of_reward(metric) && !says_min && !says_max)
        return err_set(e, ERR_USAGE, "keep-best: whether more or less of %s is better is not known: write max:%s or min:%s",
                       metric, metric, metric);
    text_copy(b->now.metric, sizeof b->now.metric, metric);
    b->now.highest = says_max || (!says_min && (i < 0 || usual[i].highest));
    return 0;
}

// What the objective is given to raise, by the names under which it is logged. Rewards that are only watched are none.
static bool is_training_reward(const struct objective *o, const struct settings *s, const char *metric)
{
    const char *name = plain_name(metric);
    if (!o->online)
        return false;
    return strcmp(name, "reward") == 0 || strcmp(name, "objective/rlhf_reward") == 0 ||
           (text_starts(name, "rewards/") && rewards_weighed(s, name) != 0);
}

static void say_doubts(const struct best *b, const struct objective *o, const struct settings *s, struct notes *notes)
{
    const char *metric = b->now.metric;
    if (is_training_reward(o, s, metric))
        notes_add(notes, "keep-best %s is the reward that %s is given to raise: it rises as well when answers only please "
                         "what scores them; watch another one (watch-model) and choose eval/rewards/watched/mean",
                  metric, o->name);
    else if (find_usual(metric) < 0 && !is_of_objective(o, metric) && !is_probed(o, metric))
        notes_add(notes, "keep-best %s is none of the usual metrics: if the evaluation before the first step does not "
                         "have it, the run ends there", metric);
}

// Against what a stage's reference is, which changes: numbers of different stages are of different scales.
static int check_stages(const struct best *b, const struct settings *s, struct err *e)
{
    static const char *const absolute[] = {"eval/logps/", "eval/mean_token_accuracy", "eval/entropy"};
    bool is_absolute = !text_starts(b->now.metric, "eval/");
    for (size_t i = 0; i < sizeof absolute / sizeof *absolute; i++)
        is_absolute |= text_starts(b->now.metric, absolute[i]);
    if (is_absolute || !settings_find(s, "stages") || settings_int(s, "stages") < 2)
        return 0;
    return err_set(e, ERR_USAGE, "keep-best: %s is measured against each stage's own reference, so that of one stage says "
                                 "nothing beside that of another; choose eval/logps/chosen or kl, or stages 1",
                   b->now.metric);
}

// Of a run that learns from its own answers, all of what is measured of the answers to held-out prompts is known.
static int check_answers(const char *metric, const struct settings *s, struct err *e)
{
    const bool has_styles = settings_bool(s, "probe-styles"), has_reward = rewards_score_single_answers(s);
    struct str told = {.max = 700};
    bool is_there = strcmp(metric, "kl") == 0 || strcmp(metric, "eval/completions/mean_length") == 0 ||
                    (has_reward && strcmp(metric, "eval/reward") == 0) ||
                    (has_styles && (text_starts(metric, "style/") || text_starts(metric, "minority/")));
    is_there |= rewards_tell(s, plain_name(metric), &told) && text_starts(metric, "eval/");
    int code = is_there ? 0
                        : err_set(e, ERR_USAGE, "keep-best: such a run measures no %s of what is held out; it has: kl, "
                                  "eval/completions/mean_length%s%s%s", metric, has_reward ? ", eval/reward" : "",
                                  str_text(&told), has_styles ? ", style/NAME, minority/share" : "");
    str_fini(&told);
    return code;
}

// That it will be measured, as far as the settings say.
static int check_measured(const struct best *b, const struct objective *o, const struct settings *s, struct err *e)
{
    const char *metric = b->now.metric;
    const bool held_out = text_starts(metric, "eval/"), probed = is_probed(o, metric);
    if (held_out && !*settings_text(s, "eval-data") && settings_float(s, "eval-share") <= 0)
        return err_set(e, ERR_USAGE, "keep-best: %s needs held-out rows, and none are kept: give a file with eval-data, "
                                     "or an eval-share above 0", metric);
    if (probed && ((o->needs.networks & NETWORK_SCORE) || (o->needs.groups & GROUPS_COMPARISON)))
        return err_set(e, ERR_USAGE, "keep-best: %s is of sampled answers, and %s says none", metric, o->name);
    if (probed && settings_int(s, "probe-every") == 0)
        return err_set(e, ERR_USAGE, "keep-best: %s is measured by probes: give probe-every", metric);
    if (o->online && !rewards_score_single_answers(s) && strcmp(metric, "eval/reward") == 0)
        return err_set(e, ERR_USAGE, "keep-best: %s is of held-out answers, one to a prompt, and what these earn says "
                                     "neither a person nor a comparison: choose kl, or the eval/rewards/NAME/mean of "
                                     "one that is watched", metric);
    if (o->online && check_answers(metric, s, e))
        return ERR_USAGE;
    if (held_out && b->patience > 0 && !probed && settings_int(s, "eval-every") == 0)
        return err_set(e, ERR_USAGE, "patience counts evaluations, and there are none on the way: give eval-every");
    return 0;
}

int best_open(struct best *b, const struct objective *o, const struct settings *s, struct notes *notes, struct err *e)
{
    const char *text = settings_text(s, "keep-best");
    *b = (struct best){.on = *text, .patience = settings_int(s, "patience"), .min_delta = settings_float(s, "min-delta")};
    if (!b->on && (b->patience > 0 || b->min_delta > 0))
        return err_set(e, ERR_USAGE, "%s says when a metric is no better any more: name one with keep-best, such as "
                                     "eval/loss", b->patience > 0 ? "patience" : "min-delta");
    if (!b->on)
        return 0;
    if (o->of_runs)
        return err_set(e, ERR_USAGE, "keep-best: %s merges what its runs end with, and has no evaluations to choose from; "
                                     "train its parts as runs of their own and merge RUN@best (attune model merge)",
                       o->name);
    int code = read_metric(b, text, e);
    if (!code)
        code = check_stages(b, s, e);
    if (!code)
        code = check_measured(b, o, s, e);
    if (!code)
        say_doubts(b, o, s, notes);
    return code;
}
