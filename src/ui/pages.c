// The pages: which there are, which one is shown, and how it follows the runs.
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "ui/kept.h"
#include "ui/ui_internal.h"

static const struct view_ops *const pages[PAGE_N] = {
    [PAGE_RUNS] = &view_runs, [PAGE_CURVES] = &view_curves, [PAGE_SAMPLES] = &view_samples,
    [PAGE_LOG] = &view_log,   [PAGE_COMPARE] = &view_compare, [PAGE_LABEL] = &view_label, [PAGE_DATA] = &view_data,
    [PAGE_LAUNCH] = &view_launch, [PAGE_RECIPES] = &view_recipes, [PAGE_EVALS] = &view_evals,
    [PAGE_HELP] = &view_help,
};

bool ui_page_exists(enum page page)
{
    return pages[page] != NULL;
}

const char *ui_page_title(enum page page)
{
    return pages[page] ? pages[page]->title : "";
}

static bool is_run_page(enum page page)
{
    return IN_RUN >> page & 1;
}

// What the page kept of the last time (ui/session.c).
static void restore(struct ui *ui, struct view *v)
{
    const json_t *own = v->ops->restore ? kept_object(kept_object(ui->session, "pages"), v->ops->title) : NULL;
    if (!own)
        return;
    kept_trouble();
    v->ops->restore(v, own);
    const char *trouble = kept_trouble();
    if (trouble)
        ui_say_error(ui, "console.json: what it has as %s of the page %s is not used, the rest is", trouble, v->ops->title);
}

void ui_show(struct ui *ui, enum page page)
{
    if (!pages[page])
        return;
    if (is_run_page(page) && !ui_run(ui)) {
        ui_say(ui, "There is no run to show yet: a starts one.");
        return;
    }
    struct view *v = &ui->views[page];
    struct err fault = {0};
    if (!v->is_open) {
        *v = (struct view){.ops = pages[page], .ui = ui, .is_open = true};
        if (v->ops->open && v->ops->open(v, &fault)) {
            ui_say_error(ui, "%s", fault.text);
            if (v->ops->close)
                v->ops->close(v);
            v->is_open = false;
            return;
        }
        restore(ui, v);
    }
    if (page != ui->page && (page == PAGE_HELP || page == PAGE_LAUNCH) && ui->page != PAGE_HELP)
        ui->back_to = ui->page;
    ui->page = page;
    ui->dirty = true;
    if (v->ops->shown)
        v->ops->shown(v);
    if (v->ops->refresh)
        ui->more = v->ops->refresh(v) == REFRESH_MORE;
}

void pages_back(struct ui *ui)
{
    ui->left_page = ui->page == PAGE_HELP ? ui->back_to : ui->page;
    ui->left_page_s = clock_seconds();
    if (ui->page == PAGE_HELP || ui->page == PAGE_LAUNCH) {
        enum page to = ui->page == PAGE_HELP || ui->back_to != PAGE_LAUNCH ? ui->back_to : PAGE_RUNS;
        ui_show(ui, to == ui->page ? PAGE_RUNS : to);
    } else if (ui->page != PAGE_RUNS) {
        ui_show(ui, PAGE_RUNS);
    }
}

// Where there is no run its pages are passed over; from a page without a number on is the first one, and back the last.
void pages_turn(struct ui *ui, int step)
{
    int page = (int)ui->page < N_NUMBERED ? (int)ui->page : step > 0 ? N_NUMBERED - 1 : 0;
    for (int i = 0; i < N_NUMBERED; i++) {
        page = (page + step + N_NUMBERED) % N_NUMBERED;
        if (pages[page] && (!is_run_page((enum page)page) || ui_run(ui))) {
            ui_show(ui, (enum page)page);
            return;
        }
    }
}

// In the order of the list as it is shown: filtered and sorted. At its ends it says so.
void pages_turn_run(struct ui *ui, int step)
{
    struct view *list = &ui->views[PAGE_RUNS];
    const enum page page = ui->page;
    if (!list->is_open)
        ui_show(ui, PAGE_RUNS);
    list->ops->shown(list); // its rows are those of now
    if (list->ops->command(list, step > 0 ? CMD_DOWN : CMD_UP, NULL) != VIEW_CHANGED)
        ui_say(ui, "This is the %s run of the list.", step > 0 ? "last" : "first");
    ui_open_run(ui, ui->run_name, page);
}

void ui_follow(struct ui *ui, double now_s)
{
    struct view *v = &ui->views[ui->page];
    ui->refreshed_s = now_s;
    ui->generation = ui->runs.generation;
    const enum view_refresh result = v->ops->refresh ? v->ops->refresh(v) : REFRESH_NOTHING;
    run_list_let_go(&ui->runs); // the page shows the rows of now
    ui->more = result == REFRESH_MORE || ui->runs.n_unread > 0;
    if (ui->more_is_asked && !ui->more) {
        ui->more_is_asked = false;
        ui->dirty = true;
    }
}

void ui_refresh(struct ui *ui, double now_s, bool all)
{
    struct err fault = {0};
    ui_forget_message(ui, now_s);
    const bool was_reading = ui->runs.n_unread > 0;
    bool changed = run_list_poll(&ui->runs, now_s, all, &fault);
    if (was_reading && ui->runs.n_unread == 0) // somebody has waited for this since the console began
        ui->dirty = true;
    if (fault.code)
        ui_say_error(ui, "%s", fault.text);
    struct run_row *run = ui_run(ui);
    if (!run && ui->runs.n)
        ui_choose_run(ui, ui->runs.rows[ui->runs.n - 1]->info.name);
    if (!run && is_run_page(ui->page))
        ui_show(ui, PAGE_RUNS);
    // Ages and other texts that depend on the time of day only are brought up to date now and then.
    const double patience = ui->views[ui->page].ops->patience_s;
    bool stale = now_s - ui->refreshed_s > (patience > 0 ? patience : 10);
    if (!changed && !ui->more && !stale && ui->generation == ui->runs.generation)
        return;
    do {
        ui_follow(ui, now_s);
    } while (all && ui->more && ui->runs.n_unread == 0);
    if (!ui->frozen)
        ui->data_dirty = true;
}
