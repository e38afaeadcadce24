// The page of curves: what its keys do. Drawing stands in curves_draw.c, reading in curves.c.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/curves/curves_compare.h"
#include "ui/curves/curves_mouse.h"
#include "ui/curves/curves_picture.h"
#include "ui/curves/curves_settings.h"
#include "ui/curves/curves_x.h"

static int open_curves(struct view *v, struct err *e)
{
    v->state = mem_alloc(1, sizeof(struct curves));
    curves_init(v->state);
    return 0;
}

static void close_curves(struct view *v)
{
    curves_fini(v->state);
    free(v->state);
}

// The runs that a fork comes from, as far as they are in the list.
static int add_ancestors(const struct run_list *l, const struct run_row *of, struct run_row **rows, int n)
{
    while (of && of->info.parent && n < CURVES_RUNS) {
        of = of->info.parent_name ? run_list_find(l, of->info.parent_name) : NULL;
        if (of)
            rows[n++] = (struct run_row *)of;
    }
    return n;
}

// The open run, and those that are selected; while none is selected, the parts of a run of several trainings, and what a
// fork comes from.
static void take_runs(struct view *v)
{
    struct run_row *rows[CURVES_RUNS + 1], *selected[CURVES_RUNS];
    struct run_row *open = ui_run(v->ui);
    int n = 0, n_selected = run_list_selected(ui_runs(v->ui), selected, CURVES_RUNS);
    if (open)
        rows[n++] = open;
    for (int i = 0; i < n_selected && n < CURVES_RUNS; i++)
        if (selected[i] != open)
            rows[n++] = selected[i];
    if (open && n == 1)
        n += run_list_parts(ui_runs(v->ui), open, rows + 1, CURVES_RUNS - 1);
    if (open && n == 1 && n_selected == 0)
        n = add_ancestors(ui_runs(v->ui), open, rows, n);
    curves_show(v->state, rows, n);
}

static void shown_curves(struct view *v)
{
    take_runs(v);
    ui_look_for_evals(v->ui);
}

// Evaluations are looked for now and then: no run.db says that there is a new one.
static bool take_evals(struct view *v)
{
    struct curves *c = v->state;
    const char *trouble;
    const double now = clock_seconds();
    if (now > c->evals_looked_s + 5) {
        c->evals_looked_s = now;
        ui_look_for_evals(v->ui);
    }
    return curves_take_evals(c, ui_evals(v->ui, &trouble), ui_evals_stamp(v->ui));
}

static void save_curves(const struct view *v, json_t *into)
{
    curves_save(v->state, into);
}

static void restore_curves(struct view *v, const json_t *from)
{
    curves_restore(v->state, from);
}

static enum view_result do_command(struct view *v, enum command_id id, const char *arg);

// What was wished for before there was anything to go by.
static void take_wish(struct view *v)
{
    struct curves *c = v->state;
    const enum command_id id = c->wish;
    char *arg = c->wish_arg;
    c->wish = CMD_NONE;
    c->wish_arg = NULL;
    ui_say(v->ui, "%s", ""); // that it is being read
    do_command(v, id, arg);
    free(arg);
}

static enum view_refresh refresh_curves(struct view *v)
{
    struct curves *c = v->state;
    bool changed = false;
    take_runs(v);
    take_evals(v);
    const bool all = curves_poll(c, clock_seconds() + 0.005, &changed);
    if (c->wish && (curves_is_ready(c, c->wish) || (all && c->is_read))) // all: the rest cannot be read
        take_wish(v);
    if (!all)
        return REFRESH_MORE;
    curves_say_best(v);
    return REFRESH_DRAW;
}

static void draw_view(struct view *v, struct canvas *c, struct rect area)
{
    take_runs(v);
    struct curves *curves = v->state;
    curves->pictures = ui_pictures(v->ui);
    curves_draw(curves, c, area);
    if (curves->needs_poll)
        ui_more(v->ui);
}

// ---- the horizontal window ----

static double smallest_window(const struct curves *c)
{
    if (c->x_kind >= X_EPOCHS) {
        struct curves all = *c;
        double x0, x1;
        all.fit = true;
        curves_window(&all, &x0, &x1);
        return (x1 - x0) / 1000;
    }
    return c->x_kind == X_TOKENS ? 1000 : 8;
}

// Shows `width` around the cursor, or up to the newest step while following, else around the middle.
static enum view_result zoom(struct curves *c, double factor)
{
    double x0, x1;
    curves_window(c, &x0, &x1);
    double width = fmax((x1 - x0) * factor, smallest_window(c));
    double whole0, whole1;
    struct curves all = *c;
    all.fit = true;
    curves_window(&all, &whole0, &whole1);
    if (width >= whole1 - whole0) {
        const bool was_fit = c->fit;
        c->fit = true;
        return was_fit ? VIEW_IGNORED : VIEW_CHANGED;
    }
    if (!c->fit && width >= x1 - x0 && factor < 1)
        return VIEW_IGNORED; // fewer steps are no picture
    double middle = (x0 + x1) / 2;
    double cursor = x_map_value(curves_map(c, curves_raised(c)), c->cursor);
    if (c->has_cursor)
        middle = cursor;
    else if (c->fit && factor < 1)
        c->follow = c->x_kind != X_METRIC; // from the whole run to its newest part
    if (c->has_cursor)
        c->follow = false;
    c->fit = false;
    c->x0 = fmin(fmax(middle - width / 2, whole0), whole1 - width);
    c->x1 = c->x0 + width;
    return VIEW_CHANGED;
}

static enum view_result zoom_to_range(struct curves *c)
{
    const struct x_map *map = curves_map(c, curves_raised(c));
    const double a = x_map_value(map, c->cursor), b = x_map_value(map, c->other_end), middle = (a + b) / 2;
    const double width = fmax(fabs(a - b), smallest_window(c));
    c->fit = c->follow = c->has_range = false;
    c->x0 = c->x_kind == X_METRIC ? middle - width / 2 : fmax(middle - width / 2, 0);
    c->x1 = c->x0 + width;
    return VIEW_CHANGED;
}

static enum view_result pan(struct curves *c, double part)
{
    double x0, x1, whole0, whole1;
    struct curves all = *c;
    all.fit = true;
    curves_window(&all, &whole0, &whole1);
    curves_window(c, &x0, &x1);
    if (c->fit)
        return VIEW_IGNORED; // everything is shown already
    double width = x1 - x0;
    c->follow = false;
    c->x0 = fmin(fmax(x0 + part * width, whole0), fmax(whole0, whole1 - width));
    c->x1 = c->x0 + width;
    return VIEW_CHANGED;
}

static enum view_result follow(struct view *v)
{
    struct curves *c = v->state;
    if (c->fit) {
        ui_say(v->ui, "The whole run is shown and followed; + shows its newest part.");
        return VIEW_CHANGED;
    }
    if (c->x_kind == X_METRIC) {
        ui_say(v->ui, "By %s there is no newest part to follow.", c->x_metric);
        return VIEW_CHANGED;
    }
    double x0, x1;
    curves_window(c, &x0, &x1); // where it has come to stays
    c->x0 = x0;
    c->x1 = x1;
    c->follow = !c->follow;
    return VIEW_CHANGED;
}

// ---- the cursor ----

// The line that the cursor moves on: the raised run's first one in the focused chart.
static const struct series *cursor_series(const struct curves *c)
{
    struct plot_line lines[RASTER_LINES];
    if (c->focus >= c->n_charts)
        return NULL;
    int n = curves_lines(c, &c->charts[c->focus], lines);
    const struct series *best = NULL;
    for (int i = 0; i < n; i++)
        if (lines[i].series->n > 0 && (!best || lines[i].raised))
            best = lines[i].series;
    return best;
}

// One column of the chart further, at least one point; stays inside of the window by moving it along.
static enum view_result move_cursor(struct curves *c, double columns)
{
    const struct series *s = cursor_series(c);
    if (!s)
        return VIEW_IGNORED;
    double x0, x1;
    curves_window(c, &x0, &x1);
    const struct x_map *map = curves_map(c, curves_raised(c));
    double column = (x1 - x0) / (c->field_columns > 1 ? c->field_columns : 40);
    double to = x_map_step(map, x_map_value(map, c->cursor) + columns * column);
    uint32_t here = series_nearest(s, c->cursor), there = series_nearest(s, to);
    if (there == here && columns > 0 && here + 1 < s->n)
        there = here + 1;
    if (there == here && columns < 0 && here > 0)
        there = here - 1;
    if (c->cursor == (double)series_step(s, there))
        return VIEW_IGNORED;
    c->cursor = (double)series_step(s, there);
    double x = x_map_value(map, c->cursor);
    if (!c->fit && (x < x0 || x > x1))
        pan(c, x < x0 ? (x - x0) / (x1 - x0) - 0.25 : (x - x1) / (x1 - x0) + 0.25);
    return VIEW_CHANGED;
}

static enum view_result no_points(struct view *v)
{
    ui_say(v->ui, "The chart has no points yet that a cursor could read.");
    return VIEW_CHANGED;
}

static enum view_result toggle_cursor(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const struct series *s = cursor_series(c);
    double step;
    const bool by_metric = c->x_kind == X_METRIC;
    if (arg && (!text_to_double(arg, &step) || (step < 0 && !by_metric))) {
        ui_say_error(v->ui, "cursor: %s is no %s", arg, by_metric ? "number" : "step");
        return VIEW_KEPT;
    }
    if (arg && by_metric)
        step = x_map_step(&c->x_line, step);
    if (!s)
        return no_points(v);
    if (!arg) {
        double x0, x1;
        curves_window(c, &x0, &x1);
        c->has_cursor = !c->has_cursor;
        c->has_range = false;
        step = fmin(x_map_step(curves_map(c, curves_raised(c)), x1), (double)series_step(s, s->n - 1));
    } else {
        c->has_cursor = true;
    }
    c->cursor = (double)series_step(s, series_nearest(s, step));
    ui_more(v->ui); // times and tokens are read for it
    return VIEW_CHANGED;
}

// Marks from the cursor on, or two steps; again: no longer.
static enum view_result mark_range(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const struct series *s = cursor_series(c);
    char word[64];
    double from, to;
    if (arg && strcmp(arg, "off") == 0) {
        c->has_range = false;
        return VIEW_CHANGED;
    }
    if (arg) {
        const size_t n = strcspn(arg, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, arg);
        if (!text_to_double(word, &from) || !text_to_double(arg + n + strspn(arg + n, " "), &to) || from < 0 || to < 0 ||
            from == to) {
            ui_say_error(v->ui, "range: two steps are wanted, such as: range 600 900 (or off), not %s", arg);
            return VIEW_KEPT;
        }
    }
    if (c->x_kind == X_METRIC) {
        ui_say_error(v->ui, "range: slopes and areas are by steps; by %s there are none (x goes back)", c->x_metric);
        return VIEW_KEPT;
    }
    if (!s)
        return no_points(v);
    if (!arg && c->has_range) {
        c->has_range = false;
        return VIEW_CHANGED;
    }
    if (!arg && !c->has_cursor)
        toggle_cursor(v, NULL);
    c->other_end = arg ? from : c->cursor;
    c->cursor = arg ? to : c->cursor;
    c->has_cursor = c->has_range = true;
    if (!arg)
        ui_say(v->ui, "Left and Right take the range's other end; + zooms into it, v ends it.");
    return VIEW_CHANGED;
}

// ---- charts ----

static enum view_result focus_on(struct view *v, int to)
{
    struct curves *c = v->state;
    if (to < 0 || to >= c->n_charts || to == c->focus)
        return VIEW_IGNORED;
    c->focus = to;
    ui_more(v->ui); // another page of charts needs other metrics
    return VIEW_CHANGED;
}

static enum view_result move_focus(struct view *v, enum command_id id)
{
    struct curves *c = v->state;
    int columns = c->full || c->grid_columns < 1 ? 1 : c->grid_columns;
    int page = c->n_shown > 0 && !c->full ? c->n_shown : 1;
    switch (id) {
    case CMD_UP:
        return focus_on(v, c->focus - columns);
    case CMD_DOWN:
        // From a full row into a shorter one below.
        return focus_on(v, c->focus + columns < c->n_charts || c->focus / columns == (c->n_charts - 1) / columns
                               ? c->focus + columns : c->n_charts - 1);
    case CMD_PAGE_UP:
        return focus_on(v, c->focus - page < 0 ? 0 : c->focus - page);
    case CMD_PAGE_DOWN:
        return focus_on(v, c->focus + page >= c->n_charts ? c->n_charts - 1 : c->focus + page);
    case CMD_LEFT:
        return focus_on(v, c->focus - 1);
    case CMD_RIGHT:
        return focus_on(v, c->focus + 1);
    case CMD_FIRST:
        return focus_on(v, 0);
    case CMD_LAST:
        return focus_on(v, c->n_charts - 1);
    case CMD_NEXT_PANE:
        return focus_on(v, c->n_charts > 0 ? (c->focus + 1) % c->n_charts : 0);
    case CMD_PREVIOUS_PANE:
        return focus_on(v, c->n_charts > 0 ? (c->focus + c->n_charts - 1) % c->n_charts : 0);
    default:
        return VIEW_IGNORED;
    }
}

// The chart that shows a metric, or whose title holds the text.
static enum view_result find_metric(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (!arg) {
        ui_ask(v->ui, CMD_METRIC, "metric", "");
        return VIEW_CHANGED;
    }
    for (int pass = 0; pass < 3; pass++) {
        for (int i = 0; i < c->n_charts; i++) {
            const struct chart *chart = &c->charts[i];
            bool found = pass == 0 ? chart_has(chart, arg) : pass == 1 && strstr(chart->title, arg);
            for (int k = 0; k < chart->n_parts && pass == 2; k++)
                found = found || strstr(chart->parts[k].key, arg);
            if (found)
                return focus_on(v, i) == VIEW_CHANGED ? VIEW_CHANGED : VIEW_KEPT; // it has the focus already
        }
    }
    ui_say_error(v->ui, "No chart shows %s", arg);
    return VIEW_KEPT;
}

// What the runs wrote at the cursor, or at the newest step.
static enum view_result compare_samples_at(struct view *v)
{
    const struct curves *c = v->state;
    const struct run_row *r = ui_run(v->ui);
    char step[32];
    snprintf(step, sizeof step, "@%lld",
             (long long)(curves_cursor_step(c) >= 0 ? c->cursor : r ? (double)r->status.step : 0));
    ui_compare(v->ui, step);
    return VIEW_CHANGED;
}

// What these do depends on what the runs have recorded.
static bool needs_data(enum command_id id, const char *arg)
{
    return id == CMD_X_AXIS || id == CMD_CURSOR || id == CMD_RANGE ||
           (arg && (id == CMD_METRIC || id == CMD_BEST || id == CMD_SCATTER || id == CMD_BOX || id == CMD_HEAT_MAP ||
                    id == CMD_PARALLEL));
}

static enum view_result wait_for_data(struct view *v, enum command_id id, const char *arg)
{
    struct curves *c = v->state;
    free(c->wish_arg);
    c->wish = id;
    c->wish_arg = arg ? mem_strdup(arg) : NULL;
    ui_say(v->ui, "Reading the run first ...");
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result command_curves(struct view *v, enum command_id id, const char *arg)
{
    const struct curves *c = v->state;
    const bool waits = needs_data(id, arg) && c->n_runs > 0 && !curves_is_ready(c, id);
    return waits ? wait_for_data(v, id, arg) : do_command(v, id, arg);
}

static enum view_result do_command(struct view *v, enum command_id id, const char *arg)
{
    struct curves *c = v->state;
    switch (id) {
    case CMD_ZOOM_IN:
        return c->has_cursor && c->has_range && c->cursor != c->other_end ? zoom_to_range(c) : zoom(c, 0.5);
    case CMD_ZOOM_OUT:
        return zoom(c, 2);
    case CMD_PAN_LEFT:
        return pan(c, -0.25);
    case CMD_PAN_RIGHT:
        return pan(c, 0.25);
    case CMD_FIT:
        if (c->fit && !c->zoom.title[0])
            return VIEW_IGNORED;
        c->fit = true;
        c->zoom.title[0] = '\0';
        c->follow = true;
        return VIEW_CHANGED;
    case CMD_FOLLOW:
        return follow(v);
    case CMD_CURSOR:
        return toggle_cursor(v, arg);
    case CMD_COMPARE:
        return compare_samples_at(v);
    case CMD_X_AXIS:
        return curves_set_x(v, arg);
    case CMD_RANGE:
        return mark_range(v, arg);
    case CMD_X_LOG:
        c->x_log = !c->x_log;
        if (c->x_kind >= X_EPOCHS)
            ui_say(v->ui, "By %s the axis is linear; it is logarithmic by steps, time and tokens.", curves_x_name(c));
        return VIEW_CHANGED;
    case CMD_FULL:
        if (c->n_charts == 0)
            return VIEW_IGNORED;
        c->full = !c->full;
        ui_more(v->ui);
        return VIEW_CHANGED;
    case CMD_METRIC:
        return find_metric(v, arg);
    case CMD_LEFT:
    case CMD_RIGHT:
        if (c->has_cursor)
            return move_cursor(c, id == CMD_LEFT ? -1 : 1);
        return move_focus(v, id);
    case CMD_FIRST:
    case CMD_LAST:
        if (c->has_cursor)
            return move_cursor(c, id == CMD_FIRST ? -1e9 : 1e9);
        return move_focus(v, id);
    case CMD_BACK:
        if (c->summary != SUMMARY_NONE) {
            c->summary = SUMMARY_NONE;
            return VIEW_CHANGED;
        }
        // One level up: from the cursor, then from one chart to all, then to the list (the manager's).
        if (c->has_cursor || c->full || c->multiples) {
            if (c->has_range)
                c->has_range = false;
            else if (c->has_cursor)
                c->has_cursor = false;
            else if (c->multiples)
                c->multiples = false;
            else
                c->full = false;
            ui_more(v->ui);
            return VIEW_CHANGED;
        }
        return VIEW_IGNORED;
    default: {
        enum view_result result = curves_compare(v, id, arg);
        if (result == VIEW_IGNORED)
            result = curves_settings(v, id, arg);
        return result == VIEW_IGNORED ? move_focus(v, id) : result;
    }
    }
}

// Charts are found by their titles and their metrics.
static bool chart_value(const void *item, const char *name, int i, struct filter_value *out)
{
    const struct chart *chart = item;
    *out = (struct filter_value){.number = NAN};
    if (name && strcmp(name, "metric") != 0 && strcmp(name, "title") != 0)
        return false;
    if (!name || *name == 't')
        out->text = i == 0 ? chart->title : NULL;
    const int at = name ? i : i - 1;
    if ((!name || *name == 'm') && at >= 0 && at <= chart->n_parts)
        out->text = at < chart->n_parts ? chart->parts[at].key : chart->overlay;
    return out->text;
}

static int find_count(struct view *v, int *at)
{
    const struct curves *c = v->state;
    *at = c->focus;
    return c->n_charts;
}

static bool find_matches(struct view *v, int i, struct filter *f)
{
    const struct curves *c = v->state;
    return filter_matches(f, chart_value, &c->charts[i]);
}

static void find_go(struct view *v, int i)
{
    focus_on(v, i);
}

static enum view_result mouse_curves(struct view *v, struct mouse m)
{
    if (m.act != MOUSE_WHEEL_UP && m.act != MOUSE_WHEEL_DOWN)
        return curves_drag(v->state, m);
    return zoom(v->state, m.act == MOUSE_WHEEL_UP ? 0.5 : 2);
}

static void complete_curves(struct view *v, enum command_id id, const char *before, struct words *out)
{
    const struct curves *c = v->state;
    const bool of_metrics =
        id == CMD_METRIC || id == CMD_SCATTER || id == CMD_BOX || id == CMD_HEAT_MAP || id == CMD_PARALLEL;
    for (int i = 0; of_metrics && i < c->n_charts; i++)
        for (int k = 0; k < c->charts[i].n_parts; k++)
            words_add(out, c->charts[i].parts[k].key);
    if (id == CMD_X_AXIS)
        curves_complete_x(c, out);
    curves_settings_complete(id, before, out);
}

static bool tell_curves(struct view *v, bool all, struct str *out)
{
    return curves_tell(v->state, out);
}

const struct view_ops view_curves = {
    .find = &(const struct find_ops){find_count, find_matches, find_go},
    .title = "Curves",
    .open = open_curves,
    .close = close_curves,
    .shown = shown_curves,
    .draw = draw_view,
    .command = command_curves,
    .refresh = refresh_curves,
    .save = save_curves,
    .restore = restore_curves,
    .complete = complete_curves,
    .tell = tell_curves,
    .mouse = mouse_curves,
    .drags = true,
    .picture = curves_screen_picture,
    .metrics = curves_screen_metrics,
};
