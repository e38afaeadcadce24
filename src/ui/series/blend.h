// A curve made of several others, kept up as they grow: the mean of runs with a band around it, or one run minus another.
// Curves meet at steps, not at points: where one has no point of its own, it is read on the straight line between its
// neighbours, and never beyond its ends. Only the console's one thread uses it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/series/series.h"

enum { BLEND_SOURCES = 16 };
// What is drawn around a mean: from the least to the most, one standard deviation to both sides (of the sample, n - 1), the
// 95 % interval of the mean by Student's t, or one standard error. BAND_QUARTILES: the median instead, from the first
// quartile to the third (Hyndman and Fan's type 7, as numpy and R have it).
enum band { BAND_NONE, BAND_RANGE, BAND_SD, BAND_INTERVAL, BAND_SE, BAND_QUARTILES, BAND_N };
const char *band_name(enum band band); // "mean", "min-max", "sd", "95 %", "se", "quartiles"
// As it is typed: "mean", "range", "sd", "interval", "se", "quartiles". They end with NULL.
extern const char *const band_words[];

struct blend_source {
    const struct series *series;
    bool grows; // points may still come: nothing is said of steps that it has not reached
};

struct blend {
    struct series value, low, high; // low and high are empty without a band
    enum band band;
    bool is_difference; // of two sources: the first minus the second, at the first one's steps
    int n;
    struct blend_cursor {
        const struct series *series;
        uint32_t used;    // points taken
        uint32_t rewinds; // of the series then
    } at[BLEND_SOURCES];
};

void blend_init(struct blend *b, bool is_difference, enum band band);
void blend_fini(struct blend *b);
// Takes in what is new, at most `budget` steps; true when nothing is left. Begins again when a source went back to an
// earlier step or the sources are others than before. Sources without points are left out.
bool blend_update(struct blend *b, const struct blend_source *sources, int n, uint32_t budget);
// A curve's value at a step, on the line between its points: NaN beyond its ends and beside a value that is not finite.
double blend_value(const struct series *s, double step);
// A quantile, of type 7, of n values that ascend; n > 0, 0 <= part <= 1.
double blend_quantile(const double *sorted, int n, double part);
// Two-sided 95 % quantile of Student's t; df from 1 to BLEND_SOURCES - 1.
double blend_t95(int df);
