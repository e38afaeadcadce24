// Robust DPO: label noise is not smoothed over but subtracted, so that the mean loss is that of clean labels.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, FLIPPED };

static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [FLIPPED] = {.name = "label-smoothing", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 0.49, .live = true,
                 .group = "objective",
                 .help = "The share of pairs whose labels are known to be the wrong way round; 0 is plain dpo."},
    {0}};

// L = [-(1 - e) log sigmoid(z) + e log sigmoid(-z)] / (1 - 2e)
static double robust_dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double e = r->values[FLIPPED], scale = 1 / (1 - 2 * e);
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    return margin_send(s, m, (struct curve){scale * ((1 - e) * softplus(-m.z) - e * softplus(m.z)),
                                            scale * (-(1 - e) * sigmoid(-m.z) - e * sigmoid(m.z))});
}

const struct objective objective_robust_dpo = {
    .name = "robust-dpo",
    .title = "Robust DPO",
    .summary = "DPO for labels of which a known share is wrong: the expected loss under flipped labels is that of the "
               "right ones.",
    .paper = "Chowdhury et al. 2024, arXiv:2403.00409",
    .formula = FORMULA_MARGIN
               "loss = [-(1 - s) * log sigmoid(z) + s * log sigmoid(-z)] / (1 - 2s)\n"
               "s: label-smoothing",
    .pitfalls = "The loss becomes negative and has no lower bound: for large z it falls by s / (1 - 2s) per unit and "
                "the gradient never fades, so pairs that are settled go on being pushed apart. Stop by a held-out "
                "margin, not by the loss. Near s = 0.5 the factor 1 / (1 - 2s) is large.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .loss = robust_dpo_loss,
};
