// Smoothing that does not depend on how densely a metric was logged: an exponential average whose memory fades with
// the distance in steps, weight^(dx / unit), and whose start is debiased. On even spacing dx == unit it is
// TensorBoard's debiased average: last = w last + (1 - w) y, shown as last / (1 - w^n).
//
// It is kept as value += (1 - decay) / share * (y - value), so that a constant stays exactly what it is.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

// How curves are smoothed, and by how much: the average above, by its weight; a mean or a Gaussian around each point
// (smooth_window.h), by its width in steps.
enum smooth_kind { SMOOTH_EMA, SMOOTH_MEAN, SMOOTH_GAUSSIAN, SMOOTH_N };
#define SMOOTH_WIDTH_MOST 100000.0
extern const char *const smooth_words[]; // "ema", "mean", "gaussian"; ends with NULL
const char *smooth_name(char *out, size_t size, enum smooth_kind kind, double amount); // "EMA 0.9", "Gaussian 20"

// "0.9", "mean 50", "gaussian:20"; "0" is none of any kind. Left alone when it fails.
int smooth_read(const char *text, enum smooth_kind *kind, double *amount, struct err *e);

struct smoother {
    double weight, unit; // 0 <= weight < 1; unit > 0, in steps
    double value;        // the average so far; NaN before the first finite y
    double remain;       // weight left on what was before the first point: w^n on even spacing
    double x;            // of the last point, finite or not
    bool started;
    double last_dx, last_decay; // pow() is only needed when the spacing changes
};

void smoother_init(struct smoother *s, double weight, double unit);
// Continues a walk: the state right after the point at x.
void smoother_restart(struct smoother *s, double value, double remain, double x);
// Returns the average after (x, y). A non-finite y leaves it as it is and does not fade it.
double smoother_add(struct smoother *s, double x, double y);
// How far the next points are from one another: what stays of an average over that distance.
void smoother_set_distance(struct smoother *s, double dx);
