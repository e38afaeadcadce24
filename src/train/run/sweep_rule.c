#include "config.h"

#include "train/run/sweep_rule.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

static double worst(bool highest)
{
    return highest ? -INFINITY : INFINITY;
}

static double usable(double value, bool highest)
{
    return isfinite(value) ? value : worst(highest);
}

bool sweep_is_better(double a, double b, bool highest)
{
    a = usable(a, highest);
    b = usable(b, highest);
    return highest ? a > b : a < b;
}

static int64_t last_step(const struct sweep_curve *c)
{
    return c->n ? c->points[c->n - 1].step : -1;
}

static double best_until(const struct sweep_curve *c, int64_t step, bool highest)
{
    double best = worst(highest);
    for (int i = 0; i < c->n && c->points[i].step <= step; i++)
        if (sweep_is_better(c->points[i].value, best, highest))
            best = c->points[i].value;
    return best;
}

static double mean_until(const struct sweep_curve *c, int64_t step, bool highest)
{
    double sum = 0;
    int n = 0;
    for (; n < c->n && c->points[n].step <= step; n++)
        sum += usable(c->points[n].value, highest);
    return n ? sum / n : worst(highest);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

bool sweep_is_beaten(const struct sweep_curve *curves, int n_curves, int which, int evaluation, bool highest, int grace)
{
    const int64_t step = curves[which].points[evaluation].step;
    double *means = mem_alloc((size_t)n_curves, sizeof *means);
    int n = 0;
    for (int i = 0; i < n_curves; i++)
        if (i != which && last_step(&curves[i]) >= step)
            means[n++] = mean_until(&curves[i], step, highest);
    qsort(means, (size_t)n, sizeof *means, by_value);
    const double middle = n == 0 ? 0 : n % 2 ? means[n / 2] : (means[n / 2 - 1] + means[n / 2]) / 2;
    const double best = best_until(&curves[which], step, highest);
    free(means);
    if (evaluation < grace || n < SWEEP_LEAST_OTHERS)
        return false;
    return highest ? best < middle : best > middle;
}
