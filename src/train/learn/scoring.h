// What a model says of the responses of a dataset, group by group in their order, without learning.
#pragma once

#include "base/err.h"
#include "model/model.h"
#include "train/data/dataset.h"
#include "train/objective/objective.h"

struct scored {
    const struct ds_group *group;
    const struct seq *seqs; // of the group
    // Of every token of its responses, one after the other: the log-probability, or the reward of a token-level reward
    // model; NULL of one that scores whole responses.
    const float *tokens;
};
// needs: NETWORK_SCORE and NETWORK_TOKEN_SCORE, or 0 for log-probabilities. take returns 0 or an error that ends it.
int scoring_run(struct model *m, const struct dataset *d, struct needs needs, int max_batch_tokens,
                int (*take)(void *arg, const struct scored *s, struct err *e), void *arg, struct err *e);
