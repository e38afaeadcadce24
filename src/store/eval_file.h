// eval.json in a checkpoint's folder: what was measured of the model that stands there.
//
//     {"format": 1, "evaluations": [{
//         "at": 1795000000000,                       when, milliseconds since 1970
//         "how": {"prompts": SHA-256 of their tokens, "rows": 128, "samples": 2, "max_tokens": 128, "temperature": 1.0,
//                 "top_p": 1.0, "seed": 1, "beta": 0.1, "precision": "f32", "reference": KEY, "reward_model": KEY,
//                 "gold_model": KEY, "styles": false},      keys name the weights of models; null: none
//         "of": {"data": PATH, "held_out": true, "reference": PATH, "reward_model": PATH, "gold_model": PATH},
//         "measures": {"reward": {"value": 0.31, "low": 0.22, "high": 0.4}, ...}}]}
//
// There is one evaluation for each "how"; measured again the same way, it takes the place of the one before. What measures
// mean stands in train/run/eval_measures.h, what they are called in eval_names.h; one without an interval has no low and
// high.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define EVAL_FILE "eval.json"

// *list: the evaluations, an array of objects, each with "how" and "measures"; empty when there is no file.
int eval_file_read(const char *checkpoint, json_t **list, struct err *e);
// Puts one in (borrowed); "at" is set.
int eval_file_put(const char *checkpoint, json_t *evaluation, struct err *e);
// Appends those of all checkpoints in a run's folder to `rows`, by steps, each with "run" and "step" before the rest. A file
// that cannot be read hides no other: the first fault is what is returned.
int eval_file_list(const char *run_dir, const char *run, json_t *rows, struct err *e);
// Another number when another list would come; files are looked at and not read.
uint64_t eval_file_stamp(const char *run_dir);
