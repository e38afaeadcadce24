// The parts of rollouts.h among each other.
#pragma once

#include "model/tape.h"
#include "train/data/order.h"
#include "train/online/rollouts.h"

// Who answers: a policy, and what reads its answers once more. The trainer's own, or a copy of it.
struct rollout_sampler {
    const struct rollout_options *o;
    struct data_order order;
    struct model *model;
    struct decoder *decoder;
    struct packed *packed;
    const struct objective_run *objective; // the trainer's
    struct tape *tape; // of what is sampled, for the update; NULL: it makes its own forward
    struct live_reference *reference;      // which may have a say; NULL: it is not at hand
    int max_batch_tokens;
    bool is_cut; // of the objective_run, as is the next
    float inv_temperature;
    bool decodes_as_it_trains; // the backend's word
    progress_fn progress; // may be NULL
    void *with;
};

struct rollout_ahead;
struct rollouts {
    struct group_source source; // first
    struct rollout_options o;
    struct rollout_sampler sampler;
    struct trainer *trainer;
    struct rollout_ahead *ahead; // NULL: on-policy
    struct dataset sizes;       // what the largest and the smallest group will be like
    int64_t position;           // of the next prompt
    struct rollout_batch batch; // as it is learnt from
    int *groups;                // (batch_size) of it
    struct metric_list facts;
};

struct rollouts *rollouts_of(struct group_source *s);
// The share that the reference has in saying a prompt's answer with this number.
double rollout_reference_says(const struct rollout_sampler *s, int sample);
// Answers to n prompts from position on, with the sampler's numbers.
int rollout_sample(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e);
// Fills the columns of log-probabilities under the policy, and the entropy, by reading the answers once more. A batch that
// the policy alone has said, with the trainer's bits, has them already (rollout_says_all).
int rollout_read_policy(struct rollout_sampler *s, struct rollout_batch *b, struct err *e);
// Whether what rollout_sample knows of its tokens is what rollout_read_policy would say of them.
bool rollout_says_all(const struct rollout_sampler *s);
// A batch that its policy need not see again.
int rollout_say(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e);
// Fills the columns of the reference and of values.
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

// A batch in a checkpoint's file of that name.
int rollout_write(const struct rollout_batch *b, const char *dir, const char *name, struct err *e);
int rollout_read(const struct rollouts *r, struct rollout_batch *b, const char *dir, const char *name, struct err *e);

// ---- ahead of training; all but the thread's own is called by the trainer's thread ----

int rollout_ahead_new(struct rollout_ahead **out, struct rollouts *r, struct err *e);
void rollout_ahead_free(struct rollout_ahead *a); // NULL is fine
// The batch at that position, which is the oldest that was not taken yet; orders what is to be ahead of it. It stays
// until it is taken: ERR_INTERRUPTED and a failed reward may come between.
int rollout_ahead_await(struct rollout_ahead *a, int64_t position, struct rollout_batch **out, struct err *e);
void rollout_ahead_take(struct rollout_ahead *a, struct rollout_batch *out);
// Waits for all that is under way.
int rollout_ahead_write(struct rollout_ahead *a, const char *dir, struct err *e);
json_t *rollout_ahead_save(struct rollout_ahead *a); // once it is written
int rollout_ahead_restore(struct rollout_ahead *a, const json_t *saved, const char *dir, struct err *e);
