// What objectives that learn from some of the policy's answers to a prompt (struct online.pick) ask of them. Of equal scores
// the earlier answer counts.
#pragma once

#include "train/objective/objective.h"

int best_said(const struct said *said, int n);
int worst_said(const struct said *said, int n);
// The probability that answer i is preferred to one of the answers first .. end - 1, where scores are of a Bradley-Terry
// model: the mean of sigmoid(score_i - score_k).
double share_won(const struct said *said, int i, int first, int end);
// The best against the worst with the labels 1 and 0; 2, or 0 when all scores are equal.
int pick_best_and_worst(const struct said *said, int n, int *taken, double *labels);
