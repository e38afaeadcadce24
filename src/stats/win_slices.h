// Win rates of parts of the votes: by a number of the prompt (its length), or by what somebody calls it.
#pragma once

#include "stats/win_rate.h"

struct win_slice {
    double from, to; // of the number, both within; of names: the name's number
    struct win_rate rate;
};

// Slices with about equally many prompts each, the smallest numbers first; of: (n), the number of each vote's prompt. Equal
// numbers are in one slice, so there may be fewer than n_slices, which is at most WIN_SLICES_MOST. Returns how many.
enum { WIN_SLICES_MOST = 20 };
int win_slices_by_quantile(const struct win_vote *votes, const double *of, int n, int n_slices, double level,
                           struct win_slice *out);
// One slice a name, 0 .. n_names-1; votes with the name -1 are in none.
void win_slices_by_name(const struct win_vote *votes, const int *names, int n, int n_names, double level,
                        struct win_slice *out);
