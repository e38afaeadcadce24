// One objective's row as JSON: what `attune objectives`, the documentation page and the console's form are made from.
#include "config.h"

#include <string.h>

#include "base/str.h"
#include "corpus/corpus.h"
#include "train/engine/engine_commands.h"
#include "train/objective/objective.h"
#include "train/online/rewards.h"
#include "train/online/rollouts.h"
#include "train/run/imitate.h"

// What a need costs, and the inputs of `attune objectives eval` that come from it.
static const struct {
    struct needs need;
    const char *name, *cost;
} costs[] = {
    {{.networks = NETWORK_REFERENCE}, "reference",
     "The reference's log-probabilities: one forward pass over the data before the first step, kept in a file."},
    {{.networks = NETWORK_SCORE}, "score",
     "A reward head on the model: one score a response instead of a probability of every token."},
    {{.networks = NETWORK_TOKEN_SCORE}, "token-score", "The reward head reads every token of a response."},
    {{.reads = READ_TOKEN_STATS}, "token-stats",
     "Entropy and accuracy of every token are logged, from the same forward pass."},
    {{.batch_first = true}, "batch",
     "One more forward pass a step: the whole batch is looked at before anything is learnt from it."},
    {{.reads = READ_KL}, "kl",
     "A second model in memory: the reference runs beside the policy in every step, over the whole vocabulary."},
    {{.reads = READ_SUM_SQUARES}, "sum-squares",
     "The sum of squares of every token's distribution, from the same forward pass."},
    {{.reads = READ_RIVAL}, "rival", "A rival token is drawn for every token, from the same forward pass."},
    {{.networks = NETWORK_VALUE}, "value",
     "A second model that learns: a value network of its own reads the prompts, with an optimizer of its own."},
    {{.networks = NETWORK_TOKEN_VALUE}, "token-value", "The value network reads every token of the answers."},
    {{.columns = COLUMN_TOKENS}, "answers",
     "Answers are sampled in every batch and read once more by the policy, and by the reference and the value network "
     "where there are any."},
    {{.groups = GROUPS_MISMATCH}, "mismatch",
     "One more response a group: every prompt is also answered by the response of another prompt."},
    {{.groups = GROUPS_OWN_ANSWERS}, "samples", "Responses of the reference are sampled before the first step and kept."},
    {{.groups = GROUPS_TIES}, "ties", "Pairs without a better answer stay in the data."},
    {{.groups = GROUPS_BAD}, "bad", "Of the data the bad responses alone are read."},
    {{.columns = COLUMN_PROMPT_ODDS}, "prompt-odds",
     "A classifier of the prompts is trained before the first step, from their tokens' embeddings."},
    {{.groups = GROUPS_COMPARISON}, "comparison",
     "Every pair is shown to the model as one text with both responses, which makes prompts longer."},
};
enum { N_COSTS = sizeof costs / sizeof *costs };

// Where answers are sampled the reference is no file.
static const char online_reference[] =
    "A second model in memory: the reference reads every batch of answers (with LoRA it is the model without its adapter).";

static json_t *text_list(const char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++)
        json_array_append_new(array, json_string(*list));
    return array;
}

// costs_for: what they cost that objective, in words; NULL: their names.
static json_t *need_list(struct needs needs, const struct objective *costs_for)
{
    json_t *array = json_array();
    for (int i = 0; i < N_COSTS; i++) {
        const bool reads_answers = costs_for && costs_for->online && costs[i].need.networks == NETWORK_REFERENCE;
        if (needs_any(needs_both(needs, costs[i].need)))
            json_array_append_new(array, json_string(!costs_for      ? costs[i].name
                                                     : reads_answers ? online_reference
                                                                     : costs[i].cost));
        needs = needs_without(needs, costs[i].need);
    }
    BUG_IF(needs_any(needs)); // a need without a row above
    return array;
}

// The needs when one parameter has another value than its default.
static struct needs needs_with(const struct objective *o, const struct settings *defaults, const struct param *p,
                               const char *value)
{
    const struct param *const tables[] = {o->params, objective_options(o), NULL};
    struct objective_run r = {0};
    struct settings s;
    json_t *all = settings_to_json(defaults, false);
    settings_init(&s, tables);
    BUG_IF(settings_from_json(&s, all, NULL) || settings_set(&s, p->name, value, NULL));
    objective_configure(&r, o, &s);
    const struct needs needs = objective_needs(&r);
    settings_fini(&s);
    json_decref(all);
    return needs;
}

static void add_change(json_t *list, const struct objective *o, const struct settings *defaults, struct needs usual,
                       const struct param *p, const char *value)
{
    const struct needs needs = needs_with(o, defaults, p, value);
    const struct needs more = needs_without(needs, usual), less = needs_without(usual, needs);
    if (needs_any(more) || needs_any(less))
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "param", p->name, "value", value, "more",
                                              need_list(more, o), "less", need_list(less, NULL)));
}

// Where another value of a parameter changes the needs: yes and no, every choice, the ends of a range.
static json_t *need_changes(const struct objective *o, const struct settings *defaults, struct needs usual)
{
    json_t *list = json_array();
    for (size_t i = 0; i < defaults->n_items; i++) {
        const struct param *p = defaults->items[i].param;
        char end[40];
        if (p->type == PARAM_BOOL) {
            add_change(list, o, defaults, usual, p, settings_bool(defaults, p->name) ? "no" : "yes");
        } else if (p->type == PARAM_CHOICE) {
            for (const char *const *choice = p->choices; *choice; choice++)
                add_change(list, o, defaults, usual, p, *choice);
        } else if (p->min < p->max) {
            for (int high = 0; high < 2; high++) {
                snprintf(end, sizeof end, "%.17g", high ? p->max : p->min);
                add_change(list, o, defaults, usual, p, end);
            }
        }
    }
    return list;
}

json_t *engine_describe_objective(const struct objective *o)
{
    const struct param *const tables[] = {o->params, objective_options(o), NULL};
    struct objective_run r = {0};
    struct settings s;
    json_t *kinds = json_array(), *rows = params_to_json(o->params), *options = params_to_json(objective_options(o));
    settings_init(&s, tables);
    objective_configure(&r, o, &s);
    const struct needs needs = objective_needs(&r);
    for (unsigned kind = 1; kind <= DATA_PROMPT; kind <<= 1)
        if (o->data & kind)
            json_array_append_new(kinds, json_string(data_kind_name((enum data_kind)kind)));
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "name", o->name, "title", o->title, "summary",
                            o->summary, "paper", o->paper, "formula", o->formula, "pitfalls", o->pitfalls, "data_needs",
                            objective_data_text(o), "data", kinds);
    json_object_set_new(row, "of_runs", json_boolean(o->of_runs));
    json_object_set_new(row, "needs_reference", json_boolean(needs.networks & NETWORK_REFERENCE));
    json_object_set_new(row, "needs_score", json_boolean(needs.networks & NETWORK_SCORE));
    json_object_set_new(row, "online", json_boolean(o->online));
    json_object_set_new(row, "entropy_weight", o->entropy_weight ? json_string(o->entropy_weight) : json_null());
    json_object_set_new(row, "whole_batch", json_boolean(o->prepare != NULL));
    json_object_set_new(row, "needs", need_list(needs, NULL));
    json_object_set_new(row, "costs", need_list(needs, o));
    json_object_set_new(row, "costs_with", need_changes(o, &s, needs));
    json_object_set_new(row, "metrics", text_list(o->metrics));
    json_object_set_new(row, "n_own_params", json_integer((json_int_t)json_array_size(rows)));
    json_array_extend(rows, options);
    json_decref(options);
    const struct param *const more_rows[] = {o->online ? rollout_params : NULL, o->online ? reward_params : NULL,
                                             o->imitates ? imitate_params : NULL};
    for (size_t i = 0; i < sizeof more_rows / sizeof *more_rows; i++) {
        if (!more_rows[i])
            continue;
        json_t *more = params_to_json(more_rows[i]);
        json_array_extend(rows, more);
        json_decref(more);
    }
    json_object_set_new(row, "params", rows);
    settings_fini(&s);
    return row;
}
