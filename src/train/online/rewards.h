// What answers earn: a list of named rewards, each with a weight; 0: it is only watched.
#pragma once

#include "base/err.h"
#include "base/param.h"
#include "model/backend.h"
#include "train/online/rollouts.h"

struct rewards;

extern const struct param reward_params[];

struct rewards_options {
    const struct settings *settings; // with reward_params
    const struct backend_ops *ops;
    struct backend *backend;
    int max_batch_tokens;
};
int rewards_open(struct rewards **out, const struct rewards_options *o, struct err *e);
void rewards_free(struct rewards *r); // NULL is fine
// Into b->scores what each answer earns in all, and each reward's mean to facts.
int rewards_score(struct rewards *r, struct rollout_batch *b, struct metric_list *facts, struct err *e);
