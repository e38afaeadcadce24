// Stepwise DPO: DPO's loss; what is stepwise, the references of its stages, is train/stages.c.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, LABEL_SMOOTHING, STAGES, ORDER };

static const char *const orders[] = {"file", "easy-first", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [LABEL_SMOOTHING] = MARGIN_LABEL_SMOOTHING,
    [STAGES] = {.name = "stages", .type = PARAM_INT, .fallback = "2", .min = 1, .max = 64, .unit = "stages",
                .group = "objective",
                .help = "Into how many chunks the data is cut; each stage learns from one, with the model as the stage "
                        "began as its reference."},
    [ORDER] = {.name = "order", .type = PARAM_CHOICE, .fallback = "file", .choices = orders, .group = "objective",
               .help = "How the data is cut: as it stands in the file, or the pairs first that the initial model tells "
                       "apart already."},
    {0}};

static double sdpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct margin m = margin_of(s, r->values[BETA], SCORE_RATIO);
    return margin_send(s, m, curve_logistic(m.z, r->values[LABEL_SMOOTHING]));
}

const struct objective objective_sdpo = {
    .name = "sdpo",
    .title = "Stepwise DPO",
    .summary = "DPO in stages: each learns from its own chunk of the data with the stage before as reference, so that "
               "the reference gets better as the model does and the model may go further from where it began.",
    .paper = "Kim et al. 2024, arXiv:2403.19270",
    .formula = "stage t = 1 .. T on chunk t, ref_1 = the initial model, ref_t = the model at the end of stage t - 1:\n"
               "z = beta * [(log pi(chosen) - log ref_t(chosen)) - (log pi(rejected) - log ref_t(rejected))]\n"
               "loss = -(1 - s) * log sigmoid(z) - s * log sigmoid(-z)        s: label-smoothing",
    .pitfalls = "Rewards, margins and the loss of a stage are relative to that stage's reference: at a stage's first "
                "step they begin again at zero and log 2, also on held-out rows. The steps are shared among the stages "
                "in proportion to their chunks; learning rate and optimizer go on through all of them. Margins that "
                "order the data are sums of log-probabilities, so long rejected answers look easy.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params,
    .loss = sdpo_loss,
};
