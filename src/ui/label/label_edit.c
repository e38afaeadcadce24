// A better answer, in the person's editor. What is begun stays as a draft until it is saved.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/label_drafts.h"
#include "ui/label/label_view.h"

enum view_result label_edit(struct view *v, const char *arg)
{
    struct label_state *s = v->state;
    const bool right = arg ? strcmp(arg, "right") == 0 : s->focus == LABEL_RIGHT;
    struct err fault = {0};
    char *after = NULL, *path = NULL;
    if (arg && !right && strcmp(arg, "left") != 0) {
        ui_say_error(v->ui, "correct: left or right, not %s", arg);
        return VIEW_KEPT;
    }
    if (!s->now.has_pair)
        return VIEW_KEPT;
    const bool b = right != s->now.swapped;
    const char *before = b ? s->now.pair.b : s->now.pair.a;
    int code = label_draft_answer(store_dir(ui_store(v->ui)), s->now.annotator, s->now.pair.hash, b, &path, &fault);
    if (!code)
        code = ui_edit_file(v->ui, path, before, &after, &fault);
    if (!code && strcmp(before, after) == 0)
        unlink(path); // no draft
    if (code) {
        ui_say_error(v->ui, "%s", fault.text);
        free(path);
    } else {
        label_ask(v, (struct label_request){.what = LABEL_EDIT, .text = after, .number = s->now.number, .is_b = b,
                                            .name = path, .seconds = NAN});
    }
    return VIEW_CHANGED;
}
