// A run of a sweep: an experiment (experiment.h) whose parts are one training with several values of some settings. All of
// them are runs of the store from the beginning, queued until one of the places is free. Its settings in the store hold the
// plan:
// {"objective", "parts": [{"name", "settings": {...}}, ...], "at-most", "by", "stop-early", "grace"}.
//
// With "by", a held-out metric, the run that was best by it is the sweep's result, and with "stop-early" runs are stopped
// that sweep_rule.h calls beaten. One that fails, that a person stops or takes out of the queue is left out; the sweep goes
// on.
// Its folder's sweep.json says how each part ended that was not done.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "train/run/run.h"

#define SWEEP_KIND "sweep" // in the place of an objective's name
int sweep_open_settings(struct run *r, const json_t *settings, struct err *e);
int sweep_run(struct run *r, bool *stopped, struct err *e);
