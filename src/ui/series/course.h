// The whole course of a metric in at most COURSE_POINTS means, oldest first: what a sparkline shows and what rules
// about a run's health look at. Costs the same however long the run is.
#pragma once

#include <stdint.h>

enum { COURSE_POINTS = 64 };

struct course {
    double mean[COURSE_POINTS];
    int n;
    int64_t each, in_last; // how many points a mean is of; how many the last one has so far
};

void course_add(struct course *c, double value); // a value that is not finite is left out
// Mean over the first (last) `share` of the points: 0.25 is a quarter. NaN while there are none.
double course_begin(const struct course *c, double share);
double course_end(const struct course *c, double share);
