// The learning rate over a run, as a factor of its highest value.
#pragma once

#include <stdint.h>

enum schedule_kind { SCHEDULE_COSINE, SCHEDULE_LINEAR, SCHEDULE_CONSTANT };

enum schedule_kind schedule_kind(const char *name); // a checked choice
// warmup: a share of all steps when below 1, else a number of steps.
int64_t schedule_warmup_steps(double warmup, int64_t total_steps);
// The factor for step 1 .. total: rises linearly to 1 at the last warm-up step, then follows the shape: cosine to
// 0.1 and linear to 0, both reached one step after the last (so that no step is wasted at a rate of zero).
double schedule_factor(enum schedule_kind kind, int64_t step, int64_t warmup_steps, int64_t total_steps);
