// What a project recorded, for other programs: tables of metrics, samples, events and evaluations, and TensorBoard's files.
// Everything is read anew from the disk, so a thread of its own may call these with a store of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "export/table_file.h"
#include "store/store.h"

enum export_what { EXPORT_METRICS, EXPORT_SAMPLES, EXPORT_EVENTS, EXPORT_EVALUATIONS, EXPORT_N };
extern const char *const export_names[EXPORT_N + 1]; // "metrics", ...; ends with NULL

struct export_wish {
    struct store *store;
    const char *const *runs; // names; n_runs 0: all that are not hidden
    int n_runs;
    const char *const *keys; // metrics; n_keys 0: all
    int n_keys;
    bool wide;               // metrics: one row a step and a column each, instead of one row a point
};

// A table to path ("-": standard output). *n_rows: that were written; 0 is no error.
int export_table(const struct export_wish *w, enum export_what what, enum table_form form, const char *path, int64_t *n_rows,
                 struct err *e);
// One folder a run below `dir`, each with one event file, which is replaced when it is there already. Samples become texts,
// settings hyperparameters. Times are the run's start and what its steps took. *n_runs: that had anything to write.
int export_tensorboard(const struct export_wish *w, const char *dir, int *n_runs, struct err *e);

// For both: calls `one` for each wanted run that an engine has taken up, until one fails.
struct run_reader;
typedef int (*export_run)(void *arg, const struct run_info *info, const char *dir, struct run_reader *r, struct err *e);
int export_each(const struct export_wish *w, export_run one, void *arg, struct err *e);
