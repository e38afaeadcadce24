#include "config.h"

#include "stats/histogram.h"

#include <math.h>

double histogram_around_zero(const double *values, int n, int n_bins, int *counts)
{
    double largest = 0;
    for (int b = 0; b < n_bins; b++)
        counts[b] = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(values[i]))
            largest = fmax(largest, fabs(values[i]));
    const double width = 2 * largest / n_bins;
    for (int i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        const double from_middle = width > 0 ? floor(values[i] / width + 0.5) : 0;
        const int most = n_bins / 2, bin = (int)fmax(-most, fmin(most, from_middle));
        counts[most + bin]++;
    }
    return width;
}
