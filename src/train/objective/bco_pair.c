// BCO on pairs: a classifier whose logit is the implicit reward.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA };

static const struct param params[] = {[BETA] = MARGIN_BETA, {0}};

// L = -log sigmoid(Rw) - log sigmoid(-Rl)
static double bco_pair_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    margin_of(s, beta, SCORE_RATIO);
    s[0].d_logp = -beta * sigmoid(-s[0].reward);
    s[1].d_logp = beta * sigmoid(s[1].reward);
    return softplus(-s[0].reward) + softplus(s[1].reward);
}

const struct objective objective_bco_pair = {
    .name = "bco-pair",
    .title = "Binary Classifier Optimization (pairs)",
    .summary = "Trains the implicit reward as a classifier: chosen responses above the reference, rejected ones below "
               "it, each by itself.",
    .paper = "Jung et al. 2024, arXiv:2404.04656",
    .formula = FORMULA_REWARDS
               "loss = -log sigmoid(A) - log sigmoid(-B)",
    .pitfalls = "Its minimum bounds DPO's loss from above but does not stop there: both rewards go on without bound. "
                "This is the form without a shift of the rewards; bco has the shift, and learns from single responses.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = bco_pair_loss,
};
