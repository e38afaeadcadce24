// The page of curves: what its keys do. Drawing stands in curves_draw.c, reading in curves.c.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/curves_picture.h"
#include "ui/view.h"

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

// The open run, and those that are selected; of a run of several trainings, while none is selected, its parts.
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
    curves_show(v->state, rows, n);
}

static void shown_curves(struct view *v)
{
    take_runs(v);
}

static enum view_refresh refresh_curves(struct view *v)
{
    bool changed = false;
    take_runs(v);
    if (!curves_poll(v->state, clock_seconds() + 0.005, &changed))
        return REFRESH_MORE;
    return REFRESH_DRAW;
}

static void draw_view(struct view *v, struct canvas *c, struct rect area)
{
    take_runs(v);
    struct curves *curves = v->state;
    curves_draw(curves, c, area);
    if (curves->needs_poll)
        ui_more(v->ui);
}

// ---- the horizontal window ----

static double smallest_window(const struct curves *c)
{
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
        c->fit = true;
        return VIEW_CHANGED;
    }
    double middle = (x0 + x1) / 2;
    double cursor = x_map_value(curves_map(c, curves_raised(c)), c->cursor);
    if (c->has_cursor)
        middle = cursor;
    else if (c->fit && factor < 1)
        c->follow = true; // from the whole run to its newest part
    if (c->has_cursor)
        c->follow = false;
    c->fit = false;
    c->x0 = fmin(fmax(middle - width / 2, whole0), whole1 - width);
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
        return VIEW_KEPT; // everything is shown already
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
    c->follow = !c->follow;
    if (!c->follow)
        curves_window(&(struct curves){.follow = true, .x0 = c->x0, .x1 = c->x1}, &c->x0, &c->x1);
    return VIEW_CHANGED;
}

static enum view_result next_x_axis(struct view *v)
{
    struct curves *c = v->state;
    // Read what the other axes are made from before saying that they are not known.
    enum x_kind before = c->x_kind;
    for (int k = 1; k <= 3; k++) {
        bool changed;
        c->x_kind = (enum x_kind)((before + k) % 3);
        curves_poll(c, clock_seconds() + 0.05, &changed);
        if (c->n_runs > 0 && curves_has_map(c, curves_raised(c), c->x_kind))
            break;
    }
    c->fit = true;
    if (c->x_kind == before)
        ui_say(v->ui, "Only steps are known: the run has not recorded step_s yet.");
    else
        ui_say(v->ui, "The x axis counts %s.",
               c->x_kind == X_STEP   ? "steps"
               : c->x_kind == X_TIME ? "training time"
                                     : "tokens");
    ui_more(v->ui);
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
        return VIEW_KEPT;
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
    c->cursor = (double)series_step(s, there);
    double x = x_map_value(map, c->cursor);
    if (!c->fit && (x < x0 || x > x1))
        pan(c, x < x0 ? (x - x0) / (x1 - x0) - 0.25 : (x - x1) / (x1 - x0) + 0.25);
    return VIEW_CHANGED;
}

static enum view_result toggle_cursor(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    const struct series *s = cursor_series(c);
    double step;
    if (arg && (!text_to_double(arg, &step) || step < 0)) {
        ui_say_error(v->ui, "cursor: %s is no step", arg);
        return VIEW_KEPT;
    }
    if (!s)
        return VIEW_KEPT;
    if (!arg) {
        double x0, x1;
        curves_window(c, &x0, &x1);
        c->has_cursor = !c->has_cursor;
        step = fmin(x_map_step(curves_map(c, curves_raised(c)), x1), (double)series_step(s, s->n - 1));
    } else {
        c->has_cursor = true;
    }
    c->cursor = (double)series_step(s, series_nearest(s, step));
    return VIEW_CHANGED;
}

// ---- charts ----

static enum view_result focus_on(struct view *v, int to)
{
    struct curves *c = v->state;
    if (to < 0 || to >= c->n_charts || to == c->focus)
        return VIEW_KEPT;
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
                return focus_on(v, i) == VIEW_CHANGED ? VIEW_CHANGED : VIEW_KEPT;
        }
    }
    ui_say_error(v->ui, "No chart shows %s", arg);
    return VIEW_KEPT;
}

static enum view_result raise_run(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (c->n_runs < 2) {
        ui_say(v->ui, "Only one run is shown: select others on page 1 with Space.");
        return VIEW_CHANGED;
    }
    int to = (curves_raised(c) + 1) % c->n_runs;
    for (int i = 0; arg && i < c->n_runs; i++)
        if (strcmp(c->rows[i]->info.name, arg) == 0 || (arg[0] == c->rows[i]->letter && !arg[1])) {
            c->raised = c->rows[i]->info.id;
            return VIEW_CHANGED;
        }
    if (arg) {
        ui_say_error(v->ui, "raise: %s is not shown here", arg);
        return VIEW_KEPT;
    }
    c->raised = c->rows[to]->info.id;
    ui_say(v->ui, "%c %s is on top.", c->rows[to]->letter, c->rows[to]->info.name);
    return VIEW_CHANGED;
}

// ---- smoothing ----

static const double weights[] = {0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999};
enum { N_WEIGHTS = sizeof weights / sizeof *weights };

static enum view_result smooth_by(struct view *v, double weight)
{
    struct curves *c = v->state;
    if (weight == c->weight)
        return VIEW_KEPT;
    c->weight = weight;
    bool changed;
    // The chart that is looked at within this frame where that is possible, the rest in pieces between keys.
    curves_poll(c, clock_seconds() + 0.02, &changed);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result smooth_step(struct view *v, int step)
{
    const struct curves *c = v->state;
    int at = 0;
    while (at + 1 < N_WEIGHTS && weights[at + 1] <= c->weight)
        at++;
    if (step < 0 && weights[at] < c->weight)
        at++; // between two: the lower one comes first
    at += step;
    return at < 0 || at >= N_WEIGHTS ? VIEW_KEPT : smooth_by(v, weights[at]);
}

static enum view_result smooth_to(struct view *v, const char *arg)
{
    double weight;
    if (!arg) {
        ui_ask(v->ui, CMD_SMOOTH, "smoothing, 0 to 0.999", "");
        return VIEW_CHANGED;
    }
    if (!text_to_double(arg, &weight) || weight < 0 || weight > 0.999) {
        ui_say_error(v->ui, "smooth: %s is not from 0 (as recorded) to 0.999", arg);
        return VIEW_KEPT;
    }
    return smooth_by(v, weight);
}

static enum view_result change_chart(struct curves *c, enum command_id id)
{
    if (c->focus >= c->n_charts)
        return VIEW_KEPT;
    struct chart *chart = &c->charts[c->focus];
    if (id == CMD_CLIP)
        chart->clip = !chart->clip;
    else
        chart->scale = (enum scale)((chart->scale + 1) % 3);
    return VIEW_CHANGED;
}

static enum view_result command_curves(struct view *v, enum command_id id, const char *arg)
{
    struct curves *c = v->state;
    switch (id) {
    case CMD_ZOOM_IN:
        return zoom(c, 0.5);
    case CMD_ZOOM_OUT:
        return zoom(c, 2);
    case CMD_PAN_LEFT:
        return pan(c, -0.25);
    case CMD_PAN_RIGHT:
        return pan(c, 0.25);
    case CMD_FIT:
        c->fit = true;
        c->follow = true;
        return VIEW_CHANGED;
    case CMD_FOLLOW:
        return follow(v);
    case CMD_CURSOR:
        return toggle_cursor(v, arg);
    case CMD_SMOOTH:
        return smooth_to(v, arg);
    case CMD_SMOOTH_MORE:
        return smooth_step(v, 1);
    case CMD_SMOOTH_LESS:
        return smooth_step(v, -1);
    case CMD_X_AXIS:
        return next_x_axis(v);
    case CMD_Y_SCALE:
    case CMD_CLIP:
        return change_chart(c, id);
    case CMD_RAISE:
        return raise_run(v, arg);
    case CMD_FULL:
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
        // One level up: from the cursor, then from one chart to all, then to the list (the manager's).
        if (c->has_cursor || c->full) {
            if (c->has_cursor)
                c->has_cursor = false;
            else
                c->full = false;
            ui_more(v->ui);
            return VIEW_CHANGED;
        }
        return VIEW_IGNORED;
    default:
        return move_focus(v, id);
    }
}

// ---- what leaves the console ----

// The charts of the screen: the one that fills it, or those of the grid; before there was a screen, as in a script, the first.
static void shown_charts(const struct curves *c, int *first, int *n)
{
    enum { UNSEEN = 6 };
    *first = c->full ? c->focus : c->first_shown;
    *n = c->n_charts == 0 ? 0 : c->full ? 1 : c->n_shown > 0 ? c->n_shown : c->n_charts < UNSEEN ? c->n_charts : UNSEEN;
}

// As on the screen, with more room: of the charts that are read.
static int text_picture(const struct curves *c, int first, int n, struct str *bytes)
{
    enum { WIDTH = 120, LINES_OF_A_ROW = 14 };
    struct curves shown = *c; // drawing remembers a layout, which is not the screen's
    struct canvas canvas;
    shown.charts = &c->charts[first];
    shown.n_charts = n;
    shown.focus = c->focus - first;
    canvas_init(&canvas, WIDTH, 3 + (n == 1 ? 2 : (n + 1) / 2) * LINES_OF_A_ROW, GLYPHS_BRAILLE, true);
    curves_draw(&shown, &canvas, canvas_area(&canvas));
    canvas_save(&canvas, false, bytes);
    canvas_fini(&canvas);
    return 0;
}

static int picture_curves(struct view *v, const char *path, struct str *bytes, struct err *e)
{
    struct curves *c = v->state;
    const struct painter_ops *painter = curves_painter(path);
    const struct curves_look look = {.width = 1060, .theme = painter == &painter_png ? THEME_LIGHT : THEME_AUTO, .titled = true};
    int first, n;
    shown_charts(c, &first, &n);
    if (n == 0)
        return err_set(e, ERR_STATE, "Nothing is drawn here yet");
    if (text_ends(path, ".txt"))
        return text_picture(c, first, n, bytes);
    if (!painter)
        return err_set(e, ERR_USAGE, "%s: the name of a picture ends in .svg, .png or .txt", path);
    return curves_picture(c, first, n, painter, &look, bytes, e);
}

static int metrics_of_curves(struct view *v, const char **keys, int max)
{
    const struct curves *c = v->state;
    int first, n, n_keys = 0;
    shown_charts(c, &first, &n);
    for (int i = first; i < first + n; i++) {
        const struct chart *chart = &c->charts[i];
        for (int k = 0; k < (c->n_runs == 1 ? chart->n_parts : 1) && n_keys < max; k++)
            keys[n_keys++] = c->n_runs == 1 ? chart->parts[k].key : chart->overlay;
    }
    return n_keys;
}

const struct view_ops view_curves = {
    .title = "Curves",
    .open = open_curves,
    .close = close_curves,
    .shown = shown_curves,
    .draw = draw_view,
    .command = command_curves,
    .refresh = refresh_curves,
    .picture = picture_curves,
    .metrics = metrics_of_curves,
};
