// Underlying distribution matching (BCO): a logistic classifier of prompts, which says how much a bad response's prompt
// looks like those of good ones.
#pragma once

#include <stdint.h>

#include "model/model.h"
#include "train/data/dataset.h"

struct udm_result {
    double accuracy;    // on the prompts it was trained on, both classes weighing the same
    double mean_weight; // of the bad responses to learn from, odds between 0.5 and 10
};
// Sets prompt_odds of both datasets (held_out may be empty): log-odds of a classifier that is trained on at most 1024
// of train's prompts, each as the mean of its tokens' embeddings. Groups hold one response each. A function of seed,
// data and model alone, so a run that is continued computes the same again.
struct udm_result udm_fill(struct dataset *train, struct dataset *held_out, struct model *m, uint64_t seed);

// Minimizes |w|^2 / 2 + sum_i weight_i log(1 + exp(-y_i (w x_i + b))) over w (d) and b, y_i 1 or -1, x (n, d) by rows.
// w[d] is b. weights is (n).
void logistic_fit(const double *x, const double *y, const double *weights, int n, int d, double *w);
