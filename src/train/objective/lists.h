// What objectives over lists share. A list is a prompt's K responses with labels: scores, the higher the better, in any
// order. Only label differences count as preferences: responses with equal labels are never told apart, and no loss
// depends on the order in which the data happens to list them. A pair is a list of two with labels 1 and 0.
#pragma once

#include <math.h>
#include <stdbool.h>

#include "train/objective/objective.h"

#define LIST_BETA(value)                                                                                               \
    {.name = "beta", .type = PARAM_FLOAT, .fallback = value, .min = 1e-4, .max = 100, .live = true,                    \
     .group = "objective",                                                                                             \
     .help = "The scale of the log-ratios that are compared: larger stays closer to the reference."}

// Implicit rewards beta (log pi - log ref); derivatives start at zero because lists add to them pair by pair.
static inline void list_rewards(struct seq *s, int n, double beta)
{
    for (int i = 0; i < n; i++) {
        s[i].reward = beta * (s[i].logp - s[i].ref);
        s[i].d_logp = 0;
    }
}

// log sum_i exp(reward_i)
static inline double list_log_sum(const struct seq *s, int n)
{
    double top = s[0].reward, sum = 0;
    for (int i = 1; i < n; i++)
        top = fmax(top, s[i].reward);
    for (int i = 0; i < n; i++)
        sum += exp(s[i].reward - top);
    return top + log(sum);
}

// 1 / log(1 + rank) of response i by descending reward, ranks from 1. Equal rewards: the worse label stands first where
// worse_first (so that a model that knows nothing counts as wrong), and what is still equal shares its ranks' mean.
static inline double list_discount(const struct seq *s, int n, int i, bool worse_first)
{
    int above = 0, alike = 0;
    double sum = 0;
    for (int j = 0; j < n; j++) {
        const bool equal = s[j].reward == s[i].reward;
        above += s[j].reward > s[i].reward || (equal && worse_first && s[j].label < s[i].label);
        alike += equal && (!worse_first || s[j].label == s[i].label);
    }
    for (int rank = above + 1; rank <= above + alike; rank++)
        sum += 1 / log(1 + rank);
    return sum / alike;
}

// Mean negative log-likelihood of the best-labelled responses, per token or as a sum; adds weight times its slope.
static inline double list_imitate_best(struct seq *s, int n, double weight, bool per_token)
{
    double best = s[0].label, loss = 0;
    int n_best = 0;
    for (int i = 1; i < n; i++)
        best = fmax(best, s[i].label);
    for (int i = 0; i < n; i++)
        n_best += s[i].label == best;
    for (int i = 0; i < n; i++)
        if (s[i].label == best) {
            const double share = 1.0 / (n_best * (per_token ? s[i].n : 1));
            loss -= share * s[i].logp;
            s[i].d_logp -= weight * share;
        }
    return loss;
}
