// AdamW over the model's trainable blocks, with clipping by the global norm and weight decay on matrices only.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/model.h"
#include "train/learn/ranks.h"

enum { OPTIMIZER_MAX_BLOCKS = 2 };

struct optimizer_settings {
    double lr, beta1, beta2, eps, weight_decay, clip; // clip 0: never
    double l1; // after each update the change d since the start is soft-thresholded by lr * l1; 0: never
};
struct optimizer {
    struct model *model;
    int n_blocks;
    struct param_block blocks[OPTIMIZER_MAX_BLOCKS];
    float *m[OPTIMIZER_MAX_BLOCKS], *v[OPTIMIZER_MAX_BLOCKS]; // device memory, as long as the block
    struct param_range *ranges[OPTIMIZER_MAX_BLOCKS];
    int n_ranges[OPTIMIZER_MAX_BLOCKS];
    int64_t t; // updates made
    float *start[OPTIMIZER_MAX_BLOCKS]; // with l1: what the blocks were at the start
    double l1_norm, sparsity; // of the change, after the last step with l1: sum of |d|, share of |d| < 1e-8
};

int optimizer_init(struct optimizer *o, struct model *m, struct err *e);
void optimizer_fini(struct optimizer *o);

// Before the first step: remembers what the blocks are now, for l1 (4 bytes for each trained number).
int optimizer_keep_start(struct optimizer *o, struct err *e);

// The gradients become those of all ranks together, on each of them.
int optimizer_sum_grads(struct optimizer *o, const struct ranks *r, struct err *e);
// The norm of all gradients; waits. NaN and Inf pass through.
double optimizer_grad_norm(const struct optimizer *o);
void optimizer_zero_grads(struct optimizer *o);
// One update from the gradients, scaled down when `norm` is above clip; then gradients are zero again.
void optimizer_step(struct optimizer *o, const struct optimizer_settings *s, double norm);
