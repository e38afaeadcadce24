#include "config.h"

#include "ui/series/range_stats.h"

#include <math.h>

struct range_stats range_stats(const struct series *s, double from, double to)
{
    struct range_stats r = {0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    // Running sums around the means (Welford): no difference of large sums, however far from 0 values and steps are.
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0, area = 0, x_before = 0, y_before = 0;
    for (uint32_t i = series_find(s, from); i < s->n; i++) {
        const double x = (double)series_step(s, i), y = series_value(s, i);
        if (x > to)
            break;
        if (!isfinite(y))
            continue;
        if (r.n == 0) {
            r.first = r.min = r.max = y;
        } else {
            area += (x - x_before) * (y + y_before) / 2;
        }
        r.n++;
        const double dx = x - mean_x, dy = y - mean_y;
        mean_x += dx / r.n;
        mean_y += dy / r.n;
        xx += dx * (x - mean_x);
        yy += dy * (y - mean_y);
        xy += dx * (y - mean_y);
        r.min = fmin(r.min, y);
        r.max = fmax(r.max, y);
        r.last = y_before = y;
        x_before = x;
    }
    if (r.n == 0)
        return r;
    r.mean = mean_y;
    r.sd = r.n > 1 ? sqrt(yy / (r.n - 1)) : 0;
    r.slope = xx > 0 ? xy / xx : NAN;
    r.area = area;
    return r;
}

double range_crossing(const struct series *s, double from, double to, double level)
{
    double side = NAN; // above or below, at the beginning
    for (uint32_t i = series_find(s, from); i < s->n && (double)series_step(s, i) <= to; i++) {
        const double gap = series_value(s, i) - level;
        if (!isfinite(gap))
            continue;
        if (isnan(side))
            side = gap;
        if (gap * side <= 0)
            return (double)series_step(s, i);
    }
    return NAN;
}
