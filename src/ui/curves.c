#include "config.h"

#include "ui/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { SMOOTH_PIECE = 20000 }; // points smoothed between two looks at the clock: half a millisecond

void curves_init(struct curves *c)
{
    *c = (struct curves){.fit = true, .follow = true, .weight = 0.8, .unit = INFINITY};
    run_cache_init(&c->cache);
}

void curves_fini(struct curves *c)
{
    run_cache_fini(&c->cache);
    free(c->charts);
    json_decref(c->kept);
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
    if (c->x_kind != X_STEP && (strcmp(key, "step_s") == 0 || strcmp(key, "tokens_per_s") == 0))
        return true;
    for (int i = 0; i < c->n_charts; i++) {
        const struct chart *chart = &c->charts[i];
        if (is_shown(c, i) && (c->n_runs == 1 ? chart_has(chart, key) : strcmp(chart->overlay, key) == 0 || strcmp(chart->goal, key) == 0))
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
    c->keys_stamp = stamp;
    c->focus = 0;
    for (int i = 0; i < c->n_charts; i++)
        if (strcmp(c->charts[i].title, title) == 0)
            c->focus = i;
    curves_take_kept(c);
}

// The unit of the smoothing is the smallest usual spacing of any metric: everything is smoothed over the same number of
// steps, however densely it was logged, and what was measured rarely (held-out numbers) is hardly smoothed at all.
static void find_unit(struct curves *c)
{
    for (int i = 0; i < c->n_runs; i++)
        for (int k = 0; c->data[i] && k < c->data[i]->n_metrics; k++)
            if (c->data[i]->metrics[k]->series.n >= 2)
                c->unit = fmin(c->unit, series_spacing(&c->data[i]->metrics[k]->series));
}

static bool smooth_chart(struct curves *c, const struct chart *chart, double until_s)
{
    struct plot_line lines[RASTER_LINES];
    int n = curves_lines(c, chart, lines);
    bool all = true;
    for (int i = 0; i < n; i++) {
        struct series *s = (struct series *)lines[i].series; // the cache's own
        series_set_smoothing(s, c->weight, isfinite(c->unit) ? c->unit : 1);
        while (!series_smooth_some(s, SMOOTH_PIECE)) {
            if (clock_seconds() >= until_s) {
                all = false;
                break;
            }
        }
    }
    return all;
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
    // The chart that is looked at first.
    bool smooth = c->focus >= c->n_charts || smooth_chart(c, &c->charts[c->focus], until_s);
    for (int i = 0; i < c->n_charts; i++)
        if (is_shown(c, i))
            smooth = smooth_chart(c, &c->charts[i], until_s) && smooth;
    c->is_read = c->is_read || all;
    return all && smooth;
}

// ---- asking ----

int curves_raised(const struct curves *c)
{
    for (int i = 0; i < c->n_runs; i++)
        if (c->rows[i]->info.id == c->raised)
            return i;
    return 0;
}

bool curves_has_map(const struct curves *c, int run, enum x_kind kind)
{
    if (kind == X_STEP)
        return true;
    return c->data[run] && (kind == X_TIME ? c->data[run]->time.n : c->data[run]->tokens.n) >= 2;
}

const struct x_map *curves_map(const struct curves *c, int run)
{
    if (c->x_kind == X_STEP || !c->data[run])
        return NULL;
    return c->x_kind == X_TIME ? &c->data[run]->time : &c->data[run]->tokens;
}

double curves_last_step(const struct curves *c, int run)
{
    double last = 0;
    for (int i = 0; c->data[run] && i < c->data[run]->n_metrics; i++) {
        const struct series *s = &c->data[run]->metrics[i]->series;
        if (s->n > 0)
            last = fmax(last, (double)series_step(s, s->n - 1));
    }
    return last;
}

// The whole so far: an end that grows in steps, so that not every point moves the picture, up to the planned end.
static double whole_end(const struct curves *c)
{
    double end = 0, planned = 0;
    for (int i = 0; i < c->n_runs; i++) {
        if (!curves_has_map(c, i, c->x_kind))
            continue;
        end = fmax(end, x_map_value(curves_map(c, i), curves_last_step(c, i)));
        planned = fmax(planned, (double)c->rows[i]->status.total_steps);
    }
    double rounded = axis_round_end(end);
    return c->x_kind == X_STEP && planned >= end && planned > 0 && planned < rounded ? planned : rounded;
}

void curves_window(const struct curves *c, double *x0, double *x1)
{
    if (c->fit) {
        *x0 = 0;
        *x1 = whole_end(c);
        return;
    }
    *x0 = c->x0;
    *x1 = c->x1;
    if (!c->follow)
        return;
    // The window moves in eighths of itself, so that not every point moves the picture.
    double last = 0, width = c->x1 - c->x0;
    for (int i = 0; i < c->n_runs; i++)
        if (curves_has_map(c, i, c->x_kind))
            last = fmax(last, x_map_value(curves_map(c, i), curves_last_step(c, i)));
    *x1 = ceil(last / (width / 8) + 1e-9) * (width / 8);
    *x0 = *x1 - width;
}

int curves_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines)
{
    int n = 0;
    int raised = curves_raised(c);
    for (int i = 0; i < c->n_runs; i++) {
        if (!c->data[i] || !curves_has_map(c, i, c->x_kind))
            continue;
        for (int k = 0; k < (c->n_runs == 1 ? chart->n_parts : 1); k++) {
            const struct chart_part *part = &chart->parts[k];
            struct metric *m = run_data_metric(c->data[i], c->n_runs == 1 ? part->key : chart->overlay);
            if (!m || n == RASTER_LINES)
                continue;
            lines[n] = (struct plot_line){.series = &m->series, .map = curves_map(c, i)};
            if (c->n_runs == 1) {
                lines[n].label = part->label;
                lines[n].letter = chart->n_parts > 1 ? part->letter : 0;
                lines[n].color = (uint8_t)(COLOR_SERIES + k);
                lines[n].dash = DASH_SOLID;
            } else {
                lines[n].label = c->rows[i]->info.name;
                lines[n].letter = c->rows[i]->letter;
                lines[n].color = (uint8_t)(COLOR_SERIES + c->rows[i]->index % N_SERIES_COLORS);
                lines[n].dash = (enum dash)(c->rows[i]->index % DASH_N);
                lines[n].raised = i == raised;
            }
            n++;
        }
    }
    // Where all are to arrive: the first run's word for it.
    for (int i = 0; i < c->n_runs && c->n_runs > 1 && chart->goal[0] && n < RASTER_LINES; i++) {
        struct metric *m = c->data[i] && curves_has_map(c, i, c->x_kind) ? run_data_metric(c->data[i], chart->goal) : NULL;
        if (!m)
            continue;
        lines[n++] = (struct plot_line){.series = &m->series, .map = curves_map(c, i), .label = "goal", .letter = '=',
                                        .color = COLOR_MUTED, .dash = DASH_SOLID};
        break;
    }
    return n;
}

bool curves_point(const struct curves *c, const struct plot_line *line, uint32_t *i)
{
    if (line->series->n == 0)
        return false;
    *i = c->has_cursor ? series_nearest(line->series, c->cursor) : line->series->n - 1;
    // The cursor reads no values where a run has none.
    double last = (double)series_step(line->series, line->series->n - 1);
    return !c->has_cursor || c->cursor <= last + series_spacing(line->series);
}
