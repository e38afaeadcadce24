// NCA on pairs: each response against the reference by itself, so that chosen ones stay likely.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA };

static const struct param params[] = {[BETA] = MARGIN_BETA_OF("0.01"), {0}};

// With the rewards R: L = -log sigmoid(Rw) - 1/2 log sigmoid(-Rw) - 1/2 log sigmoid(-Rl).
static double nca_pair_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    margin_of(s, beta, SCORE_RATIO);
    const double chosen = s[0].reward, rejected = s[1].reward;
    s[0].d_logp = beta * (0.5 * sigmoid(chosen) - sigmoid(-chosen));
    s[1].d_logp = beta * 0.5 * sigmoid(rejected);
    return softplus(-chosen) + 0.5 * softplus(chosen) + 0.5 * softplus(rejected);
}

const struct objective objective_nca_pair = {
    .name = "nca-pair",
    .title = "Noise Contrastive Alignment (pairs)",
    .summary = "Raises chosen and lowers rejected responses each by itself, not only apart from each other; for when "
               "DPO lets the chosen log-probability sink.",
    .paper = "Chen et al. 2024, arXiv:2402.05369",
    .formula = FORMULA_REWARDS
               "loss = -log sigmoid(A) - log sigmoid(-A) / 2 - log sigmoid(-B) / 2",
    .pitfalls = "The chosen reward has an optimum, at sigmoid(R) = 2/3: beyond R = log 2 it is pulled back. At the "
                "default beta that is 69 nats above the reference; a larger beta keeps it nearer. For more than two "
                "responses use nca.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = nca_pair_loss,
};
