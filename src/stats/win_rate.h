// How often side A is preferred to side B, from votes. Votes of one prompt say much the same, so intervals are made over
// prompts (clusters), not over votes.
#pragma once

#include <stdint.h>

#include "stats/binomial.h"

struct win_vote {
    double share;      // for A: 1, 0.5 (a tie) or 0
    double length_gap; // length of A's answer minus that of B's, in any one unit
    int cluster;       // the prompt: any number >= 0
};

struct win_rate {
    int n, n_clusters, wins, ties, losses; // n votes
    double rate;                           // (wins + ties/2) / n; NaN without votes
    double std_error;                      // cluster-robust
    struct interval interval;
};
// The variance of the rate is G/(G-1) sum_g (sum of g's residuals)^2 / n^2, G the number of clusters (Liang & Zeger 1986).
// The interval is Wilson's with the sample size that has this variance and Student's value with G-1 degrees of freedom
// (Dean & Pagano 2015): inside of [0, 1], and of sensible width where all votes agree, whose sample size is then G. One
// cluster: [0, 1].
struct win_rate win_rate_of(const struct win_vote *votes, int n, double level);

// The percentile interval over `n_draws` draws of as many clusters with replacement (Efron 1979). Draws are a function of
// `seed` alone (RNG_BOOTSTRAP). [0, 1] for less than two clusters.
struct interval win_rate_bootstrap(const struct win_vote *votes, int n, double level, int n_draws, uint64_t seed);

// The win rate at equal length (Dubois et al. 2024, "Length-Controlled AlpacaEval", arXiv:2404.04475, without the term of an
// instruction's difficulty): a logistic regression of the vote on 1 and tanh(length gap / its standard deviation (n-1)), and
// what it predicts for a gap of 0. Ties are half a vote for each (quasi-likelihood). Errors are cluster-robust, with
// G/(G-1) (n-1)/(n-2); the interval is one of the logit, with the normal's critical value.
enum length_control {
    LENGTH_CONTROLLED,
    LENGTH_TOO_FEW,   // less than 3 votes or less than 3 clusters
    LENGTH_CONSTANT,  // all gaps are the same: there is nothing to control for
    LENGTH_SEPARATES, // the votes follow from length (or are all the same): no finite fit
};
struct win_rate_length {
    enum length_control state; // all below is NaN unless LENGTH_CONTROLLED
    double rate;               // at equal length
    struct interval interval;
    double intercept, effect;  // in logits; effect > 0: longer answers win
    double std_error, effect_std_error;
    double effect_p;           // two-sided, of effect = 0
};
struct win_rate_length win_rate_length_controlled(const struct win_vote *votes, int n, double level);
