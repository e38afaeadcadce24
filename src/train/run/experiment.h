// An experiment of several runs: its engine trains nothing. It starts its parts (run_parts.h), together or one after the
// other, watches them, and passes on what people ask of it. paft_run.c, recipe_run.c and sweep_run.c are the kinds.
//
// Nothing of it stands in the engine's memory: killed and resumed it looks at what its parts have come to, and goes on from
// there.
#pragma once

#include "train/run/run.h"
#include "train/run/run_parts.h"

struct experiment;

struct experiment_ops {
    // Before a part is started: puts it into the store unless it is there.
    int (*prepare)(struct experiment *x, int part, struct err *e);
    // After it was done, in every life of the experiment that sees it done.
    int (*done)(struct experiment *x, int part, struct err *e);
    // A part has come to rest before it was done, and nobody has asked the experiment to stop: true where that goes on
    // without it. NULL: it never does.
    bool (*rested)(struct experiment *x, int part);
    // At every look, before anything is started: may mark parts as left out or ask them to stop. NULL: nothing.
    int (*watch)(struct experiment *x, struct err *e);
    void (*report)(struct experiment *x); // the state of all into r->status and its phase
};

struct experiment {
    struct run *r;
    const struct experiment_ops *ops;
    void *with; // of the ops
    struct part *parts;
    int n;
    int at_most;  // of them work at once, from the first on; 1: one after the other
    bool stopped; // a part has come to rest before it was done
    int failure;  // of a part; the others are stopped then
    struct err fault;
};

// Trains all parts, which were found (part_find). Afterwards they are done, or x->stopped, or the experiment has failed;
// then none works any more.
int experiment_train(struct experiment *x, struct err *e);
