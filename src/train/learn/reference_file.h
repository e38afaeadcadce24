// The file that keeps reference log-probabilities: one in the folder of each run, so that a run is whole in itself. A
// new run looks into the files of its project's other runs first.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { REFERENCE_KEY = 65 };

// What the numbers in a file are.
struct reference_key {
    char what[REFERENCE_KEY]; // hash of the model, the tokens and the weights of tokens
    char how[REFERENCE_KEY];  // hash of what rounds them: with the same, the bits are the same
};

// Reads refs(n), NaN where not computed yet. False, with refs untouched: there is no such file, or it holds something
// else, which is only a reason to compute again. how: whether that must agree as well.
bool reference_file_read(const char *path, const struct reference_key *key, bool how, double *refs, size_t n);
// All or nothing.
int reference_file_write(const char *path, const struct reference_key *key, const double *refs, size_t n, struct err *e);

// Looks beside the folder of `path` (RUNS/NAME/FILE) for RUNS/OTHER/FILE with the same key that holds just the numbers
// with wanted[i]. Just those: what is computed together may depend on it in the last bit where a library makes the
// products, and a run's numbers never depend on which other runs there are. *from: the other run's name, on the heap.
bool reference_file_borrow(const char *path, const struct reference_key *key, const bool *wanted, double *refs, size_t n,
                           char **from);
