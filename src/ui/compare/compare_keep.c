// What the page of compares keeps for the next time: who stood side by side, what was asked, and how. The same question with
// the same seed has the same answers, so these are not kept.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ui/compare/compare_page.h"
#include "ui/kept.h"

void compare_save(const struct view *v, json_t *into)
{
    const struct compare_page *p = v->state;
    const struct compare *c = &p->c;
    json_t *models = json_array();
    for (int i = 0; i < c->n; i++)
        if (c->sides[i].model.folder) // what a run wrote down has no model to ask
            json_array_append_new(models, json_string(compare_model_key(&c->sides[i].model)));
    for (int i = 0; i < p->n_wanted; i++) // not found yet
        json_array_append_new(models, json_string(p->wanted[i]));
    json_object_set_new(into, "models", models);
    json_object_set_new(into, "prompt", json_string(c->prompt ? c->prompt : ""));
    const char *history = c->n > 0 ? compare_history(c, &c->sides[c->order[c->focus]]) : c->history;
    json_object_set_new(into, "history", json_string(history ? history : "")); // of several that of the side in focus
    json_object_set_new(into, "prompts", json_string(p->set ? p->set : ""));
    json_object_set_new(into, "prompt_at", json_integer(p->prompt_at));
    json_object_set_new(into, "seed", json_integer(c->seed));
    json_object_set_new(into, "temperature", json_real(c->temperature));
    json_object_set_new(into, "top_p", json_real(c->top_p));
    json_object_set_new(into, "max_tokens", json_integer(c->max_tokens));
    json_object_set_new(into, "blind", json_boolean(c->blind));
    json_object_set_new(into, "reward", json_string(c->reward ? c->reward : p->wanted_reward ? p->wanted_reward : ""));
}

// The sides wait for the list of checkpoints as those do that somebody names.
void compare_restore(struct view *v, const json_t *from)
{
    struct compare_page *p = v->state;
    struct compare *c = &p->c;
    size_t i;
    json_t *word;
    c->seed = kept_int(from, "seed", 0, 4294967295LL, c->seed);
    c->temperature = kept_number(from, "temperature", 0, 100, c->temperature);
    c->top_p = kept_number(from, "top_p", 0.0001, 1, c->top_p);
    c->max_tokens = (int)kept_int(from, "max_tokens", 1, 100000, c->max_tokens);
    c->blind = kept_bool(from, "blind", false);
    json_array_foreach((json_t *)kept_array(from, "models"), i, word)
        if (json_is_string(word) && p->n_wanted < COMPARE_MOST)
            p->wanted[p->n_wanted++] = mem_strdup(json_string_value(word));
    const char *prompt = kept_text(from, "prompt", ""), *set = kept_text(from, "prompts", "");
    const char *reward = kept_text(from, "reward", ""), *history = kept_text(from, "history", "");
    if (p->n_wanted == 0)
        return;
    if (*reward)
        p->wanted_reward = mem_strdup(reward);
    if (*set) {
        p->wanted_at = (int)kept_int(from, "prompt_at", -1, PROMPT_SET_MOST, 0);
        ui_look_for_prompts(c->ui, set);
    } else if (*prompt) {
        compare_set_conversation(c, *history ? history : NULL, prompt);
    }
}
