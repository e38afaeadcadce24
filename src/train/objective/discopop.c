// DiscoPOP: a loss that a language model found by search, between logistic and exponential.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, TAU };

static const struct param params[] = {
    [BETA] = MARGIN_BETA_OF("0.05"),
    [TAU] = {.name = "tau", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0.001, .max = 1, .live = true,
             .group = "objective",
             .help = "How sharply the loss changes from logistic (z below 0) to exponential (z above 0)."},
    {0}};

// L = (1 - m) log(1 + e^-z) + m e^-z with m = sigmoid(z / tau). m e^-z is made from logarithms: for tau up to 1 it is
// bounded, although e^-z is not.
static struct curve blend(double z, double tau)
{
    const double m = sigmoid(z / tau), rest = sigmoid(-z / tau), logistic = softplus(-z);
    const double exponential = exp(-softplus(-z / tau) - z);
    return (struct curve){rest * logistic + exponential,
                          -rest * sigmoid(-z) - exponential + rest / tau * (exponential - m * logistic)};
}

static double discopop_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    return margin_send(s, m, blend(m.z, r->values[TAU]));
}

const struct objective objective_discopop = {
    .name = "discopop",
    .title = "Discovered Preference Optimization (DiscoPOP)",
    .summary = "DPO under a curve that was found by letting a language model propose losses: logistic below a margin "
               "of 0, exponential above.",
    .paper = "Lu et al. 2024, arXiv:2406.08414",
    .formula = FORMULA_MARGIN
               "m = sigmoid(z / tau)\n"
               "loss = (1 - m) * log(1 + e^-z) + m * e^-z",
    .pitfalls = "Not convex, and every run begins on the wrong slope: between z = -0.12 and 0.07 (at the default tau) "
                "the loss rises with the margin, so the first steps push pairs the wrong way. Short runs end in the "
                "valley at z = -0.12, with accuracies below one half; it takes the noise of long training to carry "
                "pairs over the hill. From tau = 0.2 on there is no valley.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = discopop_loss,
};
