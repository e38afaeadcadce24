// Contrastive Preference Optimization: DPO under a uniform reference, plus imitation of the chosen responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, ALPHA, LABEL_SMOOTHING };

static const struct param params[] = {
    [BETA] = MARGIN_SCALE_OF("0.1"),
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .live = true,
               .group = "objective",
               .help = "Weight of imitating the chosen response, by its mean negative log-likelihood per token."},
    [LABEL_SMOOTHING] = MARGIN_LABEL_SMOOTHING,
    {0}};
static const char *const metrics_here[] = {"nll_loss", NULL};

static double cpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_LOGP);
    const double loss = margin_send(s, m, curve_logistic(m.z, r->values[LABEL_SMOOTHING]));
    metrics[0] = chosen_nll(s);
    return loss + imitate_chosen(s, r->values[ALPHA] / s[0].n);
}

const struct objective objective_cpo = {
    .name = "cpo",
    .title = "Contrastive Preference Optimization",
    .summary = "DPO without a reference model, held in place by imitating the chosen responses; made for translation, "
               "where good references are scarce.",
    .paper = "Xu et al. 2024, arXiv:2401.08417",
    .formula = "z = beta * (log pi(chosen) - log pi(rejected))\n"
               "loss = -(1 - s) * log sigmoid(z) - s * log sigmoid(-z)\n"
               "       - alpha * log pi(chosen) / |chosen|\n"
               "s: label-smoothing",
    .pitfalls = "Sums are compared, so a shorter chosen response is ahead from the start and a longer one has to make "
                "up for its length. Imitation here is the mean of each response; TRL's is the mean over all tokens of "
                "a batch.",
    .data = DATA_PAIR,
    .log_odds = true,
    .params = params,
    .metrics = metrics_here,
    .loss = cpo_loss,
};
