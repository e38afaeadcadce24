// REINFORCE with the other answers to the prompt as the baseline.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/policy_gradient.h"

static const struct param params[] = {PG_SAMPLES("4", 2), PG_BETA_KL("0.05"), PG_CLIP("0.2", "0.2"), {0}};
static const char *const metrics_here[] = {SURROGATE_METRICS, NULL};

static void rloo_judge(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    const double beta = objective_value(r, "beta");
    judge_by_others(&(struct penalties){.kind = beta > 0 ? PENALTY_KL : PENALTY_NONE, .beta = beta}, said, first, n_groups);
}

static void rloo_needs(const double *values, struct needs *n)
{
    if (values[1] == 0)
        n->networks &= ~(unsigned)NETWORK_REFERENCE;
}

static const struct online online = {.judge = rloo_judge};

const struct objective objective_rloo = {
    .name = "rloo",
    .title = "REINFORCE Leave-One-Out",
    .summary = "Samples several answers to each prompt and compares each with the others: nearly as simple as it can be, "
               "without a value network, and unbiased.",
    .paper = "Ahmadian et al. 2024, arXiv:2402.14740; Kool et al. 2019",
    .formula = "R_i = score_i - beta * sum_t (log pi_old(y_t) - log ref(y_t))\n"
               "A_i = R_i - mean of the other answers' R\n"
               "rho_i = pi(y_i) / pi_old(y_i)\n"
               "loss = mean_i max(-A_i * rho_i, -A_i * clip(rho_i, 1 - clip-low, 1 + clip-high))",
    .pitfalls = "An answer's ratio is that of all its tokens: with several updates of one batch it leaves the bounds soon, "
                "and long answers first. Two samples make a noisy baseline, four or eight a good one. It is KL-bound, and "
                "so drives minorities out like ppo.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE, .columns = COLUMN_TOKENS},
    .online = &online,
    .params = params,
    .metrics = metrics_here,
    .needs_now = rloo_needs,
    .loss = answers_loss,
};
