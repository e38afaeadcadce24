// Direct Preference Optimization and its label-smoothed form (cDPO).
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, LABEL_SMOOTHING, REFERENCE_FREE };

static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [LABEL_SMOOTHING] = MARGIN_LABEL_SMOOTHING,
    [REFERENCE_FREE] = {.name = "reference-free", .type = PARAM_BOOL, .fallback = "no", .group = "objective",
                        .help = "Compare log-probabilities themselves, without those of the reference model."},
    {0}};

static double dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], r->values[REFERENCE_FREE] != 0 ? SCORE_LOGP : SCORE_RATIO);
    return margin_send(s, m, curve_logistic(m.z, r->values[LABEL_SMOOTHING]));
}

static void dpo_needs(const double *values, struct needs *n)
{
    if (values[REFERENCE_FREE] != 0)
        n->networks = 0;
}

const struct objective objective_dpo = {
    .name = "dpo",
    .title = "Direct Preference Optimization",
    .summary = "Makes chosen responses more likely than rejected ones, relative to the model it started from; the "
               "usual first choice for preference pairs. With label-smoothing above 0 it is cDPO.",
    .paper = "Rafailov et al. 2023, arXiv:2305.18290; label smoothing: Mitchell 2023 (cDPO)",
    .formula = FORMULA_MARGIN FORMULA_SMOOTHED,
    .pitfalls = "The chosen log-probability may fall together with the rejected one; watch logps/chosen. Longer "
                "responses carry larger sums, so length can be learnt as if it were quality. With s = 0 and pairs "
                "that never disagree the margin has no bound; with s above 0 it settles where sigmoid(z) = 1 - s.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .needs_now = dpo_needs,
    .loss = dpo_loss,
};
