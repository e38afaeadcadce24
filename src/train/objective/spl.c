// Soft Preference Learning: DPO whose KL is taken apart. KL(pi, ref) is cross-entropy less entropy; here each has its own
// weight.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { ALPHA, BETA };

static const struct param params[] = {
    [ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.2", .min = 1e-4, .max = 100, .live = true,
               .group = "objective",
               .help = "What entropy is worth: larger says more different things, smaller follows the preferences further. "
                       "As large as beta it is DPO; 1 with beta 0 says each answer as often as people prefer it."},
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,
              .group = "objective",
              .help = "What agreeing with the reference is worth: larger keeps more of its habits; 0: none, and no "
                      "reference is needed."},
    {0}};

// alpha log pi - beta log ref, written so that with alpha = beta it is DPO's reward to the last bit.
static double spl_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double alpha = r->values[ALPHA], beta = r->values[BETA];
    struct margin m = margin_of(s, alpha, beta == 0 ? SCORE_LOGP : SCORE_RATIO);
    for (int i = 0; i < 2 && beta != 0; i++)
        s[i].reward += (alpha - beta) * s[i].ref;
    m.z = s[0].reward - s[1].reward;
    return margin_send(s, m, curve_logistic(m.z, 0));
}

static void spl_needs(const double *values, struct needs *n)
{
    if (values[BETA] == 0)
        n->networks = 0;
}

const struct objective objective_spl = {
    .name = "spl",
    .title = "Soft Preference Learning",
    .summary = "DPO with two weights for what its beta does at once: how much is kept of the reference (beta), and how many "
               "different things are said (alpha). With alpha above beta minorities keep more of their share than in DPO.",
    .paper = "Slocum et al. 2025 (ICLR), arXiv:2511.08594; alpha 1, beta 0: the optimum of preference matching, Xiao et al. "
             "2024, arXiv:2405.16455",
    .formula = "z = alpha * (log pi(chosen) - log pi(rejected)) - beta * (log ref(chosen) - log ref(rejected))\n"
               "loss = -log sigmoid(z)\n"
               "its optimum, with p(y) ~ exp(reward(y)), the shares that people prefer: pi(y) ~ ref(y)^(beta / alpha) * "
               "p(y)^(1 / alpha)\n"
               "corners: alpha = beta is dpo; alpha 1, beta 0 offline preference matching, pi = p; alpha 1, beta 1 "
               "pi ~ ref * p; alpha below 1, beta 0 sharper than people, whatever the reference says",
    .pitfalls = "The weights are of whole responses. Away from alpha = beta the margin does not begin at 0 but at (alpha - "
                "beta) times the difference of the two log-probabilities, which grows with their lengths: the shorter one "
                "begins ahead. Where pairs say nothing the optimum is the reference at temperature alpha / beta, which for "
                "long texts soon is gibberish: raise alpha little by little, from beta on. rewards/chosen is alpha * log pi "
                "- beta * log ref; between the two of a pair it compares, alone it says little. The defaults, DPO's usual "
                "beta and twice that for entropy, are a choice of this program, not the paper's.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .entropy_weight = "alpha",
    .params = params,
    .needs_now = spl_needs,
    .loss = spl_loss,
};
