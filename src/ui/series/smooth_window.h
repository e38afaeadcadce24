// Smoothing over a window around each point, in steps to both sides: a mean of what is within half the width, or a
// mean weighted by a Gaussian whose standard deviation is the width, cut off where nothing is left to see. Values that
// are not finite are left out; at the ends there is less on one side. A constant stays exactly what it is.
//
// A point that is added changes what was said of those before it, as far as the window reaches. So each is added to its
// neighbours and they to it, and the result is the same however the points came.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ui/series/smooth.h"
#include "ui/series/steps.h"

struct smooth_window {
    enum smooth_kind kind;
    double width;
    int64_t reach;  // steps to each side
    double *kernel; // (reach + 1) by the distance; NULL: all alike
    struct windowed {
        double mean, mass; // mass 0: nothing finite within reach
    } *at;                 // (n)
    uint32_t n, cap;
    uint32_t n_final;      // of these, out of reach of points that may still come
};

void smooth_window_init(struct smooth_window *w, enum smooth_kind kind, double width);
void smooth_window_fini(struct smooth_window *w); // as if it had never been
// Takes in point number w->n. Returns how many neighbours it has.
uint32_t smooth_window_add(struct smooth_window *w, const struct steps *steps, const float *values);
size_t smooth_window_bytes(const struct smooth_window *w);
float smooth_window_value(const struct smooth_window *w, uint32_t i); // NaN: nothing finite within reach
