#include "config.h"

#include "stats/sequential.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/clusters.h"

// Shares of what may be lost at m: from nearly all of it, for plain differences, to what suits a win rate of 51 %. A fair
// average over n_stakes costs at most a factor of n_stakes against the best of them.
static const double stakes[] = {0.96, 0.64, 0.427, 0.284, 0.19, 0.126, 0.084, 0.056, 0.0375, 0.025, 0.0167};
enum { N_STAKES = sizeof stakes / sizeof *stakes };

double sequential_log_capital(int64_t wins, int64_t ties, int64_t losses, double m)
{
    double logs[N_STAKES], largest = -INFINITY, sum = 0;
    for (int i = 0; i < N_STAKES; i++) {
        const double s = stakes[i]; // a vote x is worth 1 + s (x - m) / m
        logs[i] = losses ? (double)losses * log1p(-s) : 0;
        if (ties && m != 0.5)
            logs[i] += (double)ties * log1p(s * (0.5 - m) / m);
        if (wins)
            logs[i] += (double)wins * log1p(s * (1 - m) / m);
        largest = fmax(largest, logs[i]);
    }
    for (int i = 0; i < N_STAKES; i++)
        sum += exp(logs[i] - largest);
    return largest + log(sum / N_STAKES);
}

void sequential_start(struct sequential *s, double alpha)
{
    *s = (struct sequential){.alpha = alpha, .e_a = 1, .e_b = 1, .e_max = 1, .decided_for = NAN, .rate = {0, 1}};
}

void sequential_add(struct sequential *s, double share)
{
    *(share > 0.5 ? &s->wins : share < 0.5 ? &s->losses : &s->ties) += 1;
    s->e_a = exp(sequential_log_capital(s->wins, s->ties, s->losses, 0.5));
    s->e_b = exp(sequential_log_capital(s->losses, s->ties, s->wins, 0.5));
    s->e_max = fmax(s->e_max, fmax(s->e_a, s->e_b));
    if (!s->decided_at && fmax(s->e_a, s->e_b) >= 2 / s->alpha) {
        s->decided_at = s->wins + s->ties + s->losses;
        s->decided_for = s->e_a > s->e_b;
    }
}

// The smallest mean that evidence for larger ones does not exclude: each factor of K+ falls with m.
static double lower_bound(int64_t wins, int64_t ties, int64_t losses, double log_enough)
{
    double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        const double middle = (low + high) / 2;
        if (middle <= low || middle >= high)
            break;
        *(sequential_log_capital(wins, ties, losses, middle) >= log_enough ? &low : &high) = middle;
    }
    return low;
}

void sequential_interval(struct sequential *s)
{
    const double log_enough = log(2 / s->alpha);
    struct interval now = s->rate;
    // A bound is made anew only where it has become narrower.
    if (s->wins + s->ties > 0 &&
        (now.low == 0 || sequential_log_capital(s->wins, s->ties, s->losses, now.low) > log_enough))
        now.low = fmax(now.low, lower_bound(s->wins, s->ties, s->losses, log_enough));
    if (s->losses + s->ties > 0 &&
        (now.high == 1 || sequential_log_capital(s->losses, s->ties, s->wins, 1 - now.high) > log_enough))
        now.high = fmin(now.high, 1 - lower_bound(s->losses, s->ties, s->wins, log_enough));
    if (now.low <= now.high) // else the mean has moved, and no interval holds for all that was seen
        s->rate = now;
}

struct sequential sequential_of(const struct win_vote *votes, int n, double alpha)
{
    struct sequential s;
    int *dense = mem_alloc((size_t)n + 1, sizeof *dense), n_seen = 0;
    sequential_start(&s, alpha);
    if (n)
        clusters_number(&votes->cluster, sizeof *votes, n, dense);
    for (int i = 0; i < n; i++) {
        if (dense[i] < n_seen) // not the prompt's first vote
            continue;
        n_seen++;
        sequential_add(&s, votes[i].share);
        sequential_interval(&s);
    }
    free(dense);
    return s;
}
