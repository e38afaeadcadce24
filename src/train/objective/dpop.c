// DPO-Positive (Smaug): DPO that may not win by making the chosen response less likely too.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, LAMBDA };

static const struct param params[] = {
    [BETA] = MARGIN_BETA_OF("0.3"),
    [LAMBDA] = {.name = "lambda", .type = PARAM_FLOAT, .fallback = "50", .min = 0, .max = 10000, .live = true,
                .group = "objective",
                .help = "How much it costs, per nat, when the chosen response becomes less likely than under the "
                        "reference."},
    {0}};
static const char *const metrics_here[] = {"chosen_lost", NULL};

// L = -log sigmoid(z - beta lambda max(0, ref(chosen) - logp(chosen))). At logp = ref, where every run begins, the
// penalty has a corner; its slope is taken as 0.
static double dpop_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], lost = fmax(0, s[0].ref - s[0].logp);
    struct margin m = margin_of(s, beta, SCORE_RATIO);
    m.z -= beta * r->values[LAMBDA] * lost;
    if (lost > 0)
        m.by_chosen += beta * r->values[LAMBDA];
    metrics[0] = lost;
    return margin_send(s, m, curve_logistic(m.z, 0));
}

const struct objective objective_dpop = {
    .name = "dpop",
    .title = "DPO-Positive",
    .summary = "DPO with a penalty as soon as the chosen response becomes less likely than under the reference; for "
               "pairs that differ in a few tokens, where DPO pushes both down.",
    .paper = "Pal et al. 2024 (Smaug), arXiv:2402.13228",
    .formula = FORMULA_MARGIN
               "loss = -log sigmoid(z - beta * lambda * max(0, -a))",
    .pitfalls = "The penalty's slope is 0 at the very start and lambda + 1 times DPO's (51 times at the default) as "
                "soon as a chosen response has lost anything: keep gradient clipping on. Losses in the tens are usual "
                "then; watch chosen_lost, the nats that chosen responses have lost, instead. Much text has the "
                "penalty outside of the logarithm; the paper has it inside.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .metrics = metrics_here,
    .loss = dpop_loss,
};
