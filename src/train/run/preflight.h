// Whether a run can be, told before there is one: what a run that failed while loading would have said, without
// computing anything. Weights are not read, only their headers; of large data files the first rows.
#pragma once

#include "base/err.h"
#include "base/notes.h"
#include "base/param.h"
#include "train/objective/objective.h"
#include "train/run/memory_plan.h"

// settings: all of the run's. The first thing that is wrong is the error, phrased as the run's own would be.
// plan: what it would take of memory, as far as that is known. notes (may be NULL): what stops nothing, but should be known.
int preflight(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
              struct err *e);
// The plan and what settings alone say, of a model without data.
int preflight_memory(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
                     struct err *e);
