// Identity Preference Optimization: the margin is drawn to a target instead of growing without end.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, RATIO };
enum { MEAN, SUM };

static const char *const ratios[] = {"mean", "sum", NULL};
static const struct param params[] = {
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .live = true,
              .group = "objective",
              .help = "The paper's tau: chosen and rejected log-ratios are drawn 1 / (2 beta) nats apart."},
    [RATIO] = {.name = "log-ratio", .type = PARAM_CHOICE, .fallback = "mean", .choices = ratios, .group = "objective",
               .help = "Log-ratios per token (mean: what the paper's results use) or of whole responses (sum: what "
                       "its formula says)."},
    {0}};

// L = (h - 1 / (2 beta))^2 with h = z / beta.
static double ipo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    const struct margin m = margin_of(s, beta, r->values[RATIO] == MEAN ? SCORE_MEAN_RATIO : SCORE_RATIO);
    const double off = (m.z - 0.5) / beta;
    return margin_send(s, m, (struct curve){off * off, 2 * off / beta});
}

const struct objective objective_ipo = {
    .name = "ipo",
    .title = "Identity Preference Optimization",
    .summary = "Draws the difference of log-ratios to a fixed target, so that pairs that never disagree cannot drive "
               "it on without end as they do in DPO.",
    .paper = "Azar et al. 2023, arXiv:2310.12036",
    .formula = FORMULA_RATIOS
               "with log-ratio = mean both are divided by the lengths of the responses\n"
               "loss = (a - b - 1 / (2 * beta))^2",
    .pitfalls = "Both forms go by the name IPO and are not interchangeable: 1 / (2 beta) is 5 nats per token at the "
                "default, which hardly a model reaches, or 5 nats per response. The loss is in squared nats: 25 at "
                "the start for beta = 0.1, so compare margins, not losses, with other objectives.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = ipo_loss,
};
