#include "config.h"

#include "cli/objective_text.h"

#include <string.h>

const char *const objective_group_titles[N_OBJECTIVE_GROUPS] = {
    [OBJECTIVES_TEXTS] = "Texts to imitate",
    [OBJECTIVES_PAIRS] = "Preference pairs",
    [OBJECTIVES_BINARY] = "Good and bad answers",
    [OBJECTIVES_LISTS] = "Ranked or scored lists",
    [OBJECTIVES_ONLINE] = "The model's own answers",
    [OBJECTIVES_REWARD] = "Reward models",
};

const json_t *objective_json(const struct engine_description *d, const struct engine_objective *o)
{
    return json_array_get(json_object_get(d->json, "objectives"), (size_t)(o - d->objectives));
}

static bool has_kind(const json_t *o, const char *word)
{
    const json_t *kinds = json_object_get(o, "data");
    for (size_t i = 0; i < json_array_size(kinds); i++)
        if (strstr(json_string_value(json_array_get(kinds, i)), word))
            return true;
    return false;
}

// An objective that takes several shapes stands with the widest: lists, whose smallest are pairs; votes, which pairs hold
// too.
enum objective_group objective_group_of(const json_t *o)
{
    if (json_is_true(json_object_get(o, "needs_score")))
        return OBJECTIVES_REWARD;
    if (json_is_true(json_object_get(o, "online")))
        return OBJECTIVES_ONLINE;
    if (has_kind(o, "list"))
        return OBJECTIVES_LISTS;
    if (has_kind(o, "good"))
        return OBJECTIVES_BINARY;
    return has_kind(o, "text") ? OBJECTIVES_TEXTS : OBJECTIVES_PAIRS;
}

static void add_list(struct str *s, const json_t *list, const char *between)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        str_addf(s, "%s%s", i ? between : "", json_string_value(json_array_get(list, i)));
}

void objective_add_needs(struct str *s, const json_t *o)
{
    const json_t *needs = json_object_get(o, "needs");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(needs); i++) {
        const char *name = json_string_value(json_array_get(needs, i));
        if (strcmp(name, "token-stats") != 0)
            str_addf(s, "%s%s", n++ ? ", " : "", name);
    }
}

void objective_add_costs(struct str *s, const json_t *o)
{
    const json_t *changes = json_object_get(o, "costs_with"), *costs = json_object_get(o, "costs");
    add_list(s, costs, "\n");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i), *more = json_object_get(change, "more");
        const json_t *less = json_object_get(change, "less");
        str_addf(s, "%sWith %s = %s: ", s->len ? "\n" : "", json_string_value(json_object_get(change, "param")),
                 json_string_value(json_object_get(change, "value")));
        if (json_array_size(less)) {
            str_add(s, "no ");
            add_list(s, less, ", no ");
            str_add(s, json_array_size(more) ? "; " : ".");
        }
        add_list(s, more, " ");
    }
}

void objective_add_range(struct str *s, const struct param *p)
{
    if (p->type == PARAM_BOOL) {
        str_add(s, "yes or no");
    } else if (p->type == PARAM_CHOICE) {
        for (int i = 0; p->choices[i]; i++)
            str_addf(s, "%s%s", i == 0 ? "" : p->choices[i + 1] ? ", " : " or ", p->choices[i]);
    } else if (p->min < p->max) {
        str_addf(s, "%.6g to %.6g", p->min, p->max);
    }
    if (p->unit)
        str_addf(s, "%s%s", s->len ? " " : "", p->unit);
}

void objective_add_metrics(struct str *s, const json_t *o)
{
    const json_t *own = json_object_get(o, "metrics");
    const enum objective_group group = objective_group_of(o);
    str_add(s, "loss");
    if (has_kind(o, "pair") && group != OBJECTIVES_TEXTS)
        str_addf(s, ", rewards/chosen, rewards/rejected, rewards/margins, rewards/accuracies%s",
                 group == OBJECTIVES_REWARD ? "" : ", logps/chosen, logps/rejected");
    const json_t *needs = json_object_get(o, "needs");
    for (size_t i = 0; i < json_array_size(needs); i++)
        if (strcmp(json_string_value(json_array_get(needs, i)), "token-stats") == 0)
            str_add(s, ", mean_token_accuracy, entropy");
    if (json_array_size(own))
        str_add(s, ", ");
    add_list(s, own, ", ");
    if (group == OBJECTIVES_ONLINE)
        str_add(s, ", and what every batch of answers is like");
}
