// SimPO: mean log-probability as the reward, without a reference, and a margin to reach.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, RATIO };

static const struct param params[] = {
    [BETA] = MARGIN_SCALE_OF("2.5"),
    [RATIO] = {.name = "gamma-beta-ratio", .type = PARAM_FLOAT, .fallback = "0.55", .min = 0, .max = 100,
               .unit = "nats per token", .live = true, .group = "objective",
               .help = "By how much the chosen response's mean log-probability shall be higher: the paper's gamma / "
                       "beta."},
    {0}};

// L = -log sigmoid(beta (logp_w / n_w - logp_l / n_l - ratio)); the paper's gamma is beta times the ratio.
static double simpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    struct margin m = margin_of(s, r->values[BETA], SCORE_MEAN_LOGP);
    m.z -= r->values[BETA] * r->values[RATIO];
    return margin_send(s, m, curve_logistic(m.z, 0));
}

const struct objective objective_simpo = {
    .name = "simpo",
    .title = "Simple Preference Optimization",
    .summary = "Compares mean log-probabilities per token without a reference model; what is compared is what "
               "decoding maximizes, and length is not rewarded.",
    .paper = "Meng et al. 2024, arXiv:2405.14734",
    .formula = "h = log pi(chosen) / |chosen| - log pi(rejected) / |rejected|\n"
               "loss = -log sigmoid(beta * (h - gamma-beta-ratio))",
    .pitfalls = "Nothing holds the model back: the learning rate does, and one ten times too high makes it babble "
                "(the paper's are 3e-7 to 1e-6 for 7B models). Programs that ask for gamma itself mean beta * "
                "gamma-beta-ratio, 1.375 at the defaults. Good settings differ by model: beta 2 to 10, ratio 0.1 to "
                "0.8.",
    .data = DATA_PAIR,
    .params = params,
    .loss = simpo_loss,
};
