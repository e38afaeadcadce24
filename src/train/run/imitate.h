// The texts that a run imitates beside what its objective learns from answers (objective.imitates).
#pragma once

#include "train/run/run.h"

extern const struct param imitate_params[];
// ERR_USAGE without ptx-data.
int run_check_texts(const struct settings *s, struct err *e);
int run_load_texts(struct run *r, struct err *e); // the corpus
// Its tokens, once the text rules are open; changes in them are changes of the run's data.
int run_build_texts(struct run *r, struct err *e);
int run_add_texts(struct run *r, struct err *e);  // to the trainer
