// Evaluation on held-out groups: the training loss and its metrics under the name eval/..., without learning.
#pragma once

#include "base/err.h"
#include "train/learn/trainer.h"

struct evaluator {
    struct trainer *trainer;
    const struct dataset *data;
    struct packed packed;
    int *groups, *first;
    struct seq *seqs;
};
int evaluator_init(struct evaluator *v, struct trainer *t, const struct dataset *held_out, struct err *e);
void evaluator_fini(struct evaluator *v);
int evaluate(struct evaluator *v, struct metric_list *out, struct err *e);
