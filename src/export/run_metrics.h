// The metrics of one run in memory, to be walked metric by metric or step by step. 16 bytes a point.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/run_db.h"

struct run_metrics {
    struct run_metric {
        char *key;
        struct metric_point *points; // steps ascending: what a resumed run forgot is not there
        int n, at;                   // at: of the walk by steps
    } *of;
    int n;
};
// keys: those that are wanted, n_keys 0: all. One that the run has not is left out.
int run_metrics_load(struct run_metrics *m, struct run_reader *r, const char *const *keys, int n_keys, struct err *e);
void run_metrics_fini(struct run_metrics *m);
// The next step of the walk that some metric has a point of; false at the end. run_metrics_value: the point there, if any.
bool run_metrics_next(struct run_metrics *m, int64_t *step);
bool run_metrics_value(const struct run_metrics *m, int i, int64_t step, double *value);
// Seconds of training after a step, by the metric step_s; 0 where that is not recorded. Steps must not go back.
struct run_clock {
    const struct run_metric *step_s;
    int at;
    int64_t step;
    double seconds, last;
};
struct run_clock run_metrics_clock(const struct run_metrics *m);
double run_clock_at(struct run_clock *c, int64_t step);
