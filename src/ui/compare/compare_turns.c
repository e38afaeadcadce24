// Conversations of several turns: what was said before the prompt stands as a JSON list of messages, as data and the
// store have it, and chat templates are the engine's.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "ui/compare/compare_page.h"

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
