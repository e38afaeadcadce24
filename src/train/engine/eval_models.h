// The models of an evaluation: the one that is measured, the reference that it is compared with, and up to two judges, all
// on one backend and with one vocabulary.
#pragma once

#include "train/engine/session.h"

struct eval_run { // what a checkpoint says of its run; all NULL: the folder is no checkpoint
    json_t *root; // state.json
    const json_t *settings;
    const char *objective;
};
int eval_run_read(struct eval_run *r, const char *model, struct err *e);
void eval_run_fini(struct eval_run *r);
const char *eval_run_text(const struct eval_run *r, const char *name); // a setting of it; "" without
double eval_run_number(const struct eval_run *r, const char *name, double fallback);

enum { EVAL_REFERENCE, EVAL_REWARD, EVAL_GOLD, EVAL_N_OTHERS };
struct eval_models {
    struct session session; // of the model that is measured
    struct eval_run run;
    struct eval_other {
        char *path; // NULL: none
        struct model *model;
        char key[80];
    } others[EVAL_N_OTHERS];
};
// By the options model, reference, reward-model and gold-model; what they leave open is as the run has it; "none" is none.
int eval_models_open(struct eval_models *m, const struct settings *s, struct err *e);
void eval_models_close(struct eval_models *m); // zeroed is fine
