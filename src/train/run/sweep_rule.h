// When a run of a sweep is stopped early: the median stopping rule (Golovin et al. 2017, "Google Vizier", KDD, section
// 3.2.2). A run is beaten at an evaluation, of step s, when the best value that it has had is worse than the median of the
// mean values that the other runs have had up to s. The best of one against the means of others is mild: a run is kept as
// long as it was once as good as the others usually were.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sweep_point {
    int64_t step;
    double value; // of the held-out metric; NaN and infinities are the worst that there is
};
struct sweep_curve {
    struct sweep_point *points; // steps rise
    int n;
};
enum { SWEEP_LEAST_OTHERS = 2 };

// highest: more is better. grace: evaluations that every run may make, the one before its first step among them. Runs that
// have not come to step s do not count, and nothing is beaten beside fewer than SWEEP_LEAST_OTHERS that have.
// evaluation: which of the run's, from 0; what came after it does not count.
bool sweep_is_beaten(const struct sweep_curve *curves, int n_curves, int which, int evaluation, bool highest, int grace);
// The better one of two values; NaN is worse than all.
bool sweep_is_better(double a, double b, bool highest);
