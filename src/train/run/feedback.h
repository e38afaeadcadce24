// The person as the reward (feedback person): a source of groups that puts pairs of the policy's answers before people, and
// gives the trainer those that they have judged.
//
//   feedback_pairs.c   which pairs there are, and what people say of them
//   feedback.c         the source: asking, hearing, waiting, batches
//
// Before an update pairs are asked, where few wait any more; then judgements are heard in the order of the store. What is
// new is learnt from at once. Nothing new: with feedback-idle go-on batches are of pairs that were learnt from before; else
// next() is ERR_INTERRUPTED after a moment, so that the run's loop hears what people want of the run, and comes again.
//
// When a judgement came is no function of the run. So where each update stopped hearing is kept as an event, and a run that
// goes on from a checkpoint stops at the same places again: the same judgements, the same weights. The checkpoint has where
// the prompts and the judgements are; all else follows from run.db and the store.
#pragma once

#include "train/run/run.h"

struct group_source;
// Takes `rollouts`, which answers the prompts. Needs run.db, and the run's name in the store.
void feedback_new(struct group_source **out, struct run *r, struct group_source *rollouts);
struct group_source *feedback_rollouts(struct group_source *s);
// Once the checkpoint of that step is restored, or for step 0 without one: before the first batch.
int feedback_resume(struct group_source *s, int64_t step, struct err *e);
// The run is done: what nobody has judged is given up.
void feedback_end(struct group_source *s, int64_t step);
