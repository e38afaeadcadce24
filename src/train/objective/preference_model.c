// The pairwise preference model: which of two responses is better is a letter that the model says.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/objective.h"
#include "train/objective/stable.h"

static const struct param params[] = {{0}};

// P is the share of votes for the chosen response; z the difference of the two letters' log-probabilities, so that
// sigmoid(z) is their softmax. L = -P log sigmoid(z) - (1 - P) log sigmoid(-z);
// dL/dz = (1 - P) sigmoid(z) - P sigmoid(-z).
static double preference_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double share = s[0].label, z = s[0].logp - s[1].logp;
    const double slope = (1 - share) * sigmoid(z) - share * sigmoid(-z);
    for (int i = 0; i < n; i++)
        s[i].reward = s[i].logp;
    s[0].d_logp = slope;
    s[1].d_logp = -slope;
    return share * softplus(-z) + (1 - share) * softplus(z);
}

const struct objective objective_preference_model = {
    .name = "preference-model",
    .title = "Pairwise preference model",
    .summary = "Learns to say which of two responses is better, both in one prompt; sees what a score of single "
               "responses cannot, preferences that run in circles included.",
    .paper = "Jiang et al. 2023, arXiv:2306.02561 (responses compared side by side); Munos et al. 2023, "
             "arXiv:2312.00886; Dong et al. 2024, arXiv:2405.07863 (the letter as answer)",
    .formula = "prompt = \"[CONTEXT] x [RESPONSE A] y [RESPONSE B] y' [BETTER]\", in an order that the seed draws\n"
               "z = log pi(letter of chosen) - log pi(letter of rejected)\n"
               "loss = -P * log sigmoid(z) - (1 - P) * log sigmoid(-z)        P: share of votes for chosen",
    .pitfalls = "The place of a response can be learnt as if it were quality: watch eval/position_bias and "
                "eval/orders_agree, and judge with both orders. Prompts hold both responses: long pairs are cut to "
                "max-length, all three texts alike.",
    .data = DATA_PAIR,
    .needs = {.groups = GROUPS_COMPARISON | GROUPS_TIES},
    .log_odds = true,
    .params = params,
    .loss = preference_loss,
};
