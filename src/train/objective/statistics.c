#include "config.h"

#include "train/objective/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

static const double Z = 1.959963984540054; // 95 % of the normal distribution lie between -Z and Z

static double mean_of(const double *values, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    return sum / n;
}

double standard_deviation(const double *values, int n)
{
    const double mean = mean_of(values, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return n > 1 ? sqrt(sum / (n - 1)) : NAN;
}

struct estimate estimate_mean(const double *values, int n)
{
    if (n < 1)
        return (struct estimate){NAN, NAN, NAN};
    const double mean = mean_of(values, n), error = standard_deviation(values, n) / sqrt(n);
    return (struct estimate){mean, mean - Z * error, mean + Z * error};
}

struct estimate estimate_ratio(const double *sums, const double *counts, int n)
{
    if (n < 1)
        return (struct estimate){NAN, NAN, NAN};
    const double count = mean_of(counts, n), ratio = mean_of(sums, n) / count;
    double *residuals = mem_alloc((size_t)n, sizeof *residuals);
    for (int i = 0; i < n; i++)
        residuals[i] = sums[i] - ratio * counts[i];
    const double half = Z * standard_deviation(residuals, n) / sqrt(n) / count;
    free(residuals);
    return (struct estimate){ratio, ratio - half, ratio + half};
}

struct estimate estimate_share(double share, double n)
{
    if (!(n > 0))
        return (struct estimate){NAN, NAN, NAN};
    const double scale = 1 + Z * Z / n, centre = (share + Z * Z / (2 * n)) / scale;
    const double half = Z / scale * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n));
    return (struct estimate){share, share > 0 ? fmax(0, centre - half) : 0, share < 1 ? fmin(1, centre + half) : 1};
}

double total_variation(const double *p, const double *q, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs(p[i] - q[i]);
    return sum / 2;
}

double shares_kl(const double *p, const double *q, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i] > 0 ? p[i] * log(p[i] / q[i]) : 0;
    return sum;
}
