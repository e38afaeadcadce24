// Whether a run can be, told before there is one: what a run that failed while loading would have said, without
// computing anything. Weights are not read, only their headers; of large data files the first rows.
#pragma once

#include "base/err.h"
#include "base/notes.h"
#include "base/param.h"
#include "train/objective/objective.h"
#include "train/run/memory_plan.h"

// What is known of a model that is not there yet, or whose weights are not.
struct preflight_about {
    bool trained;    // a config.json stands for a trained model
    bool adapter;    // the model will be an adapter over the one that is looked at, of this rank on these layers
    int adapter_rank;
    const char *adapter_targets;
    bool any_memory; // more than there is is no error
    bool (*is_made_later)(const void *with, const char *folder); // of a model that scores answers; NULL: all are there
    const void *with;
};
// What was seen of the data.
struct preflight_seen {
    double params;
    int64_t n_examples; // usable rows of the data; 0: none were read
    bool is_part;       // there are more
    char device[160];   // which would compute
    struct err no_gpu;  // code: why auto would take no GPU
    double groups, tokens; // for each row: what is learnt from at once, and tokens
};

// settings: all of the run's. The first thing that is wrong is the error, phrased as the run's own would be.
// plan: what it would take of memory, as far as that is known. notes (may be NULL): what stops nothing, but should be known.
int preflight(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
              struct err *e);
// The plan and what settings alone say, of a model without data.
int preflight_memory(const struct objective *o, const struct settings *s, struct memory_plan *plan, struct notes *notes,
                     struct err *e);
// Both of them with more to say; seen may be NULL.
int preflight_as(const struct objective *o, const struct settings *s, const struct preflight_about *about,
                 struct memory_plan *plan, struct preflight_seen *seen, struct notes *notes, struct err *e);
int preflight_memory_as(const struct objective *o, const struct settings *s, const struct preflight_about *about,
                        struct memory_plan *plan, struct preflight_seen *seen, struct notes *notes, struct err *e);
