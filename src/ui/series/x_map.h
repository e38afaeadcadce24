// From steps to another horizontal axis: seconds of training or tokens seen. Both grow with the steps, so curves stay
// kept by step and only the edges of a plot's columns are translated. The sums come from the metrics step_s and
// tokens_per_s, with the last value standing in for steps that were not recorded.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/series/series.h"

enum x_kind { X_STEP, X_TIME, X_WALL, X_TOKENS, X_EPOCHS, X_METRIC, X_N };
const char *x_kind_name(enum x_kind kind);
bool x_kind_is_time(enum x_kind kind);

struct x_map {
    double *steps, *values; // (n) ascending; values[i] is the sum after steps[i]
    uint32_t n, cap;
    uint32_t used;          // points of step_s that are in the sums
    double last_rate;
    double origin;          // added to all values: what had passed when the run began, of a fork
    bool ends_now;          // the last one is a mark that is_now
};

// What happened at a step and at that hour (seconds of whatever beginning): points have none of their own, and between two
// hours the steps count as evenly spread; where the run stood still it is a jump. A step before those that are there: the
// run was continued from it. is_now: as far as it is known now, which the next mark replaces.
void x_map_mark(struct x_map *m, double step, double hour_s, bool is_now);
// A straight line instead: from 0 to `steps`, from low to high.
void x_map_line(struct x_map *m, double steps, double low, double high);
void x_map_fini(struct x_map *m);
// Takes in what is new. tokens_per_s NULL: the map to seconds, else to tokens. Starts again when points were forgotten.
void x_map_update(struct x_map *m, const struct series *step_s, const struct series *tokens_per_s);
// NULL or an empty map: the step itself. Beyond the last point the last slope goes on.
double x_map_value(const struct x_map *m, double step);
double x_map_step(const struct x_map *m, double value);
