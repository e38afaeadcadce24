// The votes of the project on page Compare: win rates in parts, and which two models are to be compared next.
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "ui/compare/compare_page.h"

// Of the models that are still here: names in votes may be those of another project's, or of a folder that is gone.
enum view_result compare_next_models(struct compare_page *p)
{
    const struct win_table *t = ui_wins(p->c.ui);
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    struct str words = {0}, text = {0};
    if (!t || !l)
        return compare_do_later(p, CMD_NEXT_MODELS, NULL);
    for (int i = 0; i < t->n_next && !words.len; i++) {
        struct compare_model a, b;
        struct err fault = {0};
        if (checkpoint_list_find(l, ui_runs(p->c.ui), t->next[i].a, &a, &fault))
            continue;
        if (checkpoint_list_find(l, ui_runs(p->c.ui), t->next[i].b, &b, &fault) == 0) {
            str_addf(&words, "%s %s", t->next[i].a, t->next[i].b);
            win_next_text(&t->next[i], &text);
            compare_model_fini(&b);
        }
        compare_model_fini(&a);
    }
    if (!t->n_next)
        ui_say(p->c.ui, "Of fewer than three models with votes none is next: = and a choose models.");
    else if (!words.len)
        ui_say(p->c.ui, "No two of the models that were voted on have a checkpoint or a folder here.");
    else
        compare_these(p, str_text(&words));
    if (words.len && p->c.blind) // the order is not to be told
        ui_say(p->c.ui, "The two models whose order is the least certain are side by side.");
    else if (words.len)
        ui_say(p->c.ui, "Least certain: %s.", str_text(&text));
    str_fini(&text);
    str_fini(&words);
    return VIEW_CHANGED;
}

enum view_result compare_slices(struct compare_page *p, const char *arg)
{
    struct win_cut cut;
    struct err fault = {0};
    if (!arg) {
        ui_ask(p->c.ui, CMD_SLICES,
               "win rates by (length, words, beginning, with how many; or a member of the prompts' rows and their file)",
               "");
        return VIEW_CHANGED;
    }
    if (win_cut_read(&cut, arg, p->set, &fault)) {
        ui_say_error(p->c.ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    ui_cut_wins(p->c.ui, &cut);
    p->panel = PANEL_WINS;
    return VIEW_CHANGED;
}

static void draw_next(const struct win_table *t, struct canvas *c, struct rect *in)
{
    enum { MOST = 3 };
    for (int i = 0; i < t->n_next && i < MOST && in->height > 6; i++) {
        struct str line = {0};
        const struct rect at = rect_cut_top(in, 1);
        str_add(&line, i == 0 ? "least certain (M compares them)  " : "                                 ");
        win_next_text(&t->next[i], &line);
        canvas_text(c, at.x + 1, at.y, at.width - 2, STYLE(i == 0 ? COLOR_ACCENT : COLOR_MUTED), str_text(&line));
        str_fini(&line);
    }
    if (t->n_next)
        rect_cut_top(in, 1);
}

// Two models: their names, what the votes add up to, and the parts.
static void draw_row(const struct win_table *t, const struct win_row *row, struct canvas *c, struct rect *in)
{
    struct str line = {0};
    struct rect at = rect_cut_top(in, 1);
    canvas_textf(c, at.x + 1, at.y, at.width - 2, STYLE(COLOR_TITLE), "A %s   B %s", row->a, row->b);
    at = rect_cut_top(in, 1);
    win_row_text(row, "A", "B", false, &line);
    win_row_add_length(row, &line);
    canvas_text(c, at.x + 3, at.y, at.width - 4, STYLE(COLOR_DEFAULT), str_text(&line));
    str_clear(&line);
    win_row_add_slices(t, row, &line);
    if (line.len && in->height > 0) {
        const struct rect room = {in->x + 3, in->y, in->width - 4, in->height};
        rect_cut_top(in, canvas_paragraph(c, room, 0, STYLE(COLOR_MUTED), str_text(&line), line.len));
    }
    str_fini(&line);
}

void compare_draw_wins(struct compare_page *p, struct canvas *c, struct rect r)
{
    const struct win_table *t = ui_wins(p->c.ui);
    struct rect in = canvas_box(c, r, STYLE(COLOR_MUTED), "Votes in this project; V goes back to the answers");
    const char *none = compare_hides_names(p) ? "Hidden until you vote."
                       : !t                   ? "Reading ..."
                                              : "No votes between two models yet.";
    if (compare_hides_names(p) || !t || t->n == 0) {
        canvas_text(c, in.x + 1, in.y, in.width - 2, STYLE(COLOR_MUTED), none);
        return;
    }
    draw_next(t, c, &in);
    for (int i = p->panel_top < t->n ? p->panel_top : t->n - 1; i < t->n && in.height > 1; i++)
        draw_row(t, &t->rows[i], c, &in);
}
