#include "config.h"

#include "ui/plot/trace.h"

#include <math.h>

static double bend(const struct trace_view *v, double x)
{
    return v->x_log ? log10(fmax(x, TRACE_LOG_FLOOR)) : x;
}

double trace_x(const struct trace_view *v, double x)
{
    if (v->x_log && x < TRACE_LOG_FLOOR * 0.5) // step 0 has no place
        return -1e6;
    const double x0 = bend(v, v->x0);
    return (bend(v, x) - x0) / (bend(v, v->x1) - x0) * (v->width - 1);
}

// Heights are limited so that no later sum or rounding overflows; both limits are far outside of any plot.
double trace_y(const struct trace_view *v, double value)
{
    double y = axis_place(v->y, value) * (v->height - 1);
    return y > 1e6 ? 1e6 : y < -1e6 ? -1e6 : y;
}

void trace_edges(const struct trace_view *v, const struct x_map *map, double *edges)
{
    // Column i reaches half a dot to both sides of its middle, so that the first and last point are inside.
    for (int i = 0; i <= v->width; i++) {
        double part = v->width > 1 ? (i - 0.5) / (v->width - 1) : i ? 1.5 : -0.5;
        double x0 = bend(v, v->x0), place = x0 + (bend(v, v->x1) - x0) * part;
        edges[i] = x_map_step(map, v->x_log ? pow(10, place) : place);
    }
}

static void cover(struct trace_span *s, double y)
{
    if (!isfinite(y))
        return;
    s->low = y < s->low ? (float)y : s->low;
    s->high = y > s->high ? (float)y : s->high;
}

// The straight line from (xa, ya) to (xb, yb), in dots: every column it passes covers its part.
static void connect(const struct trace_view *v, struct trace_span *out, double xa, double ya, double xb, double yb)
{
    if (!isfinite(ya) || !isfinite(yb) || xb <= xa)
        return;
    int first = (int)fmax(0, floor(xa + 0.5)), last = (int)fmin(v->width - 1, floor(xb + 0.5));
    for (int i = first; i <= last; i++) {
        double left = fmax(xa, i - 0.5), right = fmin(xb, i + 0.5);
        cover(&out[i], ya + (yb - ya) * (left - xa) / (xb - xa));
        cover(&out[i], ya + (yb - ya) * (right - xa) / (xb - xa));
    }
}

static double point_x(const struct series *s, const struct x_map *map, const struct trace_view *v, uint32_t i)
{
    double x = trace_x(v, x_map_value(map, (double)series_step(s, i)));
    return x > 1e6 ? 1e6 : x < -1e6 ? -1e6 : x;
}

static double curve_value(const struct series *s, bool smoothed, uint32_t i)
{
    return smoothed ? series_smoothed(s, i) : series_value(s, i);
}

void trace_curve(const struct series *s, bool smoothed, const struct x_map *map, const struct trace_view *v,
                 struct trace_span *out, struct series_column *scratch, double *edges)
{
    trace_edges(v, map, edges);
    series_columns(s, smoothed, edges, v->width, scratch);
    for (int i = 0; i < v->width; i++)
        out[i] = (struct trace_span){INFINITY, -INFINITY};
    // The last point seen, whether finite or not: a line joins neighbours only.
    bool have = false;
    double x = 0, y = NAN;
    uint32_t before = scratch[0].first;
    if (before > 0 && (!v->x_log || x_map_value(map, (double)series_step(s, before - 1)) >= TRACE_LOG_FLOOR)) {
        have = true;
        x = point_x(s, map, v, before - 1);
        y = trace_y(v, curve_value(s, smoothed, before - 1));
    }
    for (int i = 0; i < v->width; i++) {
        const struct series_column *c = &scratch[i];
        if (c->first == c->end)
            continue;
        if (have)
            connect(v, out, x, y, point_x(s, map, v, c->first), trace_y(v, c->first_value));
        if (c->span.min <= c->span.max) {
            cover(&out[i], trace_y(v, c->span.min));
            cover(&out[i], trace_y(v, c->span.max));
        }
        have = true;
        x = point_x(s, map, v, c->end - 1);
        y = trace_y(v, c->last_value);
    }
    uint32_t after = scratch[v->width - 1].end;
    if (have && after < s->n)
        connect(v, out, x, y, point_x(s, map, v, after), trace_y(v, curve_value(s, smoothed, after)));
}
