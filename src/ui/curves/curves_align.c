// Curves by another metric than the step. Such a metric goes up and down, and a series is kept by whole numbers that
// ascend: the range that it has in all runs is cut into levels, and a curve by it is a series by levels, with the mean of
// what was measured at each. So smoothing, groups, differences, zoom and cursor are those of all curves.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/curves/curves.h"

// What it was made from, to know when it is to be made anew.
struct aligned {
    int64_t run;
    char key[96];
    uint64_t wanted, ranges;
    uint32_t n_y, n_x, rewinds_y, rewinds_x;
    struct series series;
};

const struct series *curves_series(const struct curves *c, int run, const char *key)
{
    const struct metric *m = c->data[run] && curves_has_map(c, run, c->x_kind) ? run_data_metric(c->data[run], key) : NULL;
    if (!m || c->x_kind != X_METRIC)
        return m ? &m->series : NULL;
    for (int i = 0; i < c->n_aligned; i++)
        if (c->aligned[i]->run == c->rows[run]->info.id && strcmp(c->aligned[i]->key, key) == 0)
            return &c->aligned[i]->series;
    return NULL;
}

// The range of the metric in all runs, rounded outwards so that a live run does not change it at every point.
void curves_find_levels(struct curves *c)
{
    struct span span = SPAN_EMPTY;
    struct axis axis;
    for (int i = 0; i < c->n_runs && c->x_kind == X_METRIC; i++) {
        const struct metric *m = c->data[i] ? run_data_metric(c->data[i], c->x_metric) : NULL;
        if (m)
            span = span_join(span, series_span(&m->series, 0, m->series.n));
    }
    if (!(span.min <= span.max)) {
        c->x_line.n = 0;
        return;
    }
    axis_fit(&axis, SCALE_LINEAR, span.min, span.max);
    if (c->x_line.n == 2 && c->x_line.values[0] == axis.low && c->x_line.values[1] == axis.high)
        return;
    x_map_line(&c->x_line, X_LEVELS, axis.low, axis.high);
    c->x_ranges++;
    c->unit = INFINITY;
}

static void fill(struct curves *c, struct aligned *a, const struct series *x, const struct series *y)
{
    double *sums = mem_alloc(X_LEVELS + 1, sizeof *sums);
    uint32_t *n = mem_alloc(X_LEVELS + 1, sizeof *n);
    const struct series before = a->series;
    series_fini(&a->series);
    series_set_smoothing(&a->series, before.smooth_kind, before.weight, before.unit);
    a->series.n_rewinds = ++c->x_fills; // never that of another in the same place
    for (uint32_t i = 0; i < y->n; i++) {
        const double at = blend_value(x, (double)series_step(y, i)), value = series_value(y, i);
        const double level = isfinite(at) ? rint(x_map_step(&c->x_line, at)) : -1;
        if (!isfinite(value) || !(level >= 0 && level <= X_LEVELS))
            continue;
        sums[(int)level] += value;
        n[(int)level]++;
    }
    for (int i = 0; i <= X_LEVELS; i++)
        if (n[i] > 0)
            series_add(&a->series, i, sums[i] / n[i]);
    free(sums);
    free(n);
}

static double mean_spacing(const struct series *s)
{
    return (double)(series_step(s, s->n - 1) - series_step(s, 0)) / (s->n - 1);
}

static void align_one(struct curves *c, int run, const char *key)
{
    const struct metric *x = run_data_metric(c->data[run], c->x_metric), *y = run_data_metric(c->data[run], key);
    struct aligned *a = NULL;
    if (!x || !y)
        return;
    for (int i = 0; i < c->n_aligned && !a; i++)
        if (c->aligned[i]->run == c->rows[run]->info.id && strcmp(c->aligned[i]->key, key) == 0)
            a = c->aligned[i];
    if (!a) {
        MEM_GROW(c->aligned, c->n_aligned, c->cap_aligned);
        a = c->aligned[c->n_aligned++] = mem_alloc(1, sizeof *a);
        a->run = c->rows[run]->info.id;
        text_copy(a->key, sizeof a->key, key);
        series_init(&a->series);
    }
    a->wanted = c->derived_poll;
    if (a->ranges == c->x_ranges && a->n_x == x->series.n && a->n_y == y->series.n &&
        a->rewinds_x == x->series.n_rewinds && a->rewinds_y == y->series.n_rewinds)
        return;
    fill(c, a, &x->series, &y->series);
    a->ranges = c->x_ranges;
    a->n_x = x->series.n;
    a->n_y = y->series.n;
    a->rewinds_x = x->series.n_rewinds;
    a->rewinds_y = y->series.n_rewinds;
    if (a->series.n >= 2)
        c->unit = fmin(c->unit, mean_spacing(&a->series));
}

void curves_align(struct curves *c, const struct chart *chart)
{
    if (c->x_kind != X_METRIC || c->x_line.n < 2)
        return;
    for (int i = 0; i < c->n_runs; i++) {
        if (!c->data[i])
            continue;
        for (int k = 0; k < chart->n_parts && c->n_runs == 1; k++)
            align_one(c, i, chart->parts[k].key);
        if (c->n_runs > 1)
            align_one(c, i, chart->overlay);
        if (c->n_runs > 1 && chart->goal[0])
            align_one(c, i, chart->goal);
    }
}

static void free_one(struct aligned *a)
{
    series_fini(&a->series);
    free(a);
}

void curves_end_aligning(struct curves *c)
{
    int n = 0;
    for (int i = 0; i < c->n_aligned; i++)
        if (c->aligned[i]->wanted == c->derived_poll)
            c->aligned[n++] = c->aligned[i];
        else
            free_one(c->aligned[i]);
    c->n_aligned = n;
}

void curves_free_aligned(struct curves *c)
{
    for (int i = 0; i < c->n_aligned; i++)
        free_one(c->aligned[i]);
    free(c->aligned);
    x_map_fini(&c->x_line);
}
