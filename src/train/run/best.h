// The best so far by a held-out metric (keep-best), and when to stop for lack of a better one (patience).
//
//   best_rules.c   what may be asked for: names, directions, and what a run cannot have
//   best.c         what the evaluations have said so far
//
// What is known goes into each checkpoint after that step's evaluation, so that a run that is continued decides as the run
// left alone; checkpoints/best.json (store/run_best.h) follows from it.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/notes.h"
#include "base/param.h"
#include "base/str.h"
#include "store/run_best.h"
#include "train/objective/metrics.h"

struct best {
    bool on;
    int64_t patience; // evaluations; 0: without end
    double min_delta;
    // part of checkpoints
    struct run_best now; // metric and direction always; step and value once known
    bool known;
    bool seen;      // an evaluation had the metric
    int64_t waited; // evaluations since the best
};

// From the settings keep-best, patience and min-delta. ERR_USAGE for what the run could not have. notes (may be NULL): what
// speaks against the choice.
int best_open(struct best *b, const struct objective *o, const struct settings *s, struct notes *notes, struct err *e);
// What was measured after `step`. ERR_USAGE where the metric is not among it and never was. A list without it is no
// evaluation: probes have their own steps. A value that is no number is an evaluation without improvement.
int best_look(struct best *b, const struct metric_list *list, int64_t step, bool *improved, struct err *e);
bool best_is_over(const struct best *b); // patience is used up
void best_describe(const struct best *b, struct str *out); // "eval/loss was best at step 20 (0.693)"

// Into and out of a checkpoint's state.
json_t *best_to_json(const struct best *b);
int best_from_json(struct best *b, const json_t *saved, const char *where, struct err *e); // ERR_INPUT when it is damaged
// best.json is brought to what is known.
int best_publish(const struct best *b, const char *run_dir, struct err *e);
