// Token-level DPO: DPO's margin less the difference of the two responses' forward KL divergence from the reference,
// summed over tokens and taken over the whole vocabulary.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, ALPHA };

static const struct param params1[] = {[BETA] = MARGIN_BETA, {0}};
static const struct param params2[] = {
    [BETA] = MARGIN_BETA,
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0, .max = 100, .live = true,
               .group = "objective",
               .help = "How much the rejected response's divergence from the reference counts against the pair; 0 is "
                       "DPO."},
    {0}};
static const char *const metrics_here[] = {"kl/chosen", "kl/rejected", NULL};

// z = beta ((lw - rw) - (ll - rl) - alpha (kl_l - kl_w)), where kl_w may be a constant; the logistic loss of it.
static double tdpo_loss(struct seq *s, double beta, double alpha, double kl_chosen, bool through_chosen,
                        double *metrics)
{
    struct margin m = margin_of(s, beta, SCORE_RATIO);
    m.z -= beta * alpha * (s[1].kl - kl_chosen);
    const struct curve c = curve_logistic(m.z, 0);
    s[0].d_kl = through_chosen ? c.slope * beta * alpha : 0;
    s[1].d_kl = -c.slope * beta * alpha;
    for (int i = 0; i < 2; i++) {
        s[i].reward += beta * s[i].kl;
        metrics[i] = s[i].kl;
    }
    return margin_send(s, m, c);
}

static double tdpo1_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return tdpo_loss(s, r->values[BETA], 1, s[0].kl, true, metrics);
}

// The chosen response's divergence is held: the loss cannot be lowered by moving the model away from it there.
static void tdpo2_hold(const struct objective_run *r, struct seq *s, int n)
{
    s[0].prepared = s[0].kl;
}

static double tdpo2_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return tdpo_loss(s, r->values[BETA], r->values[ALPHA], s[0].prepared, false, metrics);
}

const struct objective objective_tdpo1 = {
    .name = "tdpo1",
    .title = "Token-level DPO, first form",
    .summary = "DPO that also compares, token by token, how far the model has moved from the reference on the two "
               "responses; keeps the divergence in balance.",
    .paper = "Zeng et al. 2024, arXiv:2404.11999",
    .formula = "K(y) = sum_t KL(ref(. | x, y_<t) || pi(. | x, y_<t))\n"
               "z = beta * [log-ratio(chosen) - log-ratio(rejected) - (K(rejected) - K(chosen))]\n"
               "loss = -log sigmoid(z)",
    .pitfalls = "The reference runs beside the model in every step: about a third more time, and with full "
                "fine-tuning a second copy of the weights. The loss can also be lowered by moving away from the "
                "reference on the chosen response; tdpo2 cannot do that and did better in the paper.",
    .data = DATA_PAIR,
    .needs = {.reads = READ_KL, .networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = params1,
    .metrics = metrics_here,
    .loss = tdpo1_loss,
};

const struct objective objective_tdpo2 = {
    .name = "tdpo2",
    .title = "Token-level DPO, second form",
    .summary = "Token-level DPO in which only the rejected response's divergence is pushed down; the form that its "
               "paper recommends.",
    .paper = "Zeng et al. 2024, arXiv:2404.11999",
    .formula = "K(y) as in tdpo1, [.] without gradient\n"
               "z = beta * [log-ratio(chosen) - log-ratio(rejected) - alpha * (K(rejected) - [K(chosen)])]\n"
               "loss = -log sigmoid(z)",
    .pitfalls = "The reference runs beside the model in every step: about a third more time, and with full "
                "fine-tuning a second copy of the weights. rewards/* are beta * (log-ratio + K), as in the authors' "
                "code, so their difference is not z. The authors' configuration takes the first form unless told "
                "otherwise.",
    .data = DATA_PAIR,
    .needs = {.reads = READ_KL, .networks = NETWORK_REFERENCE},
    .params = params2,
    .metrics = metrics_here,
    .hold = tdpo2_hold,
    .loss = tdpo2_loss,
};
