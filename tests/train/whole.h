// Whole runs of the program attune-engine in a little world: started, killed, resumed and compared. What tests of runs
// share.
#pragma once

#include "fixture.h"

#include <sys/types.h>

#include "base/rng.h"
#include "store/run_db.h"
#include "store/store.h"

extern struct world world;
extern char *project, *engine;

void wait_ms(int ms);
// A run of the objective on the world's pairs: 60 steps, a checkpoint every 9. extra: "lr=0.01 beta=0.2"; may be NULL.
void add_run(const char *name, const char *objective, const char *extra);
// In this process: a run that stands before its first step. With unload_run.
void load_run(struct run *r, const char *objective, const char *settings);
void unload_run(struct run *r);
char *run_dir(const char *name);
// fault: the n-th write fails as on a full disk; 0: none.
pid_t start(const char *name, int fault);
// The exit status, or minus the signal.
int finish(pid_t pid);
void run_to_end(const char *name);
char *bytes_of(const char *name, const char *file, size_t *n);
void assert_same_file(const char *a, const char *b, const char *file);
// All points of all metrics but times, in one text.
char *metrics_of(const char *name);
// A metric of the run at that step; NaN where it has none.
double metric_at(const char *name, const char *key, int64_t step);
// Same weights, same state for resuming, same metrics.
void assert_same_run(const char *a, const char *b, const char *weights);
// Of the checkpoints in a run's folder; -1: none.
int64_t newest_step(const char *dir);
// Events of that kind, with `part` in their text (NULL: any).
int count_events(const char *name, const char *kind, const char *part);
// Kills the run again and again, each time a random moment after it has got further; returns how often.
int harass(const char *name, struct rng *rng, int at_most);
// Of the last event of that kind, -1 where there is none; its text when not NULL.
int64_t step_of_event(const char *name, const char *kind, char *text, size_t size);
void post(const char *name, enum control_kind kind, const char *key, const char *value);
int make_world(void **state);
int remove_world(void **state);
