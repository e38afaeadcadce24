// How far two answers' probabilities under a policy are from those that a reward gives them: the preference matching
// divergence of Xiao et al. 2024, arXiv:2405.16455.
#pragma once

// KL between what the policy and the reward say of which of two answers it is, when it is one of them:
// KL(sigmoid(+-d) || sigmoid(+-e)). d: log pi(y1) - log pi(y2), summed over tokens; e: (r(y1) - r(y2)) / beta. In logarithms
// throughout: |d| is often beyond 30, where it comes to softplus(-sign(d) e).
double pm_divergence(double d, double e);
// What the paper's published code logs as eval/pm, another quantity: (r1 - r2 - d)^2, without beta.
double pm_squared_gap(double d, double reward_gap);
