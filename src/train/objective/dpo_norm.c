// DPO on log-ratios per token.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, LABEL_SMOOTHING };

static const struct param params[] = {[BETA] = MARGIN_BETA_OF("5"), [LABEL_SMOOTHING] = MARGIN_LABEL_SMOOTHING, {0}};

static double dpo_norm_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_MEAN_RATIO);
    return margin_send(s, m, curve_logistic(m.z, r->values[LABEL_SMOOTHING]));
}

const struct objective objective_dpo_norm = {
    .name = "dpo-norm",
    .title = "Length-normalized DPO",
    .summary = "DPO on log-ratios per token, so that long responses have no larger say than short ones; keeps a "
               "reference, unlike SimPO.",
    .paper = "Lambert et al. 2024 (Tulu 3), arXiv:2411.15124",
    .formula = FORMULA_RATIOS
               "z = beta * (a / |chosen| - b / |rejected|)\n"
               FORMULA_SMOOTHED,
    .pitfalls = "beta is not DPO's: ratios per token are small, so it has to be larger by about the length of a "
                "response (5 is usual); 0.1 teaches next to nothing.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .loss = dpo_norm_loss,
};
