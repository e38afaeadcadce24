// The points of one metric of one run, kept for drawing: values as float, steps packed, smallest and largest value of
// any range in O(log n), and the smoothed curve as marks from which any part is walked again. Only the console's one
// thread uses it. About 5 bytes a point, and 16 more while a window smooths.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/series/pyramid.h"
#include "ui/series/smooth.h"
#include "ui/series/smooth_window.h"
#include "ui/series/steps.h"

enum { SMOOTH_BLOCK = 32 }; // points between marks; a multiple of PYRAMID_LEAF

struct series {
    uint32_t n, cap;
    float *values;          // finite doubles beyond the range of float are kept as +-FLT_MAX
    struct steps steps;     // strictly increasing
    struct pyramid raw;
    uint32_t *bad;          // indices of the points that are NaN or infinite, ascending
    uint32_t n_bad, cap_bad;
    uint32_t n_refused;     // points whose step is outside of 0 .. STEP_MAX
    uint32_t n_rewinds;     // how often points were forgotten: what was derived from them is to be made again

    enum smooth_kind smooth_kind;
    double weight, unit;    // how much is smoothed, 0: nothing; the unit of an average's
    uint32_t n_smooth;      // points that are smoothed
    struct smoother smoother; // after point n_smooth - 1
    struct smooth_mark {    // state before point i * SMOOTH_BLOCK
        double value, remain;
    } *marks;
    uint32_t cap_marks;
    struct smooth_window window; // instead of the two above
    struct pyramid smooth;  // of the smoothed curve; of a window as far as it is final
};

void series_init(struct series *s); // empty, not smoothed
void series_fini(struct series *s);

// Appends. A step that is not after the last one means that the run went back to a checkpoint: the points from that
// step on are forgotten first. O(log n) when appending; the smoothed curve follows along once it is complete.
void series_add(struct series *s, int64_t step, double value);

int64_t series_step(const struct series *s, uint32_t i);
float series_value(const struct series *s, uint32_t i);
uint32_t series_find(const struct series *s, double step);      // the first point at or after `step`, or n
uint32_t series_nearest(const struct series *s, double step);   // n must be > 0
struct span series_span(const struct series *s, uint32_t first, uint32_t end);
// How many finite points of first .. end-1 are below low or above high.
uint32_t series_outside(const struct series *s, uint32_t first, uint32_t end, double low, double high);
// The usual distance in steps between points: the median of the first 64 gaps; 1 when there is none.
double series_spacing(const struct series *s);

// How it is smoothed; when that differs from before, the smoothed curve starts again from nothing.
void series_set_smoothing(struct series *s, enum smooth_kind kind, double amount, double unit);
// Smooths about `budget` more points, fewer where a window has many; true once all are (always true without smoothing).
bool series_smooth_some(struct series *s, uint32_t budget);
// The same for several (each once) side by side, which takes a fraction of the time; the budget is for all of them together.
bool series_smooth_all(struct series *const *s, int n, uint32_t budget);
bool series_is_smooth(const struct series *s); // has a complete smoothed curve
double series_smoothed(const struct series *s, uint32_t i); // needs i < n_smooth

// What one column of a plot holds of a curve.
struct series_column {
    uint32_t first, end;  // points; first == end: none
    float first_value, last_value; // of the curve at points first and end - 1; NaN where not finite
    struct span span;     // of the curve over them
};
// edges: (n + 1) steps, ascending; column i holds the points with edges[i] <= step < edges[i + 1]. `smoothed` needs
// series_is_smooth.
void series_columns(const struct series *s, bool smoothed, const double *edges, int n, struct series_column *out);

size_t series_bytes(const struct series *s);
