// Regularized Preference Optimization: DPO plus imitation of the chosen responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, ETA, SFT };
enum { SUM, MEAN };

static const char *const forms[] = {"sum", "mean", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [ETA] = {.name = "eta", .type = PARAM_FLOAT, .fallback = "0.005", .min = 0, .max = 100, .live = true,
             .group = "objective",
             .help = "Weight of imitating the chosen response; the paper takes 0.005 with sum and 0.2 with mean."},
    [SFT] = {.name = "sft", .type = PARAM_CHOICE, .fallback = "sum", .choices = forms, .group = "objective",
             .help = "Imitate by eta * beta times the summed log-probability (sum) or eta times its mean per token "
                     "(mean)."},
    {0}};
static const char *const metrics_here[] = {"nll_loss", NULL};

static double rpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], eta = r->values[ETA];
    const struct margin m = margin_of(s, beta, SCORE_RATIO);
    const double loss = margin_send(s, m, curve_logistic(m.z, 0));
    metrics[0] = chosen_nll(s);
    return loss + imitate_chosen(s, r->values[SFT] == MEAN ? eta / s[0].n : eta * beta);
}

const struct objective objective_rpo = {
    .name = "rpo",
    .title = "Regularized Preference Optimization",
    .summary = "DPO plus imitation of the chosen responses, which the paper proves to limit over-optimization, and "
               "which keeps the chosen log-probability from sinking.",
    .paper = "Liu et al. 2024, arXiv:2405.16436 (equation 4.8; the mean form is its appendix F)",
    .formula = "loss = dpo - eta * beta * log pi(chosen)        with sft = sum\n"
               "loss = dpo - eta * log pi(chosen) / |chosen|    with sft = mean",
    .pitfalls = "Three losses go by this name: this one, the mean form (which the authors call generally better, with "
                "eta = 0.2 and beta = 0.5), and iterative reasoning's with weight 1 on the mean: set sft = mean and "
                "eta = 1. At the paper's eta = 0.005 the pull on the chosen response is a hundred times weaker than "
                "DPO's push at the start; it matters late. The paper's betas are 0.01 and 0.05.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .metrics = metrics_here,
    .loss = rpo_loss,
};
