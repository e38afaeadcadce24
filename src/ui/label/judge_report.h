// What votes say of those who gave them: how many and how fast, whether they agree with themselves and with one another, and
// what they should not depend on. The numbers of `attune label stats` and of the console.
#pragma once

#include "base/str.h"
#include "stats/agreement.h"
#include "stats/annotators.h"
#include "stats/bias.h"
#include "store/judged_votes.h"

enum { JUDGE_FAST_S = 3, JUDGE_IDLE_S = 60 };
struct judge_match {      // two answers to the same pair, over pairs
    int n;                // both answered
    int n_same;           // the same verdict
    int n_side, n_sided;  // the same answer preferred, of those where both preferred one
    double kappa;         // Cohen's, of A, tie and B, where both gave a grade
    double weighted;      // of the grades, quadratic weights
};
struct judge_line { // an annotator
    int n;                        // answers: all but skips and flags
    int n_again;                  // of them to a pair that the annotator had answered before
    int n_ties, n_skips, n_flags;
    int n_checks, n_failed;       // attention checks that were answered; otherwise than is known
    struct interval failed;       // of their share: Clopper & Pearson, 95 %
    int n_timed, n_idle;          // with a known time; of more than JUDGE_IDLE_S, which count for no time below
    double median_s, per_hour;    // NaN: no time is known
    struct judge_match self;      // with itself, over what came again
    int n_met, n_met_side;        // over all others and pairs that both judged: both preferred an answer; the same one
    struct bias side, length, fast;
    double ability;               // annotators.h
};
struct judge_two {
    int a, b; // annotators
    struct judge_match match;
};
struct judge_report {
    struct judge_line *lines; // (n), as judged_votes.annotators
    int n, n_answered;        // annotators; pairs with an answer
    struct judge_two *twos;   // those who have pairs in common, the most of them first
    int n_twos;
    // Of the pairs that two or more gave a grade to, attention checks left out: agreement.h
    int n_shared;
    double percent;       // the same verdict
    double alpha_ordinal; // of grades
    double alpha_nominal; // of A, tie and B
    double gwet;          // AC2 of grades, quadratic weights
    struct annotator_fit fit; // pairs as judged_votes.pairs
};
void judge_report_fini(struct judge_report *r);
int judge_report_make(struct judge_report *r, const struct judged_votes *v, struct err *e);
// What an annotator's numbers call for (also that of attention checks more than the share most_failed are failed), "" where
// nothing: "prefers the answer shown first (61 % of 120, p = 0.02)".
void judge_line_warn(const struct judge_line *l, double most_failed, struct str *out);
