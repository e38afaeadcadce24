// How far people (or one person twice) say the same of the same things.
//
// Ratings are a matrix (n_units, n_raters), row-major; NaN: this rater has not rated this unit. Verdicts are numbers such as
// -3 .. 3; weights of ordinal and interval kinds go by them. NaN is returned where a coefficient is undefined (nobody
// overlaps; everybody always says the same, so that nothing is expected by chance).
#pragma once

#include <stdbool.h>

enum agreement_weight { // of two values
    AGREE_NOMINAL,  // the same or not
    AGREE_LINEAR,   // 1 - |x - y| / range
    AGREE_QUADRATIC // 1 - (x - y)^2 / range^2
};
struct agreement_two {
    int n;           // units that both have rated
    double percent;  // share of them with the same value
    double kappa;    // Cohen 1960, 1968 with weights; range is that of all values that either of the two gave
};
// Columns `a` and `b`.
struct agreement_two agreement_of_two(const double *ratings, int n_units, int n_raters, int a, int b,
                                      enum agreement_weight weight);

// The mean over units of the share of pairs of raters that agree; units that one alone has rated say nothing.
double agreement_percent(const double *ratings, int n_units, int n_raters);

// Gwet's AC2 (Gwet 2014, Handbook of Inter-Rater Reliability, 4th ed., ch. 4); with AGREE_NOMINAL this is AC1. `values`:
// the n_values values of the scale in rising order, used or not.
double agreement_gwet(const double *ratings, int n_units, int n_raters, const double *values, int n_values,
                      enum agreement_weight weight);

// Krippendorff's alpha ("Computing Krippendorff's Alpha-Reliability", 2011) with missing values.
enum alpha_level { ALPHA_NOMINAL, ALPHA_ORDINAL, ALPHA_INTERVAL };
double agreement_alpha(const double *ratings, int n_units, int n_raters, enum alpha_level level);
