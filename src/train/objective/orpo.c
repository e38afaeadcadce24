// ORPO: fine-tuning and preference in one stage, by the ratio of the odds of the two responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { LAMBDA };

static const struct param params[] = {
    [LAMBDA] = {.name = "lambda", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,
                .group = "objective",
                .help = "Weight of the odds ratio beside imitation of the chosen response; TRL calls it beta."},
    {0}};
static const char *const metrics_here[] = {"nll_loss", "log_odds_ratio", "log_odds_chosen", NULL};

struct log_odds {
    double value, slope;
};

// log(p / (1 - p)) of p = e^mean. At p -> 1 it and its slope have no bound: above -1e-6 it goes on as a straight line.
static struct log_odds log_odds(double mean)
{
    const double at = fmin(mean, -1e-6), slope = -1 / expm1(at);
    const double log_rest = at > -0.6931471805599453 ? log(-expm1(at)) : log1p(-exp(at)); // log(1 - p)
    return (struct log_odds){at - log_rest + (mean - at) * slope, slope};
}

// L = -mean_w - lambda log sigmoid(log odds(chosen) - log odds(rejected)), where mean = log pi / |y|.
static double orpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double lambda = r->values[LAMBDA];
    margin_of(s, lambda, SCORE_MEAN_LOGP); // the rewards
    const struct log_odds chosen = log_odds(s[0].logp / s[0].n), rejected = log_odds(s[1].logp / s[1].n);
    const struct margin m = {chosen.value - rejected.value, chosen.slope / s[0].n, -rejected.slope / s[1].n};
    const struct curve c = curve_logistic(m.z, 0);
    metrics[0] = chosen_nll(s);
    metrics[1] = -c.loss;
    metrics[2] = m.z;
    const double loss = margin_send(s, m, (struct curve){lambda * c.loss, lambda * c.slope});
    return loss + imitate_chosen(s, 1.0 / s[0].n);
}

const struct objective objective_orpo = {
    .name = "orpo",
    .title = "Odds Ratio Preference Optimization",
    .summary = "Imitates chosen responses and lowers the odds of rejected ones in one stage, without a reference "
               "model; for a base model that has not been fine-tuned yet.",
    .paper = "Hong et al. 2024, arXiv:2403.07691",
    .formula = "p = exp(log pi(y) / |y|), odds = p / (1 - p)\n"
               "z = log odds(chosen) - log odds(rejected)\n"
               "loss = -log pi(chosen) / |chosen| - lambda * log sigmoid(z)",
    .pitfalls = "Where a model is nearly certain of every token, p is nearly 1 and the odds have no bound: the slope "
                "is cut at a mean of -1e-6 nats, and is still a million there; keep gradient clipping on. The "
                "imitation is of responses alone; TRL also imitates the prompt. Needs the larger learning rates of "
                "fine-tuning.",
    .data = DATA_PAIR,
    .params = params,
    .metrics = metrics_here,
    .loss = orpo_loss,
};
