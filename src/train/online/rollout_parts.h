// The parts of rollouts.h among each other.
#pragma once

#include "train/data/order.h"
#include "train/online/rollouts.h"

struct rollouts {
    struct group_source source; // first
    struct rollout_options o;
    struct data_order order;
    struct trainer *trainer;
    struct dataset sizes;       // what the largest and the smallest group will be like
    int64_t position;           // of the next prompt
    struct rollout_batch batch; // as it is learnt from
    int *groups;                // (batch_size) of it
    struct metric_list facts;
};

struct rollouts *rollouts_of(struct group_source *s);
// Answers to n prompts from position on.
int rollout_sample(struct rollouts *r, int64_t position, int n, struct rollout_batch *out, struct err *e);
// Fills the columns of log-probabilities and values, and the entropy.
int rollout_measure(struct rollouts *r, struct rollout_batch *b, struct err *e);
// Fills those of rewards, advantages and returns.
void rollout_judge(struct rollouts *r, struct rollout_batch *b);
// Takes the groups g with keep[g] alone.
void rollout_select(struct rollout_batch *b, const bool *keep);
// Leaves what is learnt from: as the objective picks, without what was cut off (ended_only). Groups may become fewer.
void rollout_pick(struct rollouts *r, struct rollout_batch *b);
// Of a batch that is judged and whole.
void rollout_facts(struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts);
bool rollout_has_spread(const struct rollout_batch *b, int group); // its answers do not all score the same

int rollout_write(const struct rollouts *r, const char *dir, struct err *e);
int rollout_read(struct rollouts *r, const char *dir, struct err *e);
