// What a part of a curve amounts to, for the marked range of the page of curves.
#pragma once

#include "ui/series/series.h"

struct range_stats {
    uint32_t n;        // finite points
    double first, last;
    double min, max, mean;
    double sd;         // of the points around their mean (n - 1); 0 with one
    double slope;      // a step, least squares; NaN with one point
    double area;       // under the straight lines between the points, value times steps
};
// Over the points with from <= step <= to, as they were recorded. All NaN with n 0.
struct range_stats range_stats(const struct series *s, double from, double to);
// The first step there at which the curve has come to the level, or past it, from where the range begins; NaN: it stays on
// its side.
double range_crossing(const struct series *s, double from, double to, double level);
