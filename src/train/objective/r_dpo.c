// R-DPO: DPO whose reward pays for length what it is told, so that length need not be learnt as quality.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, ALPHA, SIGN };
enum { PLUS, MINUS };

static const char *const signs[] = {"plus", "minus", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0, .max = 100, .unit = "per token",
               .live = true, .group = "objective",
               .help = "How much one token of length is worth; larger makes longer chosen responses teach less."},
    [SIGN] = {.name = "length-sign", .type = PARAM_CHOICE, .fallback = "plus", .choices = signs, .group = "objective",
              .help = "plus follows from the penalized reward and discourages length; minus is printed in a survey "
                      "and encourages it."},
    {0}};
static const char *const metrics_here[] = {"length_difference", NULL};

// From max E[r - alpha |y|] - beta KL follows r = beta log(pi / ref) + alpha |y| + const: z + alpha (|chosen| -
// |rejected|).
static double r_dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double longer = s[0].n - s[1].n;
    struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    m.z += (r->values[SIGN] == PLUS ? 1 : -1) * r->values[ALPHA] * longer;
    metrics[0] = longer;
    return margin_send(s, m, curve_logistic(m.z, 0));
}

const struct objective objective_r_dpo = {
    .name = "r-dpo",
    .title = "Length-regularized DPO",
    .summary = "DPO with a known price of length, so that pairs whose chosen response is longer teach less; for data "
               "in which longer answers win more often than they should.",
    .paper = "Park et al. 2024, arXiv:2403.19159",
    .formula = FORMULA_MARGIN
               "loss = -log sigmoid(z + alpha * (|chosen| - |rejected|))\n"
               "with length-sign = minus: z - alpha * (|chosen| - |rejected|)",
    .pitfalls = "alpha is per token: with responses that differ by hundreds of tokens 0.05 already saturates the "
                "sigmoid, and pairs whose chosen response is much longer teach nothing. The two signs do the opposite "
                "of each other, and both are in print. Rewards that are logged leave the length out.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .metrics = metrics_here,
    .loss = r_dpo_loss,
};
