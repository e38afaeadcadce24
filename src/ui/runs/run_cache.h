// What charts need of the runs that are shown: their metrics as series, their checkpoints and the changes made while
// they ran. Filled from run.db in small pieces, so that keys are served in between; charts draw what is there so far.
// Only the console's one thread uses it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/runs/run_list.h"
#include "ui/series/series.h"
#include "ui/series/x_map.h"

struct metric {
    char *key;
    struct series series;
    int64_t cursor;   // of run_reader_points
    int64_t version;  // everything written up to this version of run.db is in the series
    uint64_t wanted;  // the poll that asked for it last
    bool is_measured; // not in run.db: of evaluations
};

struct run_change {   // something that charts mark
    int64_t step;
    bool is_trouble;  // else a setting that was changed
    char *text;
};

struct run_data {
    int64_t id;
    uint64_t wanted;
    struct metric **metrics; // every metric that the run has; those that nobody asked for are empty
    int n_metrics, cap_metrics;
    int64_t keys_version;
    struct x_map time, wall, tokens, epochs; // wall from the hours of events; the last from the settings (curves.c)
    struct run_change *changes;
    int n_changes, cap_changes;
    int64_t last_event;
    double *checkpoints;     // steps, ascending
    int n_checkpoints;
    uint64_t evals;          // which evaluations are among the metrics (curves_take_evals)
    char trouble[200];       // why something could not be read; "" when all is well
};

struct run_cache {
    struct run_data **runs;
    int n, cap;
    uint64_t poll;
    int n_pieces, first; // read in this poll; the run it began with
    size_t max_bytes; // series that were not asked for are given up above this
};

void run_cache_init(struct run_cache *c);
void run_cache_fini(struct run_cache *c);

struct run_data *run_cache_find(const struct run_cache *c, const struct run_row *row); // NULL: not polled yet
struct metric *run_data_metric(const struct run_data *d, const char *key);             // NULL: the run has none

bool run_data_is_read(const struct run_data *d, const char *key); // to its end, once at least; or there is no such metric

// A metric that is not read from run.db: empty, made when it is not there.
struct metric *run_data_measured(struct run_data *d, const char *key);

// Which metrics to read: called for every metric of every run.
typedef bool (*metric_wish)(const void *what, const char *key);
// Reads what is new of `rows` and stops at until_s (clock_seconds) at the latest; true when everything has been read.
// *changed: whether something was added. At least one piece is read whatever the time is.
bool run_cache_poll(struct run_cache *c, struct run_row *const *rows, int n, metric_wish wish, const void *what,
                    double until_s, bool *changed);
size_t run_cache_bytes(const struct run_cache *c);
