// A run in stages (sdpo): the training data is cut into chunks, one a stage, and each stage's reference is the model as
// the stage began: the first one's the model that the run started from, the others' what the stage before has made of
// it.
//
// A stage's reference log-probabilities (of its chunk and of the held-out rows) are computed before its first step and
// kept in the run's folder, because the weights they come from are gone afterwards: a run that is continued in the
// middle of a stage reads them there. At a stage's very beginning they are always computed anew, from the weights of
// that moment.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "train/data/dataset.h"

enum { STAGES_MAX = 64 };
struct stages {
    int n;                          // 0: a run without stages
    int *groups;                    // (n_groups) the training groups, chunk after chunk
    int first[STAGES_MAX + 1];      // chunk t: groups[first[t]] .. groups[first[t + 1] - 1]
    int64_t begins[STAGES_MAX + 1]; // stage t makes the steps begins[t] + 1 .. begins[t + 1]
    int now;                        // the stage whose references are in force; -1: none yet
    double tail_cut;                // of the references (struct reading)
};

// Chunks of equal size in the order of the data or, when easy_first, by the margin d->refs of pairs (the initial
// model's log-probability of the chosen response less that of the rejected one), largest first. Steps are shared in
// proportion. ERR_USAGE when there are fewer groups or steps than stages.
int stages_init(struct stages *s, const struct dataset *d, int n, bool easy_first, int64_t total_steps, struct err *e);
void stages_fini(struct stages *s);
int stages_at(const struct stages *s, int64_t step); // the stage of the step after `step`; the last one at the end
// Which groups the stage's steps will see, (n_groups of the data) on the heap.
bool *stages_wanted(const struct stages *s, int stage, int n_groups, int batch_size, uint64_t seed);

// ---- of a run ----
struct run;
bool run_is_staged(const struct run *r);
// In place of the references of a run without stages: chunks, and the first stage's references.
int run_load_stages(struct run *r, double tail_cut, struct err *e);
// After a checkpoint was restored: the references of the stage it lies in. ERR_STATE when they are not there any more.
int run_resume_stage(struct run *r, struct err *e);
// Before each step: when it is a stage's first, that stage's references. ERR_INTERRUPTED when somebody asks to stop
// meanwhile: no step was made, and the next call begins again.
int run_enter_stage(struct run *r, struct err *e);
