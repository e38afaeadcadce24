// How well the rewards of one group's responses agree with its labels: a pair, or a list of any length with ties.
#pragma once

#include <stdbool.h>

#include "train/objective/objective.h"

struct ranking {
    double chosen, rejected;           // mean reward of the best- and of the worst-labelled responses
    double logp_chosen, logp_rejected; // the same of log-probabilities
    double accuracy; // share of pairs with different labels whose rewards have their order; equal rewards count half
    double ndcg;     // sum of (label - lowest label) / log(1 + rank by reward), of the best possible sum
};
// False when there is no order to agree with: one response, or all labels equal. Responses of other prompts
// (seq.mismatched) do not count.
bool ranking_of(const struct seq *s, int n, struct ranking *out);
