// The loop of every run: what people ask is obeyed, then its work goes on a little, until it is done. Training makes a step
// (run.c); an experiment of several runs looks at them (experiment.c).
#pragma once

#include "train/run/run.h"

// `with` is the caller's.
struct run_work {
    // A step, or a look; sleeps a little when there is nothing to do. r->paused and r->asked_to_stop are to be heeded.
    int (*advance)(struct run *r, void *with, bool *done, struct err *e);
    void (*changed)(struct run *r, void *with, const char *key, const char *value); // r->settings has it
    void (*told)(struct run *r, void *with, enum control_kind kind);                // paused, going on, to be stopped
    int (*checkpoint)(struct run *r, void *with, struct err *e);
    bool with_runs; // what is asked is passed on to the runs that it is made of: said so in its events
};
// Once r->asked_to_stop is set nothing more is obeyed.
int run_loop(struct run *r, const struct run_work *work, void *with, struct err *e);
