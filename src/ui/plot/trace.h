// A curve as what it covers in each column of dots: the smallest and the largest height, points and the straight lines
// between them together. Exact for any number of points a column.
#pragma once

#include "ui/plot/axis.h"
#include "ui/series/series.h"
#include "ui/series/x_map.h"

struct trace_view {
    int width, height;   // dots
    double x0, x1;       // first and last column of dots stand for these, in units of the map
    const struct axis *y;
    bool x_log;          // by the logarithm of the place, from TRACE_LOG_FLOOR on; needs x1 above it
};
#define TRACE_LOG_FLOOR 1.0 // one step, second or token

struct trace_span {
    float low, high; // heights in dots from the bottom, may lie outside; low > high: nothing here
};

// out: (v->width). scratch: (v->width) columns. `smoothed` needs series_is_smooth.
void trace_curve(const struct series *s, bool smoothed, const struct x_map *map, const struct trace_view *v,
                 struct trace_span *out, struct series_column *scratch, double *edges);
// The column of dots of a place on the horizontal axis (not rounded).
double trace_x(const struct trace_view *v, double x);
double trace_y(const struct trace_view *v, double value);
// edges (v->width + 1) in steps; what series_columns needs.
void trace_edges(const struct trace_view *v, const struct x_map *map, double *edges);
