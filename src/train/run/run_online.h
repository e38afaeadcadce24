// A run whose policy answers prompts: its rewards, where its groups come from, and what it keeps of the answers.
#pragma once

#include "train/run/run.h"

struct group_source;
struct rollout_batch;
// The source of its groups, and its rewards into r->rewards; the model must be loaded.
int run_open_rollouts(struct run *r, struct group_source **out, struct err *e);
// The trainer's, once it has that source.
int run_attach_rollouts(struct run *r, struct group_source *source, struct err *e);
// The folder that a value network starts from: the reward model's, on the heap, or NULL for the policy's own weights.
char *run_value_from(const struct run *r);
// What the rewards make of answers: of rollout_options and probe_options, with the run.
// of the prompts of probes
int run_score_held_out(void *run, struct rollout_batch *b, struct metric_list *facts, struct err *e);
int run_score(void *run, struct rollout_batch *b, struct metric_list *facts, struct err *e);
// How many compute threads learn, and how many answer ahead of that: those of the settings in two halves, or all of them and
// none. 0: one per core. Results do not depend on it.
struct run_threads {
    int training, answering;
};
struct run_threads run_threads(const struct settings *s);
// What of the settings cannot be, told before there is a run.
int run_check_online(const struct objective *o, const struct settings *s, struct err *e);
int64_t run_updates_of_a_batch(const struct settings *s); // minibatches times passes
