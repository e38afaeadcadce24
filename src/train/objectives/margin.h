// What DPO and its relatives share: a pair enters only through the margin of its log-ratios,
// z = beta ((lw - rw) - (ll - rl)). Such an objective is f(z) and its slope f'(z).
#pragma once

#include "train/objectives/objective.h"

#define MARGIN_BETA                                                                                                    \
    {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .live = true,                    \
     .group = "objective",                                                                                             \
     .help = "How strongly the model is held to the reference: larger stays closer, smaller follows the preferences "  \
             "further."}

// Sets the implicit rewards and returns z; without the reference the log-probabilities count alone.
static inline double margin_of_pair(struct seq *s, double beta, bool with_reference)
{
    for (int i = 0; i < 2; i++)
        s[i].reward = beta * (s[i].logp - (with_reference ? s[i].ref : 0));
    return s[0].reward - s[1].reward;
}

static inline void margin_send(struct seq *s, double beta, double slope)
{
    s[0].d_logp = beta * slope;
    s[1].d_logp = -beta * slope;
}
