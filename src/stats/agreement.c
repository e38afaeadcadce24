#include "config.h"

#include "stats/agreement.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

static double weight_of(double x, double y, double range, enum agreement_weight weight)
{
    const double gap = range > 0 ? fabs(x - y) / range : 0;
    return weight == AGREE_NOMINAL ? x == y : weight == AGREE_LINEAR ? 1 - gap : 1 - gap * gap;
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

// The different values among `n` numbers, in rising order; NaN is none. The caller frees.
static double *values_of(const double *numbers, size_t n, int *n_values)
{
    double *v = mem_alloc(n + 1, sizeof *v);
    size_t count = 0;
    int kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(numbers[i]))
            v[count++] = numbers[i];
    qsort(v, count, sizeof *v, by_value);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || v[i] != v[i - 1])
            v[kept++] = v[i];
    *n_values = kept;
    return v;
}

static int index_of(const double *values, int n, double value)
{
    for (int i = 0; i < n; i++)
        if (values[i] == value)
            return i;
    BUG("a rating is not among the scale's values");
}

// Ratings that each value got in each unit: (n_units, n_values). The caller frees.
static double *counts_of(const double *ratings, int n_units, int n_raters, const double *values, int n_values)
{
    double *counts = mem_alloc((size_t)n_units * (size_t)n_values + 1, sizeof *counts);
    for (int u = 0; u < n_units; u++)
        for (int r = 0; r < n_raters; r++) {
            const double rating = ratings[(size_t)u * (size_t)n_raters + (size_t)r];
            if (!isnan(rating))
                counts[(size_t)u * (size_t)n_values + (size_t)index_of(values, n_values, rating)]++;
        }
    return counts;
}

static double sum_of(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

struct agreement_two agreement_of_two(const double *ratings, int n_units, int n_raters, int a, int b,
                                      enum agreement_weight weight)
{
    struct agreement_two t = {0, NAN, NAN};
    double *both = mem_alloc(2 * (size_t)n_units + 1, sizeof *both), same = 0, seen = 0, chance = 0;
    int n_values = 0;
    for (int u = 0; u < n_units; u++) {
        const double *unit = ratings + (size_t)u * (size_t)n_raters, x = unit[a], y = unit[b];
        if (isnan(x) || isnan(y))
            continue;
        both[2 * t.n] = x;
        both[2 * t.n + 1] = y;
        same += x == y;
        t.n++;
    }
    double *values = values_of(both, 2 * (size_t)t.n, &n_values);
    double *first = mem_alloc((size_t)n_values + 1, sizeof *first);
    double *second = mem_alloc((size_t)n_values + 1, sizeof *second);
    const double range = n_values ? values[n_values - 1] - values[0] : 0;
    for (int i = 0; i < t.n; i++) {
        seen += 1 - weight_of(both[2 * i], both[2 * i + 1], range, weight);
        first[index_of(values, n_values, both[2 * i])]++;
        second[index_of(values, n_values, both[2 * i + 1])]++;
    }
    for (int i = 0; i < n_values; i++)
        for (int j = 0; j < n_values; j++)
            chance += first[i] * second[j] * (1 - weight_of(values[i], values[j], range, weight));
    if (t.n)
        t.percent = same / t.n;
    if (chance > 0)
        t.kappa = 1 - seen * t.n / chance;
    free(second);
    free(first);
    free(values);
    free(both);
    return t;
}

// What pairs of raters agree by, averaged over the units that have at least two; NaN where there is none.
static double observed(const double *counts, int n_units, const double *values, int n_values, enum agreement_weight weight)
{
    const double range = n_values ? values[n_values - 1] - values[0] : 0;
    double sum = 0;
    int n = 0;
    for (int u = 0; u < n_units; u++) {
        const double *c = counts + (size_t)u * (size_t)n_values, raters = sum_of(c, n_values);
        double agree = -raters; // nobody is a pair with himself
        if (raters < 2)
            continue;
        for (int i = 0; i < n_values; i++)
            for (int j = 0; j < n_values; j++)
                agree += c[i] * c[j] * weight_of(values[i], values[j], range, weight);
        sum += agree / (raters * (raters - 1));
        n++;
    }
    return n ? sum / n : NAN;
}

double agreement_percent(const double *ratings, int n_units, int n_raters)
{
    int n_values;
    double *values = values_of(ratings, (size_t)n_units * (size_t)n_raters, &n_values);
    double *counts = counts_of(ratings, n_units, n_raters, values, n_values);
    const double percent = observed(counts, n_units, values, n_values, AGREE_NOMINAL);
    free(counts);
    free(values);
    return percent;
}

double agreement_gwet(const double *ratings, int n_units, int n_raters, const double *values, int n_values,
                      enum agreement_weight weight)
{
    double *counts = counts_of(ratings, n_units, n_raters, values, n_values), weights = 0, chance = 0;
    const double seen = observed(counts, n_units, values, n_values, weight);
    const double range = n_values ? values[n_values - 1] - values[0] : 0;
    for (int i = 0; i < n_values; i++) {
        double share = 0;
        int n = 0;
        for (int u = 0; u < n_units; u++) {
            const double *c = counts + (size_t)u * (size_t)n_values, raters = sum_of(c, n_values);
            share += raters > 0 ? c[i] / raters : 0;
            n += raters > 0;
        }
        share /= n;
        chance += share * (1 - share);
        for (int j = 0; j < n_values; j++)
            weights += weight_of(values[i], values[j], range, weight);
    }
    free(counts);
    chance *= weights / ((double)n_values * (n_values - 1));
    return chance < 1 ? (seen - chance) / (1 - chance) : NAN;
}

// The squared distance of values i <= j of the scale, which totals ratings have.
static double distance(const double *values, const double *totals, int i, int j, enum alpha_level level)
{
    if (level == ALPHA_NOMINAL)
        return i != j;
    double gap = values[j] - values[i];
    if (level == ALPHA_ORDINAL)
        gap = sum_of(totals + i, j - i + 1) - (totals[i] + totals[j]) / 2;
    return gap * gap;
}

double agreement_alpha(const double *ratings, int n_units, int n_raters, enum alpha_level level)
{
    int n_values;
    double *values = values_of(ratings, (size_t)n_units * (size_t)n_raters, &n_values);
    double *counts = counts_of(ratings, n_units, n_raters, values, n_values);
    double *totals = mem_alloc((size_t)n_values + 1, sizeof *totals), seen = 0, expected = 0;
    for (int u = 0; u < n_units; u++) // ratings that stand alone are no pair
        for (int i = 0; i < n_values && sum_of(counts + (size_t)u * (size_t)n_values, n_values) > 1; i++)
            totals[i] += counts[(size_t)u * (size_t)n_values + (size_t)i];
    const double n = sum_of(totals, n_values);
    for (int i = 0; i < n_values; i++)
        for (int j = i + 1; j < n_values; j++) {
            const double d = distance(values, totals, i, j, level);
            double pairs = 0;
            for (int u = 0; u < n_units; u++) {
                const double *c = counts + (size_t)u * (size_t)n_values, raters = sum_of(c, n_values);
                pairs += raters > 1 ? c[i] * c[j] / (raters - 1) : 0;
            }
            seen += pairs * d;
            expected += totals[i] * totals[j] * d;
        }
    free(totals);
    free(counts);
    free(values);
    return expected > 0 ? 1 - (n - 1) * seen / expected : NAN;
}
