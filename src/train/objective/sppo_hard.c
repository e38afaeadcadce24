// SPPO with hard labels: log-ratios are drawn to fixed targets, one above and one below the reference.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA };

static const struct param params[] = {
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.001", .min = 1e-4, .max = 100, .live = true,
              .group = "objective",
              .help = "Sets the targets: the log-ratios are drawn to plus and minus 1 / (2 beta) nats (beta = 1 / "
                      "eta of the paper)."},
    {0}};

// L = (a - 1 / (2 beta))^2 + (b + 1 / (2 beta))^2 with the log-ratios a, b.
static double sppo_hard_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double target = 0.5 / r->values[BETA];
    const double chosen = s[0].logp - s[0].ref - target, rejected = s[1].logp - s[1].ref + target;
    margin_of(s, r->values[BETA], SCORE_RATIO);
    s[0].d_logp = 2 * chosen;
    s[1].d_logp = 2 * rejected;
    return chosen * chosen + rejected * rejected;
}

const struct objective objective_sppo_hard = {
    .name = "sppo-hard",
    .title = "Self-Play Preference Optimization (hard labels)",
    .summary = "Draws log-ratios to targets by squares, as self-play does in each of its rounds when the winner is "
               "taken to win always; here on stored pairs.",
    .paper = "Wu et al. 2024, arXiv:2405.00675",
    .formula = FORMULA_RATIOS
               "loss = (a - 1 / (2 * beta))^2 + (b + 1 / (2 * beta))^2",
    .pitfalls = "At the default beta the targets are 500 nats away and the loss begins at 500000: nothing but the "
                "learning rate and the number of steps ends the push, so train briefly, with clipping. The paper's "
                "own pairs are sampled from the model of the last round.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = sppo_hard_loss,
};
