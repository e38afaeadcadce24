// AdamW over the model's trainable blocks, with clipping by the global norm and weight decay on matrices only.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/model.h"

enum { OPTIMIZER_MAX_BLOCKS = 2 };

struct optimizer_settings {
    double lr, beta1, beta2, eps, weight_decay, clip; // clip 0: never
};
struct optimizer {
    struct model *model;
    int n_blocks;
    struct param_block blocks[OPTIMIZER_MAX_BLOCKS];
    float *m[OPTIMIZER_MAX_BLOCKS], *v[OPTIMIZER_MAX_BLOCKS]; // device memory, as long as the block
    struct param_range *ranges[OPTIMIZER_MAX_BLOCKS];
    int n_ranges[OPTIMIZER_MAX_BLOCKS];
    int64_t t; // updates made
};

int optimizer_init(struct optimizer *o, struct model *m, struct err *e);
void optimizer_fini(struct optimizer *o);

// The norm of all gradients; waits. NaN and Inf pass through.
double optimizer_grad_norm(const struct optimizer *o);
// One update from the gradients, scaled down when `norm` is above clip; then gradients are zero again.
void optimizer_step(struct optimizer *o, const struct optimizer_settings *s, double norm);
