#include "config.h"

#include "ui/series/blend.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"

const char *band_name(enum band band)
{
    static const char *const names[] = {"mean", "min-max", "sd", "95 %", "se", "quartiles"};
    return names[band];
}

const char *const band_words[] = {"mean", "range", "sd", "interval", "se", "quartiles", NULL};

double blend_quantile(const double *sorted, int n, double part)
{
    const double at = part * (n - 1);
    const int below = (int)at, above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

double blend_t95(int df)
{
    static const double exact[] = {12.706204736, 4.302652730, 3.182446305, 2.776445105, 2.570581836, 2.446911851,
                                   2.364624252,  2.306004135, 2.262157163, 2.228138852, 2.200985160, 2.178812830,
                                   2.160368656,  2.144786688, 2.131449546};
    BUG_IF(df < 1 || df >= BLEND_SOURCES);
    return exact[df - 1];
}

void blend_init(struct blend *b, bool is_difference, enum band band)
{
    *b = (struct blend){.is_difference = is_difference, .band = is_difference ? BAND_NONE : band};
    series_init(&b->value);
    series_init(&b->low);
    series_init(&b->high);
}

void blend_fini(struct blend *b)
{
    series_fini(&b->value);
    series_fini(&b->low);
    series_fini(&b->high);
}

// `next`: the first point at or after the step.
static double value_beside(const struct series *s, uint32_t next, double step)
{
    if (next < s->n && (double)series_step(s, next) == step)
        return series_value(s, next);
    if (next == 0 || next == s->n)
        return NAN;
    const double x0 = (double)series_step(s, next - 1), x1 = (double)series_step(s, next);
    const double y0 = series_value(s, next - 1), y1 = series_value(s, next);
    const double value = y0 + (y1 - y0) * (step - x0) / (x1 - x0);
    return isfinite(value) ? value : NAN;
}

double blend_value(const struct series *s, double step)
{
    return s->n > 0 ? value_beside(s, series_find(s, step), step) : NAN;
}

static bool is_continued(const struct blend *b, const struct blend_source *sources, int n)
{
    if (b->n != n)
        return false;
    for (int i = 0; i < n; i++) {
        const struct blend_cursor *at = &b->at[i];
        if (at->series != sources[i].series || at->used > at->series->n || at->rewinds != at->series->n_rewinds)
            return false;
    }
    return true;
}

static void begin(struct blend *b, const struct blend_source *sources, int n)
{
    struct series *const own[] = {&b->value, &b->low, &b->high};
    for (int i = 0; i < 3; i++) {
        const struct series before = *own[i];
        series_fini(own[i]);
        series_set_smoothing(own[i], before.smooth_kind, before.weight, before.unit);
    }
    b->n = n;
    for (int i = 0; i < n; i++)
        b->at[i] = (struct blend_cursor){sources[i].series, 0, sources[i].series->n_rewinds};
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_median(struct blend *b, int64_t step, double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    series_add(&b->value, step, n > 0 ? blend_quantile(values, n, 0.5) : NAN);
    series_add(&b->low, step, n > 0 ? blend_quantile(values, n, 0.25) : NAN);
    series_add(&b->high, step, n > 0 ? blend_quantile(values, n, 0.75) : NAN);
}

static void add_mean(struct blend *b, int64_t step, const double *values, int n)
{
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY;
    for (int i = 0; i < n; i++) {
        sum += values[i];
        least = fmin(least, values[i]);
        most = fmax(most, values[i]);
    }
    const double mean = n > 0 ? sum / n : NAN;
    series_add(&b->value, step, mean);
    if (b->band == BAND_NONE)
        return;
    for (int i = 0; i < n; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    const double sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
    const double half = b->band == BAND_INTERVAL && n > 1 ? blend_t95(n - 1) * sd / sqrt(n)
                        : b->band == BAND_SE && n > 0     ? sd / sqrt(n)
                                                          : sd;
    series_add(&b->low, step, b->band == BAND_RANGE && n > 0 ? least : mean - half);
    series_add(&b->high, step, b->band == BAND_RANGE && n > 0 ? most : mean + half);
}

static void add_step(struct blend *b, int64_t step)
{
    double values[BLEND_SOURCES];
    int n = 0;
    for (int i = 0; i < b->n; i++) {
        const double value = value_beside(b->at[i].series, b->at[i].used, (double)step);
        if (b->is_difference)
            values[i] = value;
        else if (isfinite(value))
            values[n++] = value;
    }
    if (!b->is_difference && b->band == BAND_QUARTILES)
        add_median(b, step, values, n);
    else if (!b->is_difference)
        add_mean(b, step, values, n);
    else if (b->at[0].used < b->at[0].series->n && series_step(b->at[0].series, b->at[0].used) == step)
        series_add(&b->value, step, values[0] - values[1]);
}

bool blend_update(struct blend *b, const struct blend_source *given, int n_given, uint32_t budget)
{
    struct blend_source sources[BLEND_SOURCES];
    int64_t horizon = INT64_MAX;
    int n = 0;
    BUG_IF(n_given > BLEND_SOURCES || (b->is_difference && n_given != 2));
    for (int i = 0; i < n_given; i++)
        if (given[i].series->n > 0)
            sources[n++] = given[i];
    if (b->is_difference && n < 2)
        n = 0;
    if (!is_continued(b, sources, n))
        begin(b, sources, n);
    for (int i = 0; i < n; i++) {
        const int64_t last = series_step(sources[i].series, sources[i].series->n - 1);
        horizon = sources[i].grows && last < horizon ? last : horizon;
    }
    for (; budget > 0; budget--) {
        int64_t step = INT64_MAX;
        for (int i = 0; i < n; i++)
            if (b->at[i].used < b->at[i].series->n) {
                const int64_t next = series_step(b->at[i].series, b->at[i].used);
                step = next < step ? next : step;
            }
        if (step == INT64_MAX || step > horizon)
            return true;
        add_step(b, step);
        for (int i = 0; i < n; i++)
            b->at[i].used += b->at[i].used < b->at[i].series->n && series_step(b->at[i].series, b->at[i].used) == step;
    }
    return false;
}
