// "Is A better than B?", asked after every vote: evidence that may be looked at as often as one likes.
//
// A vote is 1 (A), 0.5 (a tie) or 0 (B). For each mean m, K+(m) is the capital of somebody who bets that the mean is
// larger: the average over fixed stakes s of prod (1 + s (x - m) / m); K-(m) that of who bets that it is smaller. If the
// mean of each vote given the past is m, both are martingales that begin at 1, and one of them ever reaches 2/alpha with a
// probability of at most alpha (Ville). Waudby-Smith & Ramdas 2024, "Estimating means of bounded random variables by
// betting", JRSS-B, hedged capital with stakes as in their dKelly. A tie's factor at m = 1/2 is 1: "A wins as often as it
// loses" is what is tested.
//
// Only counts matter, never the order, and stakes never follow from data.
//
// Clusters: a second vote on the same prompt is no independent evidence, so of every prompt only the first vote counts here
// (sequential_of). Where that is no concern (each vote has its own prompt) cluster numbers differ and all count.
#pragma once

#include "stats/win_rate.h"

struct sequential {
    double alpha;               // 0.05: at most this share of experiments without a difference ever stops
    int64_t wins, ties, losses; // votes that count
    double e_a, e_b;            // evidence now that A wins more often, that B does: K+(1/2), K-(1/2)
    double e_max;               // the largest of e_a and e_b so far
    int64_t decided_at;         // the number of votes that count when one first reached 2/alpha; 0: not yet
    double decided_for;         // 1: A, 0: B, NaN: neither yet
    struct interval rate;       // a confidence sequence for the mean: holds at all times at once with 1 - alpha
};
void sequential_start(struct sequential *s, double alpha);
void sequential_add(struct sequential *s, double share); // O(1); the interval is not made anew
void sequential_interval(struct sequential *s);          // narrows s->rate by what is known now
// All at once: votes in the order in which they were given.
struct sequential sequential_of(const struct win_vote *votes, int n, double alpha);

// log K+(m) after these votes, 0 < m < 1; K- is that of 1 - m with wins and losses exchanged.
double sequential_log_capital(int64_t wins, int64_t ties, int64_t losses, double m);
