#include "config.h"

#include "ui/series/course.h"

#include <math.h>

// When all places are taken, neighbours are joined and each mean is of twice as many points from then on.
void course_add(struct course *c, double value)
{
    if (!isfinite(value))
        return;
    if (c->each == 0)
        c->each = 1;
    if (c->n > 0 && c->in_last < c->each) {
        c->in_last++;
        c->mean[c->n - 1] += (value - c->mean[c->n - 1]) / (double)c->in_last;
        return;
    }
    if (c->n == COURSE_POINTS) {
        for (int i = 0; i < COURSE_POINTS / 2; i++)
            c->mean[i] = (c->mean[2 * i] + c->mean[2 * i + 1]) / 2;
        c->n = COURSE_POINTS / 2;
        c->each *= 2;
    }
    c->mean[c->n++] = value;
    c->in_last = 1;
}

static double mean_of(const double *values, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += values[i];
    return n > 0 ? sum / n : NAN;
}

static int part(const struct course *c, double share)
{
    int n = (int)lround(c->n * share);
    return n < 1 && c->n > 0 ? 1 : n;
}

double course_begin(const struct course *c, double share)
{
    return mean_of(c->mean, part(c, share));
}

double course_end(const struct course *c, double share)
{
    int n = part(c, share);
    return mean_of(c->mean + c->n - n, n);
}
