// The groups of a batch in the order of one number each, for objectives that look at all of it. It needs no memory of
// its own: nothing is allocated in a training step.
#pragma once

#include "train/objective/objective.h"

// In: seqs[first[g] + slot].prepared is group g's number. Out: seqs[first[k] + slot].reward is the group at place k,
// the smallest number first, of equal numbers the earlier group. (reward is free before the loss sets it.)
void batch_order(struct seq *seqs, const int *first, int n_groups, int slot);
// The group at place k of an order that batch_order made.
int batch_order_at(const struct seq *seqs, const int *first, int k, int slot);
