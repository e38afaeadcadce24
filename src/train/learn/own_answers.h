// Answers that the model gives itself to the prompts of the data before it is trained (GROUPS_OWN_ANSWERS). They are drawn
// once and kept in a file of the run's folder, keyed by hashes of the model, the data and how they were drawn; a run
// that was stopped or killed meanwhile goes on where the file ends and draws what it would have drawn.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/model.h"
#include "train/data/dataset.h"
#include "train/learn/reference.h"

struct own_answers_options {
    const char *path;      // of the file; NULL: none
    const char *model_key; // names the model's weights
    int per_prompt;
    int max_tokens; // of one answer
    int max_length; // of prompt and answer together
    uint64_t seed;
    const int32_t *stop;
    int n_stop;
    progress_fn progress; // may be NULL
    void *arg;
};
// Puts per_prompt answers behind the responses of all groups, or of those with wanted[i] (NULL: all), labelled 1.
// d->hash covers them then. `m` must be as the run starts. Before reference_fill.
int own_answers_add(struct dataset *d, const bool *wanted, struct model *m, const struct own_answers_options *o,
                    struct err *e);
