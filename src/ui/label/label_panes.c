// The texts of the pair that is shown: the question with its turns, the answers with the words in which they differ.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/word_diff.h"
#include "ui/label/label_view.h"

// Turns of a conversation, each under its role.
static bool fill_turns(struct text_pane *p, const char *turns)
{
    struct err fault;
    json_t *list = NULL, *turn;
    size_t i;
    if (!turns || !*turns || json_parse(turns, strlen(turns), "the messages", &list, &fault) ||
        json_array_size(list) < 2) {
        json_decref(list);
        return false;
    }
    json_array_foreach(list, i, turn)
    {
        const char *role = json_string_value(json_object_get(turn, "role")),
                   *text = json_string_value(json_object_get(turn, "content"));
        char *whole = text ? NULL : json_dumps(turn, JSON_COMPACT);
        struct str head = {0};
        str_addf(&head, "%s%zu %s\n", i && i + 1 < json_array_size(list) ? "\n\n" : "", i + 1, role ? role : "?");
        if (i && i + 1 == json_array_size(list)) { // what is answered is seen first, what was before it is above
            text_pane_add(p, STYLE(COLOR_DEFAULT), "\n\n", 2);
            text_pane_begin_here(p);
        }
        text_pane_add(p, STYLE(COLOR_ACCENT, .attr = ATTR_BOLD), str_text(&head), head.len);
        text = text ? text : whole ? whole : "";
        text_pane_add(p, STYLE(COLOR_DEFAULT), text, strlen(text));
        str_fini(&head);
        free(whole);
    }
    json_decref(list);
    return true;
}

static void fill_answer(struct text_pane *p, const char *text, const struct word_piece *pieces, int n)
{
    struct canvas_span *spans = mem_alloc((size_t)n + 1, sizeof *spans);
    for (int i = 0; i < n; i++)
        spans[i] = (struct canvas_span){pieces[i].n_bytes,
                                        pieces[i].shared ? STYLE(COLOR_DEFAULT)
                                                         : STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD | ATTR_UNDERLINE)};
    if (n)
        text_pane_add_spans(p, spans, n, text, strlen(text));
    else
        text_pane_add(p, STYLE(COLOR_DEFAULT), text, strlen(text));
    free(spans);
}

void label_fill_panes(struct label_state *s)
{
    const struct label_shown *n = &s->now;
    struct word_diff d = {0};
    for (int i = 0; i < LABEL_PANES; i++)
        text_pane_clear(&s->panes[i]);
    text_pane_clear(&s->guideline);
    if (n->guideline)
        text_pane_add(&s->guideline, STYLE(COLOR_DEFAULT), n->guideline, strlen(n->guideline));
    if (!n->has_pair)
        return;
    if (!fill_turns(&s->panes[LABEL_PROMPT], n->pair.turns))
        text_pane_add(&s->panes[LABEL_PROMPT], STYLE(COLOR_DEFAULT), n->pair.prompt, strlen(n->pair.prompt));
    const char *left = n->swapped ? n->pair.b : n->pair.a, *right = n->swapped ? n->pair.a : n->pair.b;
    if (s->with_diff)
        word_diff_make(&d, left, strlen(left), right, strlen(right));
    fill_answer(&s->panes[LABEL_LEFT], left, d.pieces[0], d.n_pieces[0]);
    fill_answer(&s->panes[LABEL_RIGHT], right, d.pieces[1], d.n_pieces[1]);
    word_diff_fini(&d);
}
