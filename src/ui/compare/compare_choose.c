// Which model a side is: a list of all checkpoints, narrowed by what is typed; a path is a folder.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/compare/compare_page.h"
#include "ui/launch/path_complete.h"
#include "ui/term/keys.h"

void compare_choose(struct compare_page *p, int place)
{
    if (ui_talks(p->c.ui)) {
        char question[80];
        snprintf(question, sizeof question, "which model is %c (RUN@STEP, RUN@base or a folder)", 'A' + place);
        ui_ask(p->c.ui, place < p->c.n ? CMD_MODEL : CMD_SIDE, question, "");
        return;
    }
    p->choosing = true;
    p->choose_for = place;
    p->choice = p->choice_top = 0;
    line_edit_set(&p->filter, "");
    ui_look_for_checkpoints(p->c.ui);
}

static bool fits(const struct compare_page *p, const struct checkpoint_choice *c)
{
    const char *typed = str_text(&p->filter.text);
    return strcasestr(c->model.label, typed) || (c->is_best && strcmp(typed, "best") == 0) ||
           (c->is_base && (strcmp(typed, "base") == 0 || (*typed && strcasestr(c->model.folder, typed))));
}

// The k-th of those that fit; NULL: there are not so many.
static const struct checkpoint_choice *kth(struct compare_page *p, int k)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    for (int i = 0; l && i < l->n; i++)
        if (fits(p, &l->rows[i]) && k-- == 0)
            return &l->rows[i];
    return NULL;
}

static int count(struct compare_page *p)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    int n = 0;
    for (int i = 0; l && i < l->n; i++)
        n += fits(p, &l->rows[i]);
    return n;
}

// Fills the place, and lets the new one answer what the others have answered.
static void take(struct compare_page *p, struct compare_model model)
{
    const int place = p->choose_for > p->c.n ? p->c.n : p->choose_for;
    p->choosing = false;
    p->graded = 0;
    p->token = -1;
    compare_put(&p->c, place, model);
    p->c.focus = place;
    compare_want_prompts(p, &compare_at(&p->c, place)->model);
    compare_ask_side(&p->c, place);
    compare_want(&p->c);
}

static enum view_result choose(struct compare_page *p)
{
    const struct checkpoint_choice *c = kth(p, p->choice);
    const char *typed = str_text(&p->filter.text);
    struct checkpoint_list none = {0};
    struct compare_model model;
    struct err fault = {0};
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    if (c && !strchr(typed, '/'))
        take(p, compare_model_copy(&c->model));
    else if (!*typed)
        ui_say(p->c.ui, "There are no checkpoints yet: type the path of a model's folder.");
    else if (checkpoint_list_find(l ? l : &none, ui_runs(p->c.ui), typed, &model, &fault))
        ui_say_error(p->c.ui, "%s", fault.text);
    else
        take(p, model);
    return VIEW_CHANGED;
}

// Tab: more of the path of a folder.
static void complete_path(struct compare_page *p)
{
    struct words choices = {0};
    struct str names = {0};
    char *longer = NULL;
    const enum path_completed done = path_complete(str_text(&p->filter.text), &longer, &choices);
    if (done == PATH_LONGER)
        line_edit_set(&p->filter, longer);
    path_choices_text(&choices, &names);
    if (done == PATH_CHOICES)
        ui_say(p->c.ui, "%s", str_text(&names));
    str_fini(&names);
    free(longer);
    words_fini(&choices);
}

enum view_result compare_choose_key(struct compare_page *p, int key)
{
    const int n = count(p), page = p->choice_height > 1 ? p->choice_height - 1 : 1;
    switch (key) {
    case KEY_ESCAPE_:
        p->choosing = false;
        return VIEW_CHANGED;
    case KEY_ENTER_:
        return choose(p);
    case KEY_UP_:
        p->choice--;
        break;
    case KEY_DOWN_:
        p->choice++;
        break;
    case KEY_PGUP_:
        p->choice -= page;
        break;
    case KEY_PGDN_:
        p->choice += page;
        break;
    case KEY_TAB_:
        complete_path(p);
        p->choice = 0;
        break;
    default:
        if (!line_edit_key(&p->filter, key))
            return VIEW_IGNORED;
        p->choice = 0;
    }
    p->choice = p->choice >= n ? n - 1 : p->choice;
    p->choice = p->choice < 0 ? 0 : p->choice;
    return VIEW_CHANGED;
}

static void draw_choice(struct canvas *c, struct rect line, const struct checkpoint_choice *row)
{
    const int label = line.width - 2 < 40 ? line.width - 2 : 40, word = line.width - 43, folder = line.width - 58;
    if (label > 0)
        canvas_text(c, line.x + 2, line.y, label, STYLE(COLOR_DEFAULT), row->model.label);
    if (word > 0)
        canvas_text(c, line.x + 43, line.y, word < 14 ? word : 14, STYLE(COLOR_GOOD), checkpoint_choice_word(row));
    if (folder > 0 && row->is_base) // folders may be called alike
        canvas_text_end(c, line.x + 58, line.y, folder, STYLE(COLOR_MUTED), row->model.folder);
}

void compare_draw_choices(struct compare_page *p, struct canvas *c, struct rect area)
{
    const struct checkpoint_list *l = ui_checkpoints(p->c.ui);
    const struct checkpoint_choice *row;
    struct str title = {0};
    str_addf(&title, "Which model is %c?", 'A' + p->choose_for);
    struct rect in = rect_inset(canvas_box(c, area, STYLE(COLOR_ACCENT), str_text(&title)), 1, 0);
    str_fini(&title);
    struct rect line = rect_cut_top(&in, 1);
    const int x = canvas_text(c, line.x, line.y, -1, STYLE(COLOR_MUTED), "checkpoint or folder> ");
    line_edit_draw(&p->filter, c, x, line.y, line.x + line.width - x, STYLE(COLOR_DEFAULT));
    p->choice_height = in.height;
    if (p->choice < p->choice_top)
        p->choice_top = p->choice;
    if (p->choice >= p->choice_top + in.height)
        p->choice_top = p->choice - in.height + 1;
    for (int i = p->choice_top; in.height > 0 && (row = kth(p, i)) != NULL; i++) {
        line = rect_cut_top(&in, 1);
        draw_choice(c, line, row);
        if (i == p->choice) {
            canvas_put(c, line.x, line.y, '>', STYLE(COLOR_ACCENT, .attr = ATTR_BOLD));
            canvas_restyle(c, line, STYLE(COLOR_DEFAULT, .bg = COLOR_CURSOR));
        }
    }
    if (!l || !kth(p, 0)) {
        const char *text = !l          ? "Reading which checkpoints there are ..."
                           : l->n == 0 ? "No run of this project has a checkpoint yet. "
                                         "Type the path of a model's folder."
                                       : "No checkpoint is called so: Enter takes it as a folder's path.";
        canvas_paragraph(c, in, 0, STYLE(COLOR_MUTED), text, strlen(text));
    }
}

void compare_complete(struct view *v, enum command_id id, const char *before, struct words *out)
{
    const struct checkpoint_list *l = ui_checkpoints(v->ui);
    const bool of_models =
        id == CMD_COMPARE || id == CMD_SIDE || id == CMD_MODEL || id == CMD_REFERENCE || id == CMD_REWARD;
    for (int i = 0; of_models && l && i < l->n; i++)
        words_add_about(out, l->rows[i].is_base ? l->rows[i].model.folder : l->rows[i].model.label,
                        checkpoint_choice_word(&l->rows[i]));
}

// The run's checkpoint nearest to the step, before it or behind it.
static const struct checkpoint_choice *nearest(const struct checkpoint_list *l, const char *run, int64_t from, int step)
{
    const struct checkpoint_choice *to = NULL;
    for (int i = 0; l && i < l->n; i++) {
        const struct checkpoint_choice *r = &l->rows[i];
        const bool on_the_way =
            r->model.run && strcmp(r->model.run, run) == 0 && (step > 0 ? r->model.step > from : r->model.step < from);
        if (on_the_way && (!to || (step > 0 ? r->model.step < to->model.step : r->model.step > to->model.step)))
            to = r;
    }
    return to;
}

// Before its oldest checkpoint stands what the run began from.
static enum view_result scrub_to_base(struct compare_page *p, const char *run)
{
    struct compare_model base;
    struct err fault = {0};
    const struct run_row *row = run_list_find(ui_runs(p->c.ui), run);
    if (!row || checkpoint_base_find(&row->info, &base, &fault)) {
        ui_say(p->c.ui, "This is the oldest checkpoint that run %s keeps%s%s.", run, row ? "; " : "", fault.text);
        return VIEW_KEPT;
    }
    base.base_of = mem_strdup(run);
    take(p, base);
    return VIEW_CHANGED;
}

enum view_result compare_scrub(struct compare_page *p, int step)
{
    struct compare *c = &p->c;
    if (c->n == 0)
        return VIEW_KEPT;
    const struct compare_model *now = &compare_at(c, c->focus)->model;
    const char *run = now->run ? now->run : now->base_of;
    if (!run || !now->folder) {
        ui_say(c->ui, "%s is no run's checkpoint: there is no other of it.", now->label);
        return VIEW_KEPT;
    }
    p->choose_for = c->focus;
    const struct checkpoint_choice *to = now->run || step > 0 ? nearest(ui_checkpoints(c->ui), run, now->step, step) : NULL;
    if (to) {
        take(p, compare_model_copy(&to->model));
        return VIEW_CHANGED;
    }
    if (step < 0 && now->run && ui_checkpoints(c->ui))
        return scrub_to_base(p, run);
    ui_say(c->ui, now->run ? "%s is the newest checkpoint that run %s keeps." : "%s is what run %s began from.", now->label,
           run);
    return VIEW_KEPT;
}
