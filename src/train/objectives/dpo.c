// Direct Preference Optimization and its label-smoothed form (cDPO).
#include "config.h"

#include "corpus/corpus.h"
#include "train/objectives/margin.h"
#include "train/objectives/stable.h"

enum { BETA, LABEL_SMOOTHING, REFERENCE_FREE };

static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [LABEL_SMOOTHING] = {.name = "label-smoothing", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 0.499,
                         .live = true, .group = "objective",
                         .help = "The share of pairs that are assumed to be labelled the wrong way round (cDPO)."},
    [REFERENCE_FREE] = {.name = "reference-free", .type = PARAM_BOOL, .fallback = "no", .group = "objective",
                        .help = "Compare log-probabilities themselves, without those of the reference model."},
    {0}};

// L = -(1 - e) log sigmoid(z) - e log sigmoid(-z) with z = beta ((lw - rw) - (ll - rl));
// dL/dz = -(1 - e) sigmoid(-z) + e sigmoid(z).
static double dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], smoothing = r->values[LABEL_SMOOTHING];
    const double z = margin_of_pair(s, beta, r->values[REFERENCE_FREE] == 0);
    margin_send(s, beta, -(1 - smoothing) * sigmoid(-z) + smoothing * sigmoid(z));
    return (1 - smoothing) * softplus(-z) + smoothing * softplus(z);
}

static unsigned dpo_needs(const double *values)
{
    return values[REFERENCE_FREE] != 0 ? 0 : NEED_REFERENCE;
}

const struct objective objective_dpo = {
    .name = "dpo",
    .title = "Direct Preference Optimization",
    .summary = "Makes chosen responses more likely than rejected ones, relative to the model it started from; the "
               "usual first choice for preference pairs.",
    .paper = "Rafailov et al. 2023, arXiv:2305.18290; label smoothing: Mitchell 2023 (cDPO)",
    .formula = "z = beta * [(log pi(chosen) - log ref(chosen)) - (log pi(rejected) - log ref(rejected))]\n"
               "loss = -(1 - s) * log sigmoid(z) - s * log sigmoid(-z)        s: label-smoothing",
    .pitfalls = "The chosen log-probability may fall together with the rejected one; watch logps/chosen. Longer "
                "responses carry larger sums, so length can be learnt as if it were quality. With s = 0 and pairs "
                "that never disagree the margin has no bound.",
    .data = DATA_PAIR,
    .needs = NEED_REFERENCE,
    .params = params,
    .needs_now = dpo_needs,
    .loss = dpo_loss,
};
