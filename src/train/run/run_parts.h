// The runs that an experiment is made of: rows of the store like others, each trained by an engine process of its own.
// The experiment's engine starts them, watches what they say in their run.db, and passes on what people ask of it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "store/run_db.h"
#include "train/run/run.h"

struct part {
    char *name, *dir;
    const char *objective;     // borrowed
    bool exists;               // in the store
    bool recorded;             // the event that it is done
    pid_t pid;                 // the process that we started; 0: none, or it has ended
    bool was_started;          // in this life of the experiment
    bool works;                // when it was looked at last
    bool left_out;             // the experiment goes on without it
    struct run_reader *reader; // NULL until it has said something
    struct run_status status;
};

// NAME.suffix: looks whether an earlier life of the experiment has added it. ERR_STATE when another run has its name.
int part_find(struct part *p, const struct run *r, const char *suffix, const char *objective, struct err *e);
// All of its settings, the model and the data among them. Not when it exists.
int part_add(struct part *p, const struct run *r, const json_t *settings, struct err *e);
void part_close(struct part *p); // the process goes on; zeroed is fine

// Starts its engine (or lets it go on from its newest checkpoint).
int part_start(struct part *p, const struct run *r, struct err *e);
// Reads its status. 1: it works or begins to, 0: it does not (p->status says why).
int part_look(struct part *p, struct err *e);
void part_ask_to_stop(struct part *p, struct run *r);
// Makes its best or last checkpoint the experiment's own, as a link of the name step-N with N r->status.step: attune sample,
// export and others find it there.
int part_link_result(const struct part *p, struct run *r, struct err *e);
// Why it does not work any more, for the person: "run x.sft failed: ..."
int part_fault(const struct part *p, struct err *e);
// The folder of its best checkpoint, where it keeps one (keep-best), else of its last; heap. ERR_STATE when there is none.
int part_checkpoint(const struct part *p, char **dir, struct err *e);
