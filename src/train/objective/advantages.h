// What the tokens of sampled answers are worth: from what an answer earned as a whole, and what each of its tokens cost it,
// to an advantage of each token. Pure functions on struct said; every judge() is a few of them.
#pragma once

#include "train/objective/objective.h"

// What a token costs, in nats; its reward is -beta times that, and the answer's score comes with its last token.
enum penalty {
    PENALTY_NONE,
    PENALTY_KL,      // log pi - log ref: KL-bound tuning (Ziegler et al. 2019)
    PENALTY_ENTROPY, // log pi: preference matching (Xiao et al. 2024, eq. 3.7 with C1 = C2 = 0)
    // log pi where ref(token) > alpha, else log pi - log ref: preference matching among what the reference finds natural
    // (Xiao et al. 2024, Def. 4.1, by tokens). alpha = 0 is PENALTY_ENTROPY, alpha = 1 PENALTY_KL.
    PENALTY_CONDITIONAL,
};
struct penalties {
    enum penalty kind;
    double beta, alpha;
};

// The penalty of token t, as it was when it was said.
double penalty_of(const struct penalties *p, const struct said *a, int t);
// Sets reward of all tokens, and returns each answer's sum in totals (n), which may be NULL.
void advantages_reward(const struct penalties *p, struct said *said, int n, double *totals);

// Generalized advantage estimation (Schulman et al. 2016) of one answer, backwards from its last token, after which nothing
// is worth anything; also sets returns = advantage + value.
void advantages_gae(struct said *a, double gamma, double lambda);
// All tokens of answer i get value[i].
void advantages_spread(struct said *said, int n, const double *value);
// What comes from each token on: the sum of rewards, discounted; the advantage of REINFORCE without a baseline.
void advantages_to_go(struct said *a, double gamma);

// Each of the n (at least 2) less the mean of the others (Kool et al. 2019): unbiased, for it does not look at itself.
void leave_one_out(double *totals, int n);
// Less their mean, and with `scaled` in units of their spread (n - 1 in it) + 1e-4, as GRPO has it.
void less_group_mean(double *totals, int n, bool scaled);
// The tokens' advantages less their mean over all tokens, in units of their spread (N - 1 in it); 1e-8 is added to the
// variance.
void whiten_advantages(struct said *said, int n);
// The tokens' rewards in units of their spread; their mean stays.
void whiten_rewards(struct said *said, int n);
