// Conversations of several turns: what was said before the prompt stands as a JSON list of messages, as data and the
// store have it, and chat templates are the engine's.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "ui/compare_page.h"

static json_t *message(const char *role, const char *text)
{
    return json_pack("{s:s, s:o}", "role", role, "content", json_any_text(text));
}

char *compare_turns_with(const char *history, const char *prompt, const char *answer)
{
    json_t *list = NULL;
    if (history && (json_parse(history, strlen(history), "the conversation", &list, NULL) || !json_is_array(list))) {
        json_decref(list);
        list = NULL;
    }
    list = list ? list : json_array();
    json_array_append_new(list, message("user", prompt));
    if (answer)
        json_array_append_new(list, message("assistant", answer));
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    return text;
}

char *compare_turns_text(const char *turns)
{
    json_t *list = NULL, *one;
    struct str out = {0};
    size_t i;
    if (json_parse(turns, strlen(turns), "the conversation", &list, NULL))
        list = NULL;
    json_array_foreach(list, i, one)
    {
        const char *role = json_string_value(json_object_get(one, "role")),
                   *text = json_string_value(json_object_get(one, "content"));
        str_addf(&out, "%s%s: %s", i ? "\n" : "", role ? role : "user", text ? text : "");
    }
    json_decref(list);
    return out.data ? str_take(&out) : mem_strdup("");
}

const char *compare_history(const struct compare *c, const struct compare_side *s)
{
    return s->history ? s->history : c->history;
}

bool compare_same_history(const struct compare *c, const struct compare_side *a, const struct compare_side *b)
{
    const char *x = compare_history(c, a), *y = compare_history(c, b);
    return x == y || (x && y && strcmp(x, y) == 0);
}

// What is answered, as a person reads all of it.
char *compare_asked_text(const struct compare *c, const struct compare_side *s)
{
    const char *history = compare_history(c, s);
    if (!history)
        return mem_strdup(c->prompt ? c->prompt : "");
    char *turns = compare_turns_with(history, c->prompt, NULL), *text = compare_turns_text(turns);
    free(turns);
    return text;
}

void compare_set_conversation(struct compare *c, const char *history, const char *prompt)
{
    char *copies[] = {history ? mem_strdup(history) : NULL, mem_strdup(prompt)};
    for (int i = 0; i < COMPARE_MOST; i++) {
        free(c->sides[i].history);
        c->sides[i].history = NULL;
    }
    free(c->history);
    free(c->prompt);
    c->history = copies[0];
    c->prompt = copies[1];
}

int compare_turn(const struct compare *c)
{
    const char *history = c->n > 0 ? compare_history(c, &c->sides[c->order[c->focus]]) : c->history;
    json_t *list = NULL, *one;
    size_t i;
    int n = 1;
    if (history && json_parse(history, strlen(history), "the conversation", &list, NULL))
        list = NULL;
    json_array_foreach(list, i, one)
    {
        const char *role = json_string_value(json_object_get(one, "role"));
        n += role && strcmp(role, "user") == 0;
    }
    json_decref(list);
    return n;
}

// ---- going on ----

// Each from its own answer. The first prompt is kept by every side's history.
static void from_own(struct compare *c)
{
    for (int i = 0; i < c->n; i++) {
        struct compare_side *s = &c->sides[i];
        char *said = compare_turns_with(compare_history(c, s), c->prompt, str_text(&s->answer.text));
        free(s->history);
        s->history = said;
    }
}

enum view_result compare_go_on(struct compare_page *p, bool chosen, const char *text)
{
    struct compare *c = &p->c;
    const enum command_id id = chosen ? CMD_GO_ON_CHOSEN : CMD_GO_ON;
    if (c->n == 0 || !c->prompt) {
        ui_say_error(c->ui, "There is no answer to go on from yet: e asks something");
        return VIEW_KEPT;
    }
    for (int i = 0; i < c->n; i++) {
        const struct compare_side *s = compare_at(c, i);
        if ((!chosen || i == c->focus) && (s->answer.state != SIDE_WHOLE || !s->model.folder)) {
            ui_say_error(c->ui,
                         !s->model.folder ? "%c is what a run wrote down: nobody is there to go on"
                                          : "%c has not answered: go on when it has",
                         'A' + i);
            return VIEW_KEPT;
        }
    }
    if (!text) {
        char label[80];
        snprintf(label, sizeof label,
                 chosen ? "all go on from %c's answer; you say" : "each goes on from its own answer; you say",
                 'A' + c->focus);
        ui_ask(c->ui, id, label, "");
        return VIEW_CHANGED;
    }
    p->asks_all = false;
    if (chosen) {
        struct compare_side *s = compare_at(c, c->focus);
        char *said = compare_turns_with(compare_history(c, s), c->prompt, str_text(&s->answer.text));
        compare_set_conversation(c, said, text);
        free(said);
    } else {
        from_own(c);
        free(c->prompt);
        c->prompt = mem_strdup(text);
    }
    compare_begin(p);
    if (c->blind && chosen) // sides that go on from their own answers stay where they are
        compare_shuffle(p);
    compare_ask(c);
    return VIEW_CHANGED;
}

// ---- in a pane ----

static void add_head(struct text_pane *pane, size_t number, const char *role)
{
    struct str head = {0};
    str_addf(&head, "%s%zu %s\n", number > 1 ? "\n\n" : "", number, role);
    text_pane_add(pane, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), str_text(&head), head.len);
    str_fini(&head);
}

void compare_fill_turns(const struct compare *c, const struct compare_side *s, struct text_pane *pane)
{
    const char *history = compare_history(c, s);
    json_t *list = NULL, *one;
    size_t i;
    char *turns = history ? compare_turns_with(history, c->prompt, NULL) : NULL;
    if (!turns || json_parse(turns, strlen(turns), "the conversation", &list, NULL)) {
        free(turns);
        return;
    }
    json_array_foreach(list, i, one)
    {
        const char *role = json_string_value(json_object_get(one, "role")),
                   *text = json_string_value(json_object_get(one, "content"));
        add_head(pane, i + 1, role ? role : "?");
        text_pane_add(pane, STYLE(COLOR_MUTED), text ? text : "", text ? strlen(text) : 0);
    }
    struct str head = {0};
    str_addf(&head, "%zu assistant\n", json_array_size(list) + 1);
    text_pane_add(pane, STYLE(COLOR_DEFAULT), "\n\n", 2);
    if (s->begins)
        text_pane_begin_here(pane);
    text_pane_add(pane, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), str_text(&head), head.len);
    str_fini(&head);
    json_decref(list);
    free(turns);
}
