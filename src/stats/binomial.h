// Counts of yes and no: the exact test, and intervals of their share.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct interval {
    double low, high;
};

// Two-sided p-value of k yes among n under a share p: the probability of all counts that are at most as probable as k (as
// R's binom.test and SciPy's binomtest have it, with their allowance of 1e-7 for equal ones). 1 for n = 0.
double binomial_test(int64_t k, int64_t n, double p);
// Wilson 1927, without continuity correction. k and n may be real (halves, effective sizes). n <= 0: [0, 1].
// level: 0.95.
struct interval binomial_wilson(double k, double n, double level);
// Wilson's interval with a critical value other than the normal's, such as Student's of few clusters.
struct interval binomial_wilson_z(double k, double n, double z);
// Clopper & Pearson 1934: covers at least as often as `level` says, for any share.
struct interval binomial_clopper_pearson(int64_t k, int64_t n, double level);
