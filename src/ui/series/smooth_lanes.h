// Averages of many curves side by side: an average waits for the one before, so that a processor does several curves in
// the time of one. The bits are those of smoother_add, whatever the instructions.
#pragma once

#include "ui/series/smooth.h"

enum {
    SMOOTH_LANES = 16,     // curves at once
    SMOOTH_LEAF = 32,      // points a leaf
    SMOOTH_LEAVES = 32,    // leaves at once, at most
};

// What is known of each leaf of each curve: its average and what remains before it, the least and the largest average in it.
struct smooth_leaves {
    double value[SMOOTH_LEAVES][SMOOTH_LANES], remain[SMOOTH_LEAVES][SMOOTH_LANES];
    float low[SMOOTH_LEAVES][SMOOTH_LANES], high[SMOOTH_LEAVES][SMOOTH_LANES];
};

// Takes in n_leaves of points of n_curves. Each goes on at its last_dx from an average that is not NaN, with points y that
// are finite; `x` is left to the caller.
void smoother_run(struct smoother *const *s, const float *const *y, int n_curves, int n_leaves, struct smooth_leaves *out);

// The same for one leaf of each, and every average in it: out[i][k] is that after point i of curve k.
void smoother_walk(struct smoother *const *s, const float *const *y, int n_curves, float out[SMOOTH_LEAF][SMOOTH_LANES]);

// One pair for each level of instructions; lanes from n_curves on do what the first one does.
struct smooth_lanes {
    const float *y[SMOOTH_LANES];
    double value[SMOOTH_LANES], remain[SMOOTH_LANES], decay[SMOOTH_LANES];
    int n_curves;
};
struct smooth_kernels {
    void (*run)(struct smooth_lanes *l, int n_leaves, struct smooth_leaves *out);
    void (*walk)(struct smooth_lanes *l, float out[SMOOTH_LEAF][SMOOTH_LANES]);
};
extern const struct smooth_kernels smooth_kernels_plain; // of any machine; SSE2 where there is that
#ifdef ATTUNE_X86_LEVELS
extern const struct smooth_kernels smooth_kernels_avx2;
#endif
