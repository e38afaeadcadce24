// Raw win rates: their interval over prompts, and the bootstrap's.
#include "config.h"

#include "stats/win_rate.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/clusters.h"
#include "stats/special.h"

// Votes added up by prompt.
struct prompts {
    struct {
        double sum;
        int n;
    } *of;
    int n;
};

static struct prompts prompts_of(const struct win_vote *votes, int n)
{
    struct prompts p = {.of = mem_alloc((size_t)n + 1, sizeof *p.of)};
    int *dense = mem_alloc((size_t)n + 1, sizeof *dense);
    p.n = n ? clusters_number(&votes->cluster, sizeof *votes, n, dense) : 0;
    for (int i = 0; i < n; i++) {
        p.of[dense[i]].sum += votes[i].share;
        p.of[dense[i]].n++;
    }
    free(dense);
    return p;
}

struct win_rate win_rate_of(const struct win_vote *votes, int n, double level)
{
    struct win_rate w = {.n = n, .rate = NAN, .std_error = NAN, .interval = {0, 1}};
    struct prompts p = prompts_of(votes, n);
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++) {
        w.wins += votes[i].share > 0.5;
        w.losses += votes[i].share < 0.5;
        sum += votes[i].share;
    }
    w.ties = n - w.wins - w.losses;
    w.n_clusters = p.n;
    if (n)
        w.rate = sum / n;
    for (int g = 0; g < p.n; g++) {
        const double residual = p.of[g].sum - p.of[g].n * w.rate;
        squares += residual * residual;
    }
    free(p.of);
    if (w.n_clusters < 2)
        return w;
    const double variance = w.n_clusters / (w.n_clusters - 1.0) * squares / ((double)n * n),
                 size = variance > 1e-24 ? w.rate * (1 - w.rate) / variance : w.n_clusters;
    w.std_error = sqrt(variance);
    w.interval = binomial_wilson_z(w.rate * size, size, student_quantile((1 + level) / 2, w.n_clusters - 1));
    return w;
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

// Linear between neighbours, as NumPy's quantile.
static double quantile(const double *sorted, int n, double p)
{
    const double at = p * (n - 1);
    const int low = (int)at, high = low + 1 < n ? low + 1 : low;
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

struct interval win_rate_bootstrap(const struct win_vote *votes, int n, double level, int n_draws, uint64_t seed)
{
    struct interval found = {0, 1};
    struct prompts p = prompts_of(votes, n);
    if (p.n >= 2 && n_draws > 0) {
        double *rates = mem_alloc((size_t)n_draws, sizeof *rates);
        for (int i = 0; i < n_draws; i++) {
            struct rng r = rng_make(seed, RNG_BOOTSTRAP, (uint32_t)i);
            double sum = 0, count = 0;
            for (int g = 0; g < p.n; g++) {
                const uint64_t drawn = rng_below(&r, (uint64_t)p.n);
                sum += p.of[drawn].sum;
                count += p.of[drawn].n;
            }
            rates[i] = sum / count;
        }
        qsort(rates, (size_t)n_draws, sizeof *rates, by_value);
        found = (struct interval){quantile(rates, n_draws, (1 - level) / 2), quantile(rates, n_draws, (1 + level) / 2)};
        free(rates);
    }
    free(p.of);
    return found;
}
