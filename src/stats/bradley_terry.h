// Strengths of players (models) from votes between two at a time: P(a beats b) = 1 / (1 + exp(s_b - s_a)), Bradley & Terry
// 1952; a tie is half a win for each.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "stats/binomial.h"

struct bt_vote {
    int a, b;     // players 0 .. n_players-1, not the same
    double share; // for a: 1, 0.5 or 0
    int cluster;  // the prompt, >= 0
};
struct bt_player {
    double strength;          // log-odds against the mean of its group of players, whose strengths add up to 0
    double std_error;         // cluster-robust (the sandwich with G/(G-1)); NaN for a single cluster
    struct interval interval; // normal
    int group;                // players of different groups have never met, not even through others: not to be compared
    int n;                    // its votes
};
struct bt_fit {
    struct bt_player *players; // (n_players)
    double *covariance;        // (n_players, n_players) of strengths
    int n_players, n_groups;
    bool is_held; // some players only ever won or lost against others: no finite strengths fit, and every two that met got
                  // one tie more, which holds them
};
void bt_fini(struct bt_fit *f);
// Newton's method on the log-likelihood. ERR_LIMIT for more than 500 players.
int bt_fit(struct bt_fit *f, int n_players, const struct bt_vote *votes, int n, double level, struct err *e);
// P(a beats b) with the interval of the difference of their strengths; [0, 1] and NaN between groups.
double bt_beats(const struct bt_fit *f, int a, int b, double level, struct interval *out);
// Two players by how little is known of their order.
struct bt_pair {
    int a, b;                 // a is the stronger one as far as is known
    double beats;             // P(a beats b), with its interval, as bt_beats has them
    struct interval interval;
    int n;                    // votes that the two have, with whomever
    double doubt;             // P(b is the stronger), the difference of strengths being normal; 0.5: nothing is known
};
// All *n of them, the most doubtful first, of equally doubtful ones those with the fewest votes. The caller frees.
struct bt_pair *bt_doubts(const struct bt_fit *f, double level, int *n);
