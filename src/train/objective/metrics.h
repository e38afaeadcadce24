// What a batch of groups amounts to, in the names that people log (TRL's). Sums in double, in the order of the
// groups, so that they do not depend on how the batch is cut.
#pragma once

#include <stdbool.h>

#include "train/objective/calibration.h"
#include "train/objective/objective.h"

enum { METRICS_MAX = 128 };

struct metric {
    const char *key; // lives as long as the program
    double value;
};
struct metric_list {
    struct metric items[METRICS_MAX];
    int n;
};
void metric_add(struct metric_list *list, const char *key, double value);
const char *metric_held_out(const char *key); // "eval/" before it; lives as long as the program
double metric_value(const struct metric_list *list, const char *key); // NaN when absent

// Of pairs the sums are over pairs; of feedback on single responses (objectives with DATA_BINARY) over the good ones
// (n_good) and the bad ones (n_bad), whose means are logged where there are any. Such a response counts as told
// correctly when its reward is above zero and it is good, or below zero and it is bad; zero itself counts half.
struct tally {
    int n_groups, n_good, n_bad;
    int n_ordered, n_lists; // groups with a better and a worse response; those of them with more than two
    double loss, chosen, rejected, accuracy, logp_chosen, logp_rejected, logp, ndcg;
    double n_tokens, entropy, top;
    struct calibration calibration; // of pairs whose rewards are log-odds
    double extra[OBJECTIVE_MAX_METRICS];
    unsigned seen, largest, least; // of extra, a bit each: that it was told; that it is an extreme, no sum
};
// After loss(): adds one group's numbers.
void tally_group(struct tally *t, const struct objective_run *r, const struct seq *s, int n, double loss,
                 const double *extra);
// Adds the numbers of other groups.
void tally_add(struct tally *to, const struct tally *from);
// Means; held_out puts "eval/" before each name. An objective's metric ".../ess" is the effective sample size of weights as
// a share, of all groups together: the objective tells the mean of their squares, right behind their mean.
void tally_metrics(const struct tally *t, const struct objective_run *r, bool held_out, struct metric_list *out);
