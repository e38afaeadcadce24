// One turn more: what a person says to the answers that are there, each side's own or the chosen one's.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ui/compare/compare_page.h"

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
