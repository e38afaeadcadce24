// What is wrong with a run, told from what it records: one function a rule, over a summary of its metrics that is made
// point by point. Knows nothing of the store and of drawing.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ui/series/course.h"

enum health_metric {
    HEALTH_LOSS,
    HEALTH_GRAD_NORM,
    HEALTH_MARGIN,
    HEALTH_CHOSEN,
    HEALTH_LENGTH,
    HEALTH_EVAL_MARGIN,
    HEALTH_EVAL_ACCURACY,
    HEALTH_STEP_S,
    // of runs whose policy answers
    HEALTH_REWARD,
    HEALTH_WATCHED,
    HEALTH_KL,
    HEALTH_ENTROPY,
    HEALTH_ZERO_STD,
    HEALTH_CLIP_LOW,
    HEALTH_CLIP_HIGH,
    HEALTH_TRUNCATED,
    HEALTH_EXPLAINED,
    HEALTH_METRICS,
};
const char *health_metric_key(enum health_metric metric); // "rewards/margins"

struct health {
    double beta;           // rewards / beta are nats; 0: the run has none
    double idle_s;         // how long it has trained without a new step; 0: it does not train, or does something else
    int64_t broken_step;   // of the first loss, gradient or margin that is not finite; -1: none
    enum health_metric broken;
    struct course margin, chosen, step_s, reward, watched, kl, entropy, zero_std, clip_low, clip_high, truncated, explained;
    double first_chosen;   // NaN: none yet, as of the others
    double first_length, last_length;
    int n_long;            // points in a row that were too long
    double eval_margin, eval_accuracy, best_accuracy, margin_at_best; // NaN: none yet
    double last[HEALTH_METRICS];
    int64_t step[HEALTH_METRICS]; // of the newest point; -1: none
};

void health_init(struct health *h);
// Points of one metric come in the order of their steps; eval/rewards/margins of a step before the accuracy.
void health_add(struct health *h, enum health_metric metric, int64_t step, double value);

// Each says in `why` (not NULL) what it found, as one sentence without a full stop.
bool health_nonfinite(const struct health *h, struct str *why);    // a loss, gradient or margin that is no number
bool health_stall(const struct health *h, struct str *why);        // no step for five times the usual time, and 10 s
bool health_chosen_drop(const struct health *h, struct str *why);  // the margin rises because chosen answers get unlikely
                                                                   // too
bool health_margin_no_acc(const struct health *h, struct str *why);// held-out margin up, held-out accuracy down
bool health_len_drift(const struct health *h, struct str *why);    // answers half as long again as at the start

bool health_rm_divergence(const struct health *h, struct str *why); // the reward rises, the watched one falls
bool health_kl_budget(const struct health *h, struct str *why);     // answers are far from the reference
bool health_entropy_floor(const struct health *h, struct str *why); // the policy has come to say one thing
bool health_value_lost(const struct health *h, struct str *why);    // the value network tells nothing
bool health_clip_frac(const struct health *h, struct str *why);     // much of a batch is beyond the clipping
bool health_zero_std(const struct health *h, struct str *why);      // prompts whose answers all earn the same
bool health_truncated(const struct health *h, struct str *why);     // answers that do not end

struct health_rule {
    const char *name, *word; // "chosen_drop"; "chosen": for a narrow column
    bool (*fires)(const struct health *h, struct str *why);
    const char *help; // when it fires, for ?
};
extern const struct health_rule health_rules[]; // the gravest first; ends with name NULL
// The gravest rule that fires, NULL when all is well; `n` (not NULL): how many do.
const struct health_rule *health_worst(const struct health *h, struct str *why, int *n);
