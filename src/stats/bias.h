// What judgements should not depend on: the side, the length, haste; and whether sides were given out fairly.
#pragma once

#include "stats/binomial.h"

struct bias {
    int n;         // judgements that could show it
    int k;         // those that went that way
    double share;  // k / n, NaN for none
    struct interval interval; // Clopper-Pearson
    double p;      // exact binomial against 1/2; 1 for none
};
struct bias_judgement {
    double share;      // for A: 1, 0.5 or 0, or between them
    double length_gap; // of A minus B
    double seconds;    // NaN: unknown
    bool is_b_first;   // B was shown first
};
// k: the answer shown first was preferred. Ties do not count.
struct bias bias_of_side(const struct bias_judgement *j, int n, double level);
// k: the longer answer was preferred. Ties and equal lengths do not count.
struct bias bias_of_length(const struct bias_judgement *j, int n, double level);
// k: judgements of less than `least` seconds among those of known time; p is 1, there is nothing that it should be.
struct bias bias_of_speed(const struct bias_judgement *j, int n, double least, double level);
// Pearson's correlation; NaN where x or y does not vary. With two 0/1 columns this is phi: a model's answer stood first, and
// the answer is that model's, of 0 where sides were balanced.
double correlation(const double *x, const double *y, int n);
