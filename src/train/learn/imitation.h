// Texts that are imitated beside what an objective teaches (PPO-ptx, Ouyang et al. 2022, equation 2): every update has a
// batch of them, whose gradient is added to the objective's with a weight. Which texts is a function of the update's number
// alone: there is no state.
//
// Owner: the trainer's thread.
#pragma once

#include "base/err.h"
#include "model/decoder.h"
#include "train/data/dataset.h"

struct imitation_options {
    const struct dataset *texts; // groups of one response each; they outlive it
    int batch_size;              // texts an update
    int max_batch_tokens;
    int most_targets; // of a micro-batch (packed.most_targets)
    uint64_t seed;
};

struct imitation;

int imitation_new(struct imitation **out, const struct imitation_options *o, struct err *e);
void imitation_free(struct imitation *im); // NULL is fine
// Adds weight times the gradient of the mean of -log pi over the tokens of update `step` (from 1 on), which is *loss.
int imitation_backward(struct imitation *im, struct decoder *d, int64_t step, double weight, double *loss, struct err *e);
