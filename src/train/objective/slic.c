// SLiC-HF, the direct form: calibrate on human pairs, and keep imitating the chosen responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { DELTA, LAMBDA };

static const struct param params[] = {
    [DELTA] = {.name = "delta", .type = PARAM_FLOAT, .fallback = "1", .min = 1e-3, .max = 1000, .unit = "nats",
               .live = true, .group = "objective",
               .help = "How many nats more likely the chosen response shall be before a pair teaches nothing more."},
    [LAMBDA] = {.name = "lambda", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,
                .group = "objective",
                .help = "Weight of imitating the chosen response, the regularizer that stands in for a reference "
                        "model."},
    {0}};
static const char *const metrics_here[] = {"nll_loss", NULL};

// L = max(0, delta - log pi(chosen) + log pi(rejected)) - lambda log pi(chosen): the hinge at z = logp difference -
// delta + 1.
static double slic_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, 1, SCORE_LOGP);
    const double loss = margin_send(s, m, curve_hinge(m.z - r->values[DELTA] + 1));
    metrics[0] = chosen_nll(s);
    return loss + imitate_chosen(s, r->values[LAMBDA]);
}

const struct objective objective_slic = {
    .name = "slic",
    .title = "Sequence Likelihood Calibration (SLiC-HF, direct)",
    .summary = "A hinge on the difference of log-probabilities, with imitation of the chosen response instead of a "
               "reference model: half the memory of DPO and no reference pass.",
    .paper = "Zhao et al. 2023, arXiv:2305.10425",
    .formula = "loss = max(0, delta - log pi(chosen) + log pi(rejected))\n"
               "       - lambda * log pi(chosen)",
    .pitfalls = "Log-probabilities are sums, so the shorter response has a head start that has nothing to do with "
                "quality. What other programs call hinge is another loss: DPO's margin with a reference (gpo with "
                "function = hinge). The paper's regularizer imitates the fine-tuning targets; pairs hold none, so the "
                "chosen ones take their place.",
    .data = DATA_PAIR,
    .params = params,
    .metrics = metrics_here,
    .loss = slic_loss,
};
