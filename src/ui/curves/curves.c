#include "config.h"

#include "ui/curves/curves.h"
#include "ui/curves/curves_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SMOOTH_PIECE = 40000 }; // points smoothed between two looks at the clock: about 50 us

void curves_init(struct curves *c)
{
    *c = (struct curves){
        .fit = true, .follow = true, .weight = 0.8, .unit = INFINITY, .band = BAND_SD, .group_by = GROUP_SEEDS};
    run_cache_init(&c->cache);
    c->range_memo = curves_range_memo_new();
}

void curves_fini(struct curves *c)
{
    curves_free_derived(c);
    run_cache_fini(&c->cache);
    curves_free_aligned(c);
    free(c->charts);
    free(c->looks);
    free(c->range_memo);
    free(c->wish_arg);
    *c = (struct curves){0};
}

void curves_show(struct curves *c, struct run_row *const *rows, int n)
{
    bool same = n == c->n_runs;
    c->n_runs = n > CURVES_RUNS ? CURVES_RUNS : n;
    for (int i = 0; i < c->n_runs; i++) {
        same = same && c->rows[i] == rows[i];
        c->rows[i] = rows[i];
        c->data[i] = run_cache_find(&c->cache, rows[i]);
    }
    if (!same) {
        c->unit = INFINITY;
        c->is_read = false;
    }
}

// ---- reading ----

static bool is_shown(const struct curves *c, int chart)
{
    if (c->full)
        return chart == c->focus;
    return c->n_shown == 0 || (chart >= c->first_shown && chart < c->first_shown + c->n_shown);
}

// A metric is read when a chart on the screen draws it, or when the horizontal axis needs it.
static bool is_wanted(const void *what, const char *key)
{
    const struct curves *c = what;
    if (c->best_key[0] && strcmp(key, c->best_key) == 0)
        return true;
    if (curves_summary_wants(c, key))
        return true;
    const bool asks_x = c->wish == CMD_X_AXIS;
    if ((c->x_kind == X_METRIC || asks_x) && strcmp(key, c->x_metric) == 0)
        return true;
    if ((c->x_kind != X_STEP || c->has_cursor || asks_x) && (strcmp(key, "step_s") == 0 || strcmp(key, "tokens_per_s") == 0))
        return true;
    for (int i = 0; i < c->n_charts; i++) {
        const struct chart *chart = &c->charts[i];
        if (is_shown(c, i) &&
            (c->n_runs == 1 ? chart_has(chart, key) : strcmp(chart->overlay, key) == 0 || strcmp(chart->goal, key) == 0))
            return true;
    }
    return false;
}

static void make_charts(struct curves *c)
{
    const struct run_data *data[CURVES_RUNS];
    uint64_t stamp = 1;
    int n = 0;
    for (int i = 0; i < c->n_runs; i++) {
        if (!c->data[i])
            continue;
        data[n++] = c->data[i];
        stamp = stamp * 1000003 + (uint64_t)c->data[i]->id * 4099 + (uint64_t)c->data[i]->n_metrics;
    }
    if (c->charts && (stamp == c->keys_stamp || c->keep_charts))
        return;
    char title[64] = "";
    if (c->focus < c->n_charts)
        memcpy(title, c->charts[c->focus].title, sizeof title);
    c->n_charts = charts_make(data, n, &c->charts, c->n_charts);
    c->n_all = c->n_charts;
    c->n_charts = layout_charts(c->layout, c->filter, c->charts, c->n_charts);
    for (int i = 0; i < c->n_charts; i++)
        curves_recall_look(c, &c->charts[i]);
    c->keys_stamp = stamp;
    c->focus = 0;
    for (int i = 0; i < c->n_charts; i++)
        if (strcmp(c->charts[i].title, title) == 0)
            c->focus = i;
    curves_take_focus(c);
}

// The unit of the smoothing is the smallest usual spacing of any metric: everything is smoothed over the same number of
// steps, however densely it was logged, and what was measured rarely (held-out numbers) is hardly smoothed at all.
static void find_unit(struct curves *c)
{
    for (int i = 0; i < c->n_runs && c->x_kind != X_METRIC; i++) // curves_align.c has its own
        for (int k = 0; c->data[i] && k < c->data[i]->n_metrics; k++)
            if (c->data[i]->metrics[k]->series.n >= 2)
                c->unit = fmin(c->unit, series_spacing(&c->data[i]->metrics[k]->series));
}

static bool smooth_chart(struct curves *c, const struct chart *chart, double until_s)
{
    struct plot_line lines[RASTER_LINES + CURVES_RUNS];
    struct series *all[3 * (RASTER_LINES + CURVES_RUNS)];
    int n = curves_lines(c, chart, lines), n_all = 0;
    const double unit = isfinite(c->unit) ? c->unit : 1;
    // A window by levels of a metric is as many points wide as it would be steps.
    const bool by_levels = c->x_kind == X_METRIC && c->smooth_kind != SMOOTH_EMA;
    const double amount = by_levels ? fmin(c->weight * unit, X_LEVELS / 4) : c->weight;
    for (int i = 0; i < c->n_runs && c->multiples; i++)
        n += curves_line_of(c, chart, i, &lines[n]);
    for (int i = 0; i < n * 3; i++) {
        const struct plot_line *line = &lines[i / 3];
        struct series *s = (struct series *)(i % 3 == 0 ? line->series : i % 3 == 1 ? line->low : line->high); // our own
        bool is_new = s;
        for (int k = 0; k < n_all && is_new; k++) // small multiples have their run's once more
            is_new = all[k] != s;
        if (!is_new)
            continue;
        series_set_smoothing(s, c->smooth_kind, amount, unit);
        all[n_all++] = s;
    }
    while (!series_smooth_all(all, n_all, SMOOTH_PIECE))
        if (clock_seconds() >= until_s)
            return false;
    return true;
}

// Lines of several runs, then smoothing.
static bool finish_chart(struct curves *c, const struct chart *chart, double until_s)
{
    curves_align(c, chart);
    const bool all = curves_derive(c, chart, until_s);
    return smooth_chart(c, chart, until_s) && all;
}

// A fork goes on where its parent was, also in seconds and tokens; ancestors first.
static void place_forks(struct curves *c)
{
    for (int pass = 0; pass < c->n_runs; pass++)
        for (int i = 0; i < c->n_runs; i++) {
            const struct run_row *parent = curves_parent(c, i);
            const struct run_data *of = parent ? run_cache_find(&c->cache, parent) : NULL;
            if (!c->data[i])
                continue;
            const double step = (double)c->rows[i]->info.parent_step;
            c->data[i]->time.origin = of && of->time.n >= 2 ? x_map_value(&of->time, step) : 0;
            c->data[i]->tokens.origin = of && of->tokens.n >= 2 ? x_map_value(&of->tokens, step) : 0;
        }
}

// All on one clock: what counts is the time since the first of the shown runs began.
static void place_hours(struct curves *c)
{
    double first = INFINITY;
    for (int i = 0; i < c->n_runs; i++)
        if (c->data[i] && c->data[i]->wall.n > 0)
            first = fmin(first, c->data[i]->wall.values[0]);
    for (int i = 0; i < c->n_runs; i++)
        if (c->data[i])
            c->data[i]->wall.origin = isfinite(first) ? -first : 0;
}

// Where the number of steps was not given itself, it follows from that of epochs.
static void place_epochs(struct curves *c)
{
    for (int i = 0; i < c->n_runs; i++) {
        const json_t *settings = c->rows[i]->settings;
        const double epochs = json_number_value(json_object_get(settings, "epochs"));
        const double total = (double)c->rows[i]->status.total_steps;
        if (!c->data[i])
            continue;
        if (epochs > 0 && total > 0 && json_number_value(json_object_get(settings, "steps")) == 0)
            x_map_line(&c->data[i]->epochs, total, 0, epochs);
        else
            c->data[i]->epochs.n = 0;
    }
}

bool curves_poll(struct curves *c, double until_s, bool *changed)
{
    c->needs_poll = false;
    bool all = run_cache_poll(&c->cache, c->rows, c->n_runs, is_wanted, c, until_s, changed);
    for (int i = 0; i < c->n_runs; i++)
        c->data[i] = run_cache_find(&c->cache, c->rows[i]);
    uint64_t stamp = c->keys_stamp;
    make_charts(c);
    if (c->keys_stamp != stamp) {
        // The charts are other ones: what they need was not asked for.
        *changed = true;
        all = false;
    }
    find_unit(c);
    place_forks(c);
    place_hours(c);
    place_epochs(c);
    curves_find_levels(c);
    curves_begin_deriving(c);
    // The chart that is looked at first.
    bool smooth = c->focus >= c->n_charts || finish_chart(c, &c->charts[c->focus], until_s);
    for (int i = 0; i < c->n_charts; i++)
        if (is_shown(c, i))
            smooth = finish_chart(c, &c->charts[i], until_s) && smooth;
    curves_end_deriving(c);
    curves_end_aligning(c);
    bool looked_at = true; // what the list has not looked at may have a database all the same
    for (int i = 0; i < c->n_runs; i++)
        looked_at = looked_at && c->rows[i]->looked_s >= 0;
    c->is_read = c->is_read || (all && looked_at);
    return all && smooth;
}

bool curves_is_ready(const struct curves *c, enum command_id id)
{
    const char *const axis[] = {"step_s", "tokens_per_s", c->x_metric};
    bool ready = c->is_read;
    for (int i = 0; i < c->n_runs && ready && id == CMD_X_AXIS; i++)
        for (size_t k = 0; c->data[i] && k < sizeof axis / sizeof *axis; k++)
            ready = ready && run_data_is_read(c->data[i], axis[k]);
    return ready;
}
