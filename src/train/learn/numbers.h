// What passes between the decoder and an objective: a packed micro-batch's numbers become struct seq, and the
// derivatives that the objective sets become coefficients for the backward pass.
#pragma once

#include "base/err.h"
#include "model/decoder.h"
#include "train/learn/packing.h"
#include "train/learn/live_reference.h"
#include "train/objective/metrics.h"

// What is read of a batch, and what reading some of it takes. All zero: log-probabilities alone.
struct reading {
    struct needs needs;
    double tail_cut; // LD-DPO: tokens beyond a group's shortest response count for 1 - tail_cut
    // READ_RIVAL: drawn among so many, by seed, step and the token's place in the data
    int n_rivals;
    uint64_t seed;
    int64_t step;
    struct live_reference *reference; // READ_KL
    float inv_temperature; // of all that the head says; 0: 1
};
// For an objective at work; its seed and step are set.
struct reading reading_for(const struct objective_run *r, struct live_reference *reference);

// After decoder_forward of p->batch, which holds `groups` of `data`: fills the numbers that are wanted into seqs and
// leaves what prepare() set, and responses that are not in the batch. Token statistics are added to *tally when not
// NULL.
int numbers_read(struct decoder *d, struct packed *p, const struct dataset *data, const int *groups, int n,
                 const struct reading *r, struct seq *seqs, struct tally *tally, struct err *e);
// The backward pass of what was read: the derivatives times share (1 / groups of the batch: L is their mean).
int numbers_send(struct decoder *d, struct packed *p, const struct seq *seqs, struct needs needs, double share,
                 struct err *e);
