// Which of the models whose answers were judged is better, as far as the votes go. The numbers of `attune label wins` and
// of the console.
#pragma once

#include "stats/bradley_terry.h"
#include "stats/sequential.h"
#include "stats/win_rate.h"
#include "store/judged_votes.h"

struct win_two {
    int a, b;                   // models; a has the higher rate
    struct win_rate rate;       // of a: votes with a grade, each annotator's first for a pair
    struct interval bootstrap;  // of the same, over prompts
    double sign_p;              // exact binomial test of wins against losses, as if all votes were independent
    struct win_rate_length length;
    struct sequential sequence; // the first vote on each prompt, in the order in which they were given
    double side_r;              // correlation of being a's answer with being shown first: 0 where sides were balanced
    struct win_vote *votes;     // (rate.n) those of the rate; cluster is the prompt of judged_votes
    int n_both_bad;             // answers that are in none of the above
};
struct win_report {
    struct win_two *twos; // the most votes first
    int n_twos;
    int *players; // (n_players): models
    struct bt_fit strengths;
    double level;
};
#define WIN_BOTH_BAD (-1.0) // a share that is none
// Whether the vote with that place is one between two models that counts: each annotator's first for a pair. *out: for
// model_a of the pair; its share is WIN_BOTH_BAD where neither answer was good.
bool win_ballot(const struct judged_votes *v, int vote, struct win_vote *out);

void win_report_fini(struct win_report *r);
// level: 0.95; the sequential test's alpha is 1 - level.
int win_report_make(struct win_report *r, const struct judged_votes *v, double level, struct err *e);
