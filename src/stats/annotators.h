// Who can be relied on, which pairs are hard, and what to make of each pair: all of it from votes that overlap.
//
// Annotator i prefers B in pair j with the probability 1 / (1 + exp(-ability_i margin_j)): GLAD's model (Whitehill et al.
// 2009, "Whose Vote Should Count More") with its truth z and ease beta taken together as margin = z beta, which is positive
// where B is better and near 0 where a pair is hard. A tie is half a vote for each. Margins are N(0, spread^2) and are
// integrated out on a grid; abilities and the spread are fitted by EM (Bock & Aitkin 1981), with priors that decide while
// there is nothing else: abilities N(1, 0.5^2), spread^2 inverse gamma with its mode at 2^2 and the weight of six pairs. An
// ability near 0 is somebody who guesses, below 0 one who says the opposite.
//
// Nothing is random. With one annotator, or without overlap, every ability stays 1.
#pragma once

#include "base/err.h"
#include "stats/binomial.h"

struct annotator_vote {
    int annotator, pair; // from 0
    double share;        // for B: 0, 0.5 or 1
};
struct annotator_fit {
    int n_annotators, n_pairs;
    double *ability;   // (n_annotators)
    double spread;
    struct annotator_pair {
        double share;             // of votes for B among annotators of ability 1: what is expected given the votes
        struct interval interval; // 95 % of its posterior
        double margin;            // mean; |margin| small: hard
        double p_b;               // P(margin > 0): B is the better one
        int n;                    // votes
    } *pairs; // (n_pairs); without votes: what the prior says
    int n_rounds;
    bool converged;
};
void annotator_fit_fini(struct annotator_fit *f);
// Fails with ERR_LIMIT for more memory than there is.
int annotators_fit(struct annotator_fit *f, int n_annotators, int n_pairs, const struct annotator_vote *votes, int n,
                   struct err *e);
