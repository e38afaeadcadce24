// What can be switched on for every objective whose loss belongs to one pair alone, without the objective knowing:
// WPO's weight of the pair, and LD-DPO's lighter tail of the longer response.
#pragma once

#include <math.h>

#include "train/objective/objective.h"

// The rows; an empty table where they make no sense.
const struct param *weighting_params(const struct objective *o);
struct weighting weighting_from(const struct objective *o, const struct settings *s);
// The factor of a group's loss and derivatives: 1 unless WPO is on. It carries no gradient.
double weighting_factor(const struct weighting *w, const struct seq *s, int n);
// Underlying distribution matching (BCO): what a bad response counts by the log-odds that its prompt is one of good
// responses: the odds p / (1 - p) between 0.5 and 10; 1 where the log-odds are even.
static inline double udm_weight(double log_odds)
{
    return fmin(fmax(exp(fmin(log_odds, 700)), 0.5), 10);
}
