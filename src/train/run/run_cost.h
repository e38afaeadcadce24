// What a run will take of steps and, roughly, of time, from its settings and what was seen of its data before there is one.
#pragma once

#include "train/run/preflight.h"

// 0: unknown, because only a part of the data was looked at.
int64_t cost_steps(const struct objective *o, const struct settings *v, const struct preflight_seen *seen);
// Tokens of one step's batch. *at_most: they are not known, and the longest are taken.
double cost_tokens(const struct objective *o, const struct settings *v, const struct preflight_seen *seen, bool *at_most);
// By the operations of the large products, at half the speed that a lone product of matrices reaches.
double cost_seconds(const struct objective *o, const struct settings *v, const struct preflight_seen *seen, int64_t steps,
                    double gflops, bool *at_most);
double cost_machine_gflops(void); // measured now, in some tenths of a second
