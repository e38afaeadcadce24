// What DPO and its relatives share. Every response of a pair gets a score u from its own numbers; the pair enters
// through the margin z = beta (u(chosen) - u(rejected)) alone, perhaps moved by what the objective adds to it; the
// loss is a curve f(z). So an objective of this family says which score, what moves the margin, and which curve:
// dpo.c is the model, and margin_send applies the chain rule.
#pragma once

#include "train/objective/objective.h"
#include "train/objective/stable.h"

// ---- parameters that several objectives have, as rows ----

#define MARGIN_BETA_OF(value)                                                                                          \
    {.name = "beta", .type = PARAM_FLOAT, .fallback = value, .min = 1e-4, .max = 100, .live = true,                    \
     .group = "objective",                                                                                             \
     .help = "How strongly the model is held to the reference: larger stays closer, smaller follows the preferences "  \
             "further."}
#define MARGIN_BETA MARGIN_BETA_OF("0.1")

// Where there is no reference.
#define MARGIN_SCALE_OF(value)                                                                                         \
    {.name = "beta", .type = PARAM_FLOAT, .fallback = value, .min = 1e-4, .max = 100, .live = true,                    \
     .group = "objective",                                                                                             \
     .help = "What the difference of the two log-probabilities is multiplied by: larger is content with a smaller "    \
             "difference."}

#define MARGIN_LABEL_SMOOTHING                                                                                         \
    {.name = "label-smoothing", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 0.499, .live = true,            \
     .group = "objective",                                                                                             \
     .help = "The share of pairs that are assumed to be labelled the wrong way round (cDPO)."}

// ---- what their formulas begin or end with ----

#define FORMULA_RATIOS "a, b: log pi - log ref of the chosen and of the rejected response\n"
#define FORMULA_MARGIN FORMULA_RATIOS "z = beta * (a - b)\n"
#define FORMULA_REWARDS FORMULA_RATIOS "A = beta * a, B = beta * b\n"
#define FORMULA_SMOOTHED "loss = -(1 - s) * log sigmoid(z) - s * log sigmoid(-z)\ns: label-smoothing"

// ---- the score of a response ----

enum margin_score {
    SCORE_LOGP,       // log pi
    SCORE_RATIO,      // log pi - log ref
    SCORE_MEAN_LOGP,  // the same per token of the response
    SCORE_MEAN_RATIO,
};

struct margin {
    double z;
    double by_chosen, by_rejected; // dz / d(log pi) of either response
};

// The margin of a pair; also sets the rewards that are logged, beta u.
static inline struct margin margin_of(struct seq *s, double beta, enum margin_score score)
{
    const bool by_length = score == SCORE_MEAN_LOGP || score == SCORE_MEAN_RATIO;
    const bool relative = score == SCORE_RATIO || score == SCORE_MEAN_RATIO;
    double scale[2];
    for (int i = 0; i < 2; i++) {
        scale[i] = by_length ? beta / s[i].n : beta;
        s[i].reward = scale[i] * (s[i].logp - (relative ? s[i].ref : 0));
    }
    return (struct margin){s[0].reward - s[1].reward, scale[0], -scale[1]};
}

// ---- the curve ----

struct curve {
    double loss, slope; // f(z) and f'(z)
};

// -(1 - e) log sigmoid(z) - e log sigmoid(-z); e = 0 is the logistic loss itself.
static inline struct curve curve_logistic(double z, double e)
{
    return (struct curve){(1 - e) * softplus(-z) + e * softplus(z), -(1 - e) * sigmoid(-z) + e * sigmoid(z)};
}

// max(0, 1 - z); at the corner the slope is taken as 0.
static inline struct curve curve_hinge(double z)
{
    return z < 1 ? (struct curve){1 - z, -1} : (struct curve){0, 0};
}

// Sets d_logp of both responses and returns the loss.
static inline double margin_send(struct seq *s, struct margin m, struct curve c)
{
    s[0].d_logp = c.slope * m.by_chosen;
    s[1].d_logp = c.slope * m.by_rejected;
    return c.loss;
}

// ---- imitation of the chosen response beside the preference ----

// Adds -weight log pi(chosen); returns what that adds to the loss.
static inline double imitate_chosen(struct seq *s, double weight)
{
    s[0].d_logp -= weight;
    return -weight * s[0].logp;
}

// What is logged as nll_loss: nats per token of the chosen response.
static inline double chosen_nll(const struct seq *s)
{
    return -s[0].logp / s[0].n;
}
