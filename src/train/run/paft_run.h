// A run of the objective paft: two runs of one base (run_parts.h) are trained, by imitation with l1 and by
// preferences, and what they have changed is merged into this run's only checkpoint, which is evaluated as any other
// model.
//
// An experiment (experiment.h); merging and evaluating repeat with the same bits.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "train/run/run.h"

// In place of loading and training. Afterwards r holds the merged model, evaluated, at the step of its parts' end,
// unless *stopped; the caller saves and probes it.
int paft_run(struct run *r, bool *stopped, struct err *e);
