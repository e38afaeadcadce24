#include "config.h"

#include "stats/binomial.h"

#include <math.h>

#include "stats/special.h"

static double at_most(int64_t k, int64_t n, double p)
{
    return k < 0 ? 0 : k >= n ? 1 : beta_regularized(1 - p, (double)(n - k), (double)k + 1);
}

static double at_least(int64_t k, int64_t n, double p)
{
    return k <= 0 ? 1 : k > n ? 0 : beta_regularized(p, (double)k, (double)(n - k) + 1);
}

double binomial_test(int64_t k, int64_t n, double p)
{
    if (n <= 0)
        return 1;
    const double mean = (double)n * p, bound = binomial_density((double)k, (double)n, p) * (1 + 1e-7);
    if ((double)k == mean)
        return 1;
    const bool is_low = (double)k < mean;
    // On the other side of the mean probabilities fall away from it: the first that is small enough.
    int64_t near = is_low ? (int64_t)ceil(mean) : (int64_t)floor(mean), far = is_low ? n + 1 : -1;
    while (near != far) {
        const int64_t middle = is_low ? near + (far - near) / 2 : near - (near - far) / 2;
        if (binomial_density((double)middle, (double)n, p) <= bound)
            far = middle;
        else
            near = middle + (is_low ? 1 : -1);
    }
    const double sum = is_low ? at_most(k, n, p) + at_least(far, n, p) : at_least(k, n, p) + at_most(far, n, p);
    return sum < 1 ? sum : 1;
}

struct interval binomial_wilson_z(double k, double n, double z)
{
    if (!(n > 0) || isinf(z))
        return (struct interval){0, 1};
    const double p = k / n, z2 = z * z, centre = (p + z2 / (2 * n)) / (1 + z2 / n),
                 half = z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    return (struct interval){k > 0 ? fmax(centre - half, 0) : 0, k < n ? fmin(centre + half, 1) : 1};
}

struct interval binomial_wilson(double k, double n, double level)
{
    return binomial_wilson_z(k, n, normal_quantile((1 + level) / 2));
}

// The share under which the tail (at least k, or at most k) has probability `tail`.
static double bound_of(int64_t k, int64_t n, double tail, bool is_low)
{
    double low = 0, high = 1;
    for (int i = 0; i < 200; i++) {
        const double middle = (low + high) / 2;
        if (middle <= low || middle >= high)
            break;
        const bool is_below = is_low ? at_least(k, n, middle) < tail : at_most(k, n, middle) > tail;
        *(is_below ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

struct interval binomial_clopper_pearson(int64_t k, int64_t n, double level)
{
    const double tail = (1 - level) / 2;
    return (struct interval){k > 0 ? bound_of(k, n, tail, true) : 0, k < n && n > 0 ? bound_of(k, n, tail, false) : 1};
}
