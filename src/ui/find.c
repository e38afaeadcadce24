// Finding: "/" on every page that has lines to look through, with the language of filters; n and N go on.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ui/ui_internal.h"

static const struct find_ops *ops_here(struct ui *ui)
{
    return ui->views[ui->page].ops->find;
}

// The first match from `from` on in the direction of `step`, round the end; -1: none. *place, *total: which of how many it
// is.
static int search(struct ui *ui, struct filter *f, int from, int step, int *place, int *total)
{
    struct view *v = &ui->views[ui->page];
    int at, n = ops_here(ui)->count(v, &at), found = -1;
    *place = *total = 0;
    for (int k = 0; k < n && found < 0; k++) {
        int i = ((from + k * step) % n + n) % n;
        if (ops_here(ui)->matches(v, i, f))
            found = i;
    }
    for (int i = 0; i < n && found >= 0; i++) {
        bool matches = ops_here(ui)->matches(v, i, f);
        *total += matches;
        *place += matches && i <= found;
    }
    return found;
}

static enum view_result go(struct ui *ui, struct filter *f, int from, int step)
{
    int place, total, found = search(ui, f, from, step, &place, &total);
    if (found < 0) {
        const char *unknown = filter_unknown(f);
        if (unknown)
            ui_say(ui, "Nothing here has a field %s; without a colon or a comparison it is a word", unknown);
        else
            ui_say(ui, "Nothing here matches %s", filter_text(f));
        return VIEW_CHANGED;
    }
    ops_here(ui)->go(&ui->views[ui->page], found);
    ui_say(ui, "%d of %d that match %s", place, total, filter_text(f));
    return VIEW_CHANGED;
}

void find_remember(struct ui *ui, const char *text)
{
    struct filter *f = NULL;
    struct err ignored = {0};
    if (filter_parse(&f, text, &ignored))
        return;
    filter_free(ui->find);
    ui->find = f;
}

static enum view_result find_text(struct ui *ui, const char *text)
{
    struct filter *f = NULL;
    struct err fault = {0};
    if (filter_parse(&f, text, &fault)) {
        ui_say_error(ui, "%s", fault.text);
        return VIEW_CHANGED;
    }
    filter_free(f);
    return filter_is_empty(ui->find) ? VIEW_CHANGED : go(ui, ui->find, ui->find_from, 1);
}

// To a line by its number.
static enum view_result go_to(struct ui *ui, const char *arg)
{
    int at = 0;
    int64_t line = 0;
    struct view *v = &ui->views[ui->page];
    const int n = ops_here(ui)->count(v, &at);
    if (!arg)
        ui_ask(ui, CMD_GO, "go to line", "");
    else if (!text_to_i64(arg, &line) || line < 1 || line > n)
        ui_say_error(ui, "go: %s is no line of this list, which has %d", arg, n);
    else
        ops_here(ui)->go(v, (int)line - 1);
    return VIEW_CHANGED;
}

enum view_result find_command(struct ui *ui, enum command_id id, const char *arg)
{
    int at = 0;
    if (id == CMD_GO && ops_here(ui))
        return go_to(ui, arg);
    if (id != CMD_FIND && id != CMD_FIND_NEXT && id != CMD_FIND_PREVIOUS)
        return VIEW_IGNORED;
    if (!ops_here(ui)) {
        ui_say(ui, "There is nothing to look through on this page");
        return VIEW_CHANGED;
    }
    ops_here(ui)->count(&ui->views[ui->page], &at);
    if (id == CMD_FIND && !ui->prompt_was_live)
        ui->find_from = at < 0 ? 0 : at;
    ui->prompt_was_live = false;
    if (id == CMD_FIND && arg)
        return find_text(ui, arg);
    if (id == CMD_FIND || filter_is_empty(ui->find)) {
        ui_ask_live(ui, CMD_FIND, "find", filter_text(ui->find));
        return VIEW_CHANGED;
    }
    const int step = id == CMD_FIND_NEXT ? 1 : -1;
    return go(ui, ui->find, at + step, step);
}

// The cursor follows what is typed; what is no filter yet moves nothing.
void find_typed(struct ui *ui, enum command_id id, const char *text)
{
    struct view *v = &ui->views[ui->page];
    struct filter *f = NULL;
    struct err ignored = {0};
    int place, total;
    if (id != CMD_FIND) {
        if (v->ops->typed)
            v->ops->typed(v, id, text);
        return;
    }
    if (!ops_here(ui) || filter_parse(&f, text, &ignored))
        return;
    int found = filter_is_empty(f) ? ui->find_from : search(ui, f, ui->find_from, 1, &place, &total);
    if (found >= 0)
        ops_here(ui)->go(v, found);
    filter_free(f);
}
