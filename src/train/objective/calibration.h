// How far stated probabilities are from what happens. A pair's rewards state one when they are log-odds:
// sigmoid(margin) is the probability that its first response is the better one; what happens is the share of votes for
// it.
//
// Expected calibration error (Guo et al. 2017, arXiv:1706.04599, equation 3): predictions are sorted into bins of equal
// width over [0, 1], and
//
//     ECE = sum over bins b of n_b / N * | mean of what happened in b - mean of what was predicted in b |.
//
// Every pair counts twice, from either side: as (p, P) and as (1 - p, 1 - P). Pairs stand in the data with the better
// response first, so that from that side alone everything predicted below 1 would be an error, and the number would be
// 1 - mean(p) and say nothing of calibration. It depends neither on the order of pairs nor on that inside of a pair.
#pragma once

enum { CALIBRATION_BINS = 10 };

struct calibration {
    double n, predicted[CALIBRATION_BINS], happened[CALIBRATION_BINS]; // sums
};
// share: of the votes for the first response; 1 without votes.
void calibration_add(struct calibration *c, double margin, double share);
double calibration_error(const struct calibration *c); // NaN when nothing was added
