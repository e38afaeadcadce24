#include "config.h"

#include "ui/curves/curves_settings.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ui/curves/curves_summary.h"

// ---- smoothing ----

static const double weights[] = {0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999};
static const double widths[] = {0, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
enum { N_WEIGHTS = sizeof weights / sizeof *weights, N_WIDTHS = sizeof widths / sizeof *widths };

static enum view_result smooth_by(struct view *v, enum smooth_kind kind, double amount)
{
    struct curves *c = v->state;
    if (kind == c->smooth_kind && amount == c->weight)
        return VIEW_IGNORED;
    c->smooth_kind = kind;
    c->weight = amount;
    bool changed;
    // The chart that is looked at within this frame where that is possible, the rest in pieces between keys.
    curves_poll(c, clock_seconds() + 0.02, &changed);
    ui_more(v->ui);
    return VIEW_CHANGED;
}

static enum view_result smooth_step(struct view *v, int step)
{
    const struct curves *c = v->state;
    const double *amounts = c->smooth_kind == SMOOTH_EMA ? weights : widths;
    const int n = c->smooth_kind == SMOOTH_EMA ? N_WEIGHTS : N_WIDTHS;
    int at = 0;
    while (at + 1 < n && amounts[at + 1] <= c->weight)
        at++;
    if (step < 0 && amounts[at] < c->weight)
        at++; // between two: the lower one comes first
    at += step;
    return at < 0 || at >= n || c->n_charts == 0 ? VIEW_IGNORED : smooth_by(v, c->smooth_kind, amounts[at]);
}

static enum view_result smooth_to(struct view *v, const char *arg)
{
    const struct curves *c = v->state;
    enum smooth_kind kind;
    double amount;
    struct err fault = {0};
    if (!arg) {
        ui_ask(v->ui, CMD_SMOOTH,
               "smoothing: 0 to 0.999 (an average over what came before), mean STEPS, gaussian STEPS", "");
        return VIEW_CHANGED;
    }
    if (smooth_read(arg, &kind, &amount, &fault)) {
        ui_say_error(v->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    if (strcmp(arg, "0") == 0) // none, of the kind that it was
        kind = c->smooth_kind;
    return smooth_by(v, kind, amount);
}

// ---- one chart ----

static enum view_result change_scale(struct curves *c)
{
    if (c->focus >= c->n_charts)
        return VIEW_IGNORED;
    struct chart *chart = &c->charts[c->focus];
    chart->scale = (enum scale)((chart->scale + 1) % 3);
    curves_remember_look(c, chart);
    return VIEW_CHANGED;
}

// "5", or "1 10": of the least and of the greatest values.
static bool read_clip(const char *arg, struct clip *out)
{
    char first[32];
    const size_t n = strcspn(arg, " ");
    const char *second = arg + n + strspn(arg + n, " ");
    snprintf(first, sizeof first, "%.*s", (int)n, arg);
    if (!text_to_double(first, &out->low))
        return false;
    out->high = out->low;
    return (!*second || text_to_double(second, &out->high)) && out->low >= 0 && out->high >= 0 && out->low + out->high < 100;
}

// The outermost hundredth, or as many percent as are given.
static enum view_result change_clip(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    struct clip clip;
    if (arg && !read_clip(arg, &clip)) {
        ui_say_error(v->ui, "clip: %s: a percentage of values to leave out at each end is wanted, or one below and one "
                            "above, together less than 100", arg);
        return VIEW_KEPT;
    }
    if (c->focus >= c->n_charts)
        return VIEW_IGNORED;
    struct chart *chart = &c->charts[c->focus];
    const bool is_on = chart->clip.low > 0 || chart->clip.high > 0;
    chart->clip = arg ? clip : is_on ? (struct clip){0} : (struct clip){1, 1};
    curves_remember_look(c, chart);
    return VIEW_CHANGED;
}

// A value that the focused chart is not to go past: a marked range says where its curves do.
static enum view_result set_budget(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    double value = 0;
    if (c->focus >= c->n_charts)
        return VIEW_KEPT;
    struct chart *chart = &c->charts[c->focus];
    if (!arg) {
        ui_ask(v->ui, CMD_BUDGET, "a range says at which step the curves of this chart cross (a value; off)", "");
        return VIEW_CHANGED;
    }
    const bool off = strcmp(arg, "off") == 0;
    if (!off && !text_to_double(arg, &value)) {
        ui_say_error(v->ui, "budget: a value of this chart is wanted, or off; not %s", arg);
        return VIEW_KEPT;
    }
    chart->has_budget = !off;
    chart->budget = value;
    curves_remember_look(c, chart);
    if (off)
        ui_say(v->ui, "%s has no budget.", chart->title);
    else if (!c->has_range)
        ui_say(v->ui, "v, or :range FROM TO, says where %s crosses %g.", chart->title, value);
    return VIEW_CHANGED;
}

// ---- how many ----

static enum view_result set_grid(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    int rows = 0, columns = 0, end = 0;
    if (!arg) {
        ui_ask(v->ui, CMD_GRID, "charts on the screen, rows x columns (such as 2x3; auto: as the room is)", "");
        return VIEW_CHANGED;
    }
    if (strcmp(arg, "auto") != 0 && (sscanf(arg, "%dx%d%n", &rows, &columns, &end) != 2 || arg[end] || rows < 1 ||
                                     columns < 1 || rows > GRID_MOST || columns > GRID_MOST)) {
        ui_say_error(v->ui, "grid: rows and columns from 1x1 to %dx%d are wanted, such as 2x3, or auto; not %s", GRID_MOST,
                     GRID_MOST, arg);
        return VIEW_KEPT;
    }
    c->rows_wanted = rows;
    c->columns_wanted = columns;
    c->full = false;
    ui_more(v->ui); // other charts are read
    return VIEW_CHANGED;
}

static enum view_result set_colors(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    if (!arg) {
        ui_ask(v->ui, CMD_COLOR_BY, "colours by (a setting, or patterns of names such as dpo-* ppo-*; off)", c->color_by);
        return VIEW_CHANGED;
    }
    const bool off = strcmp(arg, "off") == 0;
    if (!off && !curves_has_setting(c, arg) && !strpbrk(arg, "*?[")) {
        ui_say_error(v->ui, "color-by: no run here has a setting %s; patterns of names have a * in them", arg);
        return VIEW_KEPT;
    }
    if (!text_copy(c->color_by, sizeof c->color_by, off ? "" : arg)) {
        c->color_by[0] = '\0';
        ui_say_error(v->ui, "color-by: at most %zu bytes", sizeof c->color_by - 1);
        return VIEW_CHANGED;
    }
    ui_say(v->ui, off ? "Each run has its own colour." : "Colours and dashes by %s.", arg);
    return VIEW_CHANGED;
}

static enum view_result set_sort(struct view *v, const char *arg)
{
    struct curves *c = v->state;
    int to = 0;
    if (!arg) {
        ui_ask(v->ui, CMD_SORT, "sort values by (name, value, smoothed, least, most; off)", "");
        return VIEW_CHANGED;
    }
    while (to < SORT_N && strcmp(arg, sort_words[to]) != 0)
        to++;
    if (to == SORT_N) {
        ui_say_error(v->ui, "sort: name, value, smoothed, least, most or off, not %s", arg);
        return VIEW_KEPT;
    }
    c->sort_up = (enum value_sort)to == c->sort ? !c->sort_up : to == SORT_NAME;
    c->sort = (enum value_sort)to;
    ui_say(v->ui, to == SORT_NONE ? "Values stand as the curves do." : "Values by %s, the %s first.", arg,
           to == SORT_NAME ? (c->sort_up ? "first letter" : "last letter") : c->sort_up ? "least" : "greatest");
    return VIEW_CHANGED;
}

// ---- one number a run ----

static enum view_result set_summary(struct view *v, enum command_id id, const char *arg)
{
    struct curves *c = v->state;
    static const struct {
        enum command_id id;
        enum summary kind;
        const char *question;
    } known[] = {{CMD_SCATTER, SUMMARY_SCATTER, "scatter: x and y (metrics, @min or @max behind them, or settings)"},
                 {CMD_BOX, SUMMARY_BOX, "boxes of (a metric, @min or @max behind it) by (a setting)"},
                 {CMD_HEAT_MAP, SUMMARY_HEAT, "heat map of (a metric)"},
                 {CMD_PARALLEL, SUMMARY_PARALLEL, "parallel coordinates (settings and metrics, blanks between them)"}};
    struct err fault = {0};
    bool changed;
    int k = 0;
    while (known[k].id != id)
        k++;
    if (!arg) {
        ui_ask(v->ui, id, known[k].question, "");
        return VIEW_CHANGED;
    }
    if (strcmp(arg, "off") == 0) {
        c->summary = SUMMARY_NONE;
        return VIEW_CHANGED;
    }
    if (curves_summarize(c, known[k].kind, arg, &fault)) {
        ui_say_error(v->ui, "%s", fault.text);
        return VIEW_KEPT;
    }
    curves_poll(c, 0, &changed);
    ui_more(v->ui);
    ui_say(v->ui, id == CMD_HEAT_MAP
                      ? "The mean of the points of each cell. W writes the picture, q goes back to the curves."
                      : "One number a run: its newest, or @min or @max. W writes the picture, q goes back to the curves.");
    return VIEW_CHANGED;
}

enum view_result curves_settings(struct view *v, enum command_id id, const char *arg)
{
    switch (id) {
    case CMD_SMOOTH:
        return smooth_to(v, arg);
    case CMD_SMOOTH_MORE:
        return smooth_step(v, 1);
    case CMD_SMOOTH_LESS:
        return smooth_step(v, -1);
    case CMD_Y_SCALE:
        return change_scale(v->state);
    case CMD_CLIP:
        return change_clip(v, arg);
    case CMD_BUDGET:
        return set_budget(v, arg);
    case CMD_COLOR_BY:
        return set_colors(v, arg);
    case CMD_SORT:
        return set_sort(v, arg);
    case CMD_SCATTER:
    case CMD_BOX:
    case CMD_HEAT_MAP:
    case CMD_PARALLEL:
        return set_summary(v, id, arg);
    case CMD_GRID:
        return set_grid(v, arg);
    default:
        return VIEW_IGNORED;
    }
}

void curves_settings_complete(enum command_id id, const char *before, struct words *out)
{
    char number[16];
    for (int i = 0; i < SORT_N && id == CMD_SORT; i++)
        words_add(out, sort_words[i]);
    if (id != CMD_SMOOTH)
        return;
    const bool is_window = text_starts(before, "mean ") || text_starts(before, "gaussian ");
    for (int i = 1; i < SMOOTH_N && !before[0]; i++)
        words_add(out, smooth_words[i]);
    for (int i = 0; i < (is_window ? N_WIDTHS : N_WEIGHTS); i++) {
        snprintf(number, sizeof number, "%g", is_window ? widths[i] : weights[i]);
        words_add(out, number);
    }
}
