// Generalized Preference Optimization: DPO's margin under any convex curve (and one that is not).
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, FUNCTION };
enum { LOGISTIC, HINGE, SQUARED, EXPONENTIAL, TRUNCATED_QUADRATIC, SAVAGE };

static const char *const functions[] = {
    "logistic", "hinge", "squared", "exponential", "truncated-quadratic", "savage", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [FUNCTION] = {.name = "function", .type = PARAM_CHOICE, .fallback = "truncated-quadratic", .choices = functions,
                  .group = "objective",
                  .help = "The curve over the margin; logistic is dpo, hinge is SLiC's on log-ratios, squared is ipo "
                          "summed."},
    {0}};

// e^-z, continued as a straight line below -20: pairs that far wrong would drown all others.
static struct curve exponential(double z)
{
    const double at = fmax(z, -20), value = exp(-at);
    return (struct curve){value * (1 + at - z), -value};
}

static struct curve gpo_curve(int function, double z)
{
    switch (function) {
    case LOGISTIC:
        return curve_logistic(z, 0);
    case HINGE:
        return curve_hinge(z);
    case SQUARED:
        return (struct curve){(1 - z) * (1 - z), -2 * (1 - z)};
    case EXPONENTIAL:
        return exponential(z);
    case TRUNCATED_QUADRATIC:
        return z < 1 ? (struct curve){(1 - z) * (1 - z), -2 * (1 - z)} : (struct curve){0, 0};
    default: { // SAVAGE: 1 / (1 + e^z)^2
        const double wrong = sigmoid(-z);
        return (struct curve){wrong * wrong, -2 * wrong * wrong * sigmoid(z)};
    }
    }
}

static double gpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    return margin_send(s, m, gpo_curve((int)r->values[FUNCTION], m.z));
}

const struct objective objective_gpo = {
    .name = "gpo",
    .title = "Generalized Preference Optimization",
    .summary = "DPO's margin under a curve of your choice, to see what the curve itself does; dpo, ipo and the hinge "
               "loss are members of the family.",
    .paper = "Tang et al. 2024, arXiv:2402.05749",
    .formula = FORMULA_MARGIN
               "loss = f(z) with f by function:\n"
               "logistic             log(1 + e^-z)\n"
               "hinge                max(0, 1 - z)\n"
               "squared              (1 - z)^2\n"
               "exponential          e^-z, below z = -20 a straight line\n"
               "truncated-quadratic  max(0, 1 - z)^2\n"
               "savage               1 / (1 + e^z)^2",
    .pitfalls = "exponential lets a few badly wrong pairs decide the whole step; clip gradients. squared also pulls "
                "margins above 1 back. hinge and truncated-quadratic teach nothing once z is above 1, so beta decides "
                "how far the model goes. savage is not convex: pairs that are far wrong are given up.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = gpo_loss,
};
