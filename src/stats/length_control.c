// The win rate at equal length: a logistic regression with two columns, by Newton's method.
#include "config.h"

#include "stats/win_rate.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stats/clusters.h"
#include "stats/special.h"

struct symmetric { // 2 by 2
    double aa, ab, bb;
};

static struct symmetric inverse(struct symmetric m)
{
    const double det = m.aa * m.bb - m.ab * m.ab;
    return (struct symmetric){m.bb / det, -m.ab / det, m.aa / det};
}

static double logistic(double z)
{
    return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
}

// tanh(gap / standard deviation) into x; false where all gaps are the same.
static bool regressor(const struct win_vote *votes, int n, double *x)
{
    double mean = 0, squares = 0;
    bool varies = false;
    for (int i = 0; i < n; i++) {
        mean += votes[i].length_gap / n;
        varies = varies || votes[i].length_gap != votes[0].length_gap;
    }
    for (int i = 0; i < n; i++)
        squares += (votes[i].length_gap - mean) * (votes[i].length_gap - mean);
    const double deviation = sqrt(squares / (n - 1));
    for (int i = 0; i < n; i++)
        x[i] = tanh(votes[i].length_gap / deviation);
    return varies && deviation > 0;
}

// There is a finite fit just where the votes overlap along x: no threshold has all wins at or beyond it and all losses at or
// before it, in either direction (Albert & Anderson 1984). A tie is of both kinds.
static bool separates(const struct win_vote *votes, const double *x, int n)
{
    double win_low = INFINITY, win_high = -INFINITY, loss_low = INFINITY, loss_high = -INFINITY;
    for (int i = 0; i < n; i++) {
        if (votes[i].share > 0) {
            win_low = fmin(win_low, x[i]);
            win_high = fmax(win_high, x[i]);
        }
        if (votes[i].share < 1) {
            loss_low = fmin(loss_low, x[i]);
            loss_high = fmax(loss_high, x[i]);
        }
    }
    return win_low >= loss_high || loss_low >= win_high;
}

struct point {
    double a, b; // intercept and effect
};

static double log_likelihood(const struct win_vote *votes, const double *x, int n, struct point at)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double z = at.a + at.b * x[i];
        sum += votes[i].share * z - (z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)));
    }
    return sum;
}

// Minus the second derivative, and the gradient.
static struct symmetric information(const struct win_vote *votes, const double *x, int n, struct point at,
                                    struct point *gradient)
{
    struct symmetric m = {0};
    *gradient = (struct point){0, 0};
    for (int i = 0; i < n; i++) {
        const double p = logistic(at.a + at.b * x[i]), weight = p * (1 - p), residual = votes[i].share - p;
        m.aa += weight;
        m.ab += weight * x[i];
        m.bb += weight * x[i] * x[i];
        gradient->a += residual;
        gradient->b += residual * x[i];
    }
    return m;
}

static struct point fit(const struct win_vote *votes, const double *x, int n)
{
    struct point at = {0, 0};
    double value = log_likelihood(votes, x, n, at);
    for (int round = 0; round < 200; round++) {
        struct point g, next;
        const struct symmetric v = inverse(information(votes, x, n, at, &g));
        const struct point step = {v.aa * g.a + v.ab * g.b, v.ab * g.a + v.bb * g.b};
        const double enough = value - 1e-12 * fabs(value); // rounding: the last steps change it by less
        double scale = 1, at_next;
        do { // concave: some part of the step never makes it worse
            next = (struct point){at.a + scale * step.a, at.b + scale * step.b};
            at_next = log_likelihood(votes, x, n, next);
            scale /= 2;
        } while (!(at_next >= enough) && scale > 1e-6);
        if (!(at_next >= enough))
            break;
        at = next;
        value = at_next;
        if (fabs(step.a) + fabs(step.b) < 1e-12 * (1 + fabs(at.a) + fabs(at.b)))
            break;
    }
    return at;
}

// The sandwich: information^-1 (sum over clusters of score score') information^-1, with the correction for few clusters.
static struct symmetric covariance(const struct win_vote *votes, const double *x, int n, struct point at, const int *cluster,
                                   int n_clusters)
{
    struct point g, *scores = mem_alloc((size_t)n_clusters, sizeof *scores);
    const struct symmetric v = inverse(information(votes, x, n, at, &g));
    struct symmetric sum = {0};
    for (int i = 0; i < n; i++) {
        const double residual = votes[i].share - logistic(at.a + at.b * x[i]);
        scores[cluster[i]].a += residual;
        scores[cluster[i]].b += residual * x[i];
    }
    for (int c = 0; c < n_clusters; c++) { // what each cluster moves the fit by
        const double da = v.aa * scores[c].a + v.ab * scores[c].b, db = v.ab * scores[c].a + v.bb * scores[c].b;
        sum.aa += da * da;
        sum.ab += da * db;
        sum.bb += db * db;
    }
    free(scores);
    const double few = n_clusters / (n_clusters - 1.0) * (n - 1.0) / (n - 2.0);
    return (struct symmetric){sum.aa * few, sum.ab * few, sum.bb * few};
}

struct win_rate_length win_rate_length_controlled(const struct win_vote *votes, int n, double level)
{
    struct win_rate_length w = {LENGTH_TOO_FEW, NAN, {NAN, NAN}, NAN, NAN, NAN, NAN, NAN};
    double *x = mem_alloc((size_t)n + 1, sizeof *x);
    int *cluster = mem_alloc((size_t)n + 1, sizeof *cluster);
    const int n_clusters = n ? clusters_number(&votes->cluster, sizeof *votes, n, cluster) : 0;
    if (n >= 3 && n_clusters >= 3)
        w.state = !regressor(votes, n, x) ? LENGTH_CONSTANT : separates(votes, x, n) ? LENGTH_SEPARATES : LENGTH_CONTROLLED;
    if (w.state == LENGTH_CONTROLLED) {
        const struct point at = fit(votes, x, n);
        const struct symmetric v = covariance(votes, x, n, at, cluster, n_clusters);
        const double half = normal_quantile((1 + level) / 2) * sqrt(v.aa);
        w = (struct win_rate_length){.rate = logistic(at.a), .interval = {logistic(at.a - half), logistic(at.a + half)},
                                     .intercept = at.a, .effect = at.b, .std_error = sqrt(v.aa),
                                     .effect_std_error = sqrt(v.bb), .effect_p = 2 * normal_tail(fabs(at.b) / sqrt(v.bb))};
    }
    free(cluster);
    free(x);
    return w;
}
