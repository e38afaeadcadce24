// EXO on pairs: the reverse of DPO's cross entropy.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, FLIPPED };

static const struct param params[] = {
    [BETA] = MARGIN_BETA_OF("0.5"),
    [FLIPPED] = {.name = "label-smoothing", .type = PARAM_FLOAT, .fallback = "0.001", .min = 1e-9, .max = 0.499,
                 .live = true, .group = "objective",
                 .help = "How likely it is taken to be that a pair is labelled the wrong way round; cannot be 0."},
    {0}};

// L = KL((q, 1 - q) || (1 - e, e)), q = sigmoid(z); dL/dz = q (1 - q) (z - log((1 - e) / e)).
static double exo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    const double e = r->values[FLIPPED], right = sigmoid(m.z), wrong = sigmoid(-m.z);
    const double apart_right = -softplus(-m.z) - log1p(-e), apart_wrong = -softplus(m.z) - log(e);
    return margin_send(s, m, (struct curve){right * apart_right + wrong * apart_wrong,
                                            right * wrong * (apart_right - apart_wrong)});
}

const struct objective objective_exo = {
    .name = "exo",
    .title = "Efficient Exact Optimization (pairs)",
    .summary = "Fits the model's preference to the labels by the reverse KL, which seeks one good mode where DPO's "
               "forward KL covers all.",
    .paper = "Ji et al. 2024, arXiv:2402.00856",
    .formula = FORMULA_MARGIN
               "q = sigmoid(z)\n"
               "loss = q * log(q / (1 - s)) + (1 - q) * log((1 - q) / s)\n"
               "s: label-smoothing",
    .pitfalls = "Not convex: far on the wrong side (z below about -5) the gradient fades, and such pairs are given "
                "up. Margins settle where sigmoid(z) = 1 - s, at beta * log-ratio difference 6.9 for the default.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .loss = exo_loss,
};
