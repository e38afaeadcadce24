// The loss of policy gradients: how much likelier (or less likely) a token or an answer has become since it was said, times
// what it is worth, bounded where it has moved far already. Every objective that learns so is a judge() of advantages
// (advantages.h) and a struct surrogate.
//
// A sampler with other arithmetic is made up for here (correction.h): the policy's loss of a token or an answer is
// multiplied by a weight that is no function of the policy. The KL term and a value network's loss are as they are.
//
// rho = exp(log pi - log pi_old), of tokens or of whole answers; log rho is held within 20, where no answer teaches
// anything any more.
#pragma once

#include "train/objective/objective.h"

enum ratio_of {
    RATIO_TOKEN,
    RATIO_ANSWER,      // of the whole answer: exp of the sum over its tokens
    RATIO_ANSWER_MEAN, // its geometric mean: exp of the mean over its tokens (GSPO)
};
enum clipping {
    CLIP_NONE, // -A log pi: REINFORCE, whose ratio is taken as 1
    CLIP_PPO,  // max(-A rho, -A clip(rho, 1 - low, 1 + high))
    // The gradient of -min(rho, 1 + high) A log pi with the weight held (CISPO, MiniMax 2025): no token's gradient is lost,
    // only its weight is bounded. The loss is the one that has this gradient.
    CLIP_WEIGHT,
};
enum mean_over {
    MEAN_TOKENS,       // of the whole batch: long answers weigh more
    MEAN_ANSWERS,      // of each answer's mean over its tokens
    MEAN_LONGEST,      // of each answer's sum, divided by the longest that can be (Dr. GRPO)
    MEAN_SUMS,         // of each answer's sum
};
struct surrogate {
    enum ratio_of ratio;
    enum clipping clipping;
    double low, high;
    enum mean_over mean;
    double kl; // coefficient of the estimate k3 of KL(pi || ref), e^(ref - logp) - 1 - (ref - logp), added to each token
};

// What is measured of it, in this order, where an objective's metrics begin with SURROGATE_METRICS.
#define SURROGATE_METRICS                                                                                              \
    "loss/policy_avg", "policy/approxkl_avg", "clip_ratio/low_mean", "clip_ratio/high_mean", "ratio/mean",             \
        "ratio/ess", "ratio/min", "ratio/max"
enum { N_SURROGATE_METRICS = 8 };

// Of one group; adds to the tokens' d_logp. metrics may be NULL.
double surrogate_loss(const struct objective_run *r, const struct surrogate *how, struct seq *s, int n, double *metrics);

// The value network's: 0.5 max((V - R)^2, (clip(V, V_old +- clip) - R)^2), the mean over the batch's tokens, times coef;
// clip 0: never. metrics: 2, the loss without coef and the share of clipped tokens.
#define VALUE_METRICS "loss/value_avg", "val/clipfrac_avg"
double value_loss(const struct objective_run *r, double clip, double coef, struct seq *s, int n, double *metrics);
