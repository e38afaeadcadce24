#include "config.h"

#include "stats/bias.h"

#include <math.h>

static struct bias counted(int k, int n, double level)
{
    return (struct bias){n, k, n ? (double)k / n : NAN, binomial_clopper_pearson(k, n, level), binomial_test(k, n, 0.5)};
}

struct bias bias_of_side(const struct bias_judgement *j, int n, double level)
{
    int k = 0, count = 0;
    for (int i = 0; i < n; i++)
        if (j[i].share != 0.5) {
            count++;
            k += (j[i].share < 0.5) == j[i].is_b_first;
        }
    return counted(k, count, level);
}

struct bias bias_of_length(const struct bias_judgement *j, int n, double level)
{
    int k = 0, count = 0;
    for (int i = 0; i < n; i++)
        if (j[i].share != 0.5 && j[i].length_gap != 0) {
            count++;
            k += (j[i].share > 0.5) == (j[i].length_gap > 0);
        }
    return counted(k, count, level);
}

struct bias bias_of_speed(const struct bias_judgement *j, int n, double least, double level)
{
    int k = 0, count = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(j[i].seconds)) {
            count++;
            k += j[i].seconds < least;
        }
    struct bias b = counted(k, count, level);
    b.p = 1;
    return b;
}

double correlation(const double *x, const double *y, int n)
{
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}
