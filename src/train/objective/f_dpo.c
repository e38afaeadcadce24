// f-DPO: DPO's derivation under another divergence than the reverse KL. What changes is the score of a response.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, DIVERGENCE, ALPHA };
enum { REVERSE_KL, FORWARD_KL, JENSEN_SHANNON, ALPHA_DIVERGENCE };

static const char *const divergences[] = {"reverse-kl", "forward-kl", "js", "alpha", NULL};
static const struct param params[] = {
    [BETA] = MARGIN_BETA,
    [DIVERGENCE] = {.name = "divergence", .type = PARAM_CHOICE, .fallback = "js", .choices = divergences,
                    .group = "objective",
                    .help = "From which divergence to the reference the loss follows: reverse-kl is dpo, js is "
                            "milder, forward-kl covers most."},
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0.01, .max = 1, .live = true,
               .group = "objective",
               .help = "With divergence = alpha: between the reverse KL (0) and the forward KL (1)."},
    {0}};

// f'(u) at u = pi / ref = e^a without its constants, and its derivative by a.
struct score {
    double value, slope;
};

// (1 - u^-alpha) / alpha; alpha = 1 is the forward KL. Where u^-alpha is above e^40 the score goes on as a straight
// line: it is past every use there, and its square still fits into a float.
static struct score power_score(double a, double alpha)
{
    const double at = fmax(a, -40 / alpha), slope = exp(-alpha * at);
    return (struct score){-expm1(-alpha * at) / alpha + (a - at) * slope, slope};
}

static struct score score_of(const struct seq *s, int divergence, double alpha)
{
    const double a = s->logp - s->ref;
    switch (divergence) {
    case REVERSE_KL:
        return (struct score){a, 1};
    case FORWARD_KL:
        return power_score(a, 1);
    case JENSEN_SHANNON:
        return (struct score){-softplus(-a), sigmoid(-a)};
    default:
        return power_score(a, alpha);
    }
}

static double f_dpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA];
    const int divergence = (int)r->values[DIVERGENCE];
    margin_of(s, beta, SCORE_RATIO); // rewards as in dpo: in nats, whatever the divergence
    const struct score chosen = score_of(&s[0], divergence, r->values[ALPHA]),
                       rejected = score_of(&s[1], divergence, r->values[ALPHA]);
    const struct margin m = {beta * (chosen.value - rejected.value), beta * chosen.slope, -beta * rejected.slope};
    return margin_send(s, m, curve_logistic(m.z, 0));
}

const struct objective objective_f_dpo = {
    .name = "f-dpo",
    .title = "f-DPO",
    .summary = "DPO derived from another divergence to the reference, to trade variety of answers against reward; "
               "reverse-kl is dpo itself.",
    .paper = "Wang et al. 2023, arXiv:2309.16240",
    .formula = FORMULA_RATIOS
               "loss = -log sigmoid(beta * (s(a) - s(b))) with s by divergence:\n"
               "reverse-kl  s(a) = a\n"
               "forward-kl  s(a) = -e^-a\n"
               "js          s(a) = log sigmoid(a)\n"
               "alpha       s(a) = (1 - e^(-alpha * a)) / alpha",
    .pitfalls = "forward-kl (and alpha near 1) grows as e^-a with the summed log-ratio: a response of tens of nats "
                "below the reference makes margins of billions, and one pair decides the step. It is cut to a "
                "straight line at e^40; keep clipping on and beta small, or use js. js hardly pushes a chosen "
                "response that is already likelier. TRL's newer alpha is 1 minus this one (the paper's).",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = params,
    .loss = f_dpo_loss,
};
