// Anchored Preference Optimization: two losses that say where chosen and rejected responses shall go, not only that
// they shall part.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA };

static const struct param params[] = {[BETA] = MARGIN_BETA, {0}};

// sigmoid'(z)
static double bell(double z)
{
    return sigmoid(z) * sigmoid(-z);
}

// L = 1 - sigmoid(Rw) + sigmoid(Rl)
static double apo_zero_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    margin_of(s, beta, SCORE_RATIO);
    s[0].d_logp = -beta * bell(s[0].reward);
    s[1].d_logp = beta * bell(s[1].reward);
    return sigmoid(-s[0].reward) + sigmoid(s[1].reward);
}

// L = sigmoid(Rw) + 1 - sigmoid(Rw - Rl)
static double apo_down_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], z = margin_of(s, beta, SCORE_RATIO).z;
    s[0].d_logp = beta * (bell(s[0].reward) - bell(z));
    s[1].d_logp = beta * bell(z);
    return sigmoid(s[0].reward) + sigmoid(-z);
}

const struct objective objective_apo_zero = {
    .name = "apo-zero",
    .title = "Anchored Preference Optimization (zero)",
    .summary = "Raises chosen and lowers rejected responses; for pairs whose chosen responses are better than what "
               "the model says now.",
    .paper = "D'Oosterlinck et al. 2024, arXiv:2408.06266",
    .formula = FORMULA_REWARDS
               "loss = 1 - sigmoid(A) + sigmoid(B)",
    .pitfalls = "Raises the chosen responses whatever they are: where the model is already better than the data it "
                "makes it worse, and apo-down is the one to take. The gradient fades on both sides, so outliers have "
                "little say.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = apo_zero_loss,
};

const struct objective objective_apo_down = {
    .name = "apo-down",
    .title = "Anchored Preference Optimization (down)",
    .summary = "Lowers both responses, the rejected one more; for pairs whose chosen responses are worse than what "
               "the model says now.",
    .paper = "D'Oosterlinck et al. 2024, arXiv:2408.06266",
    .formula = FORMULA_REWARDS
               "loss = sigmoid(A) + 1 - sigmoid(A - B)",
    .pitfalls = "The chosen log-probability falls on purpose: where the chosen responses are good, take apo-zero. At "
                "the very start the chosen response has no gradient at all.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = apo_down_loss,
};
