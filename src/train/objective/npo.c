// Negative Preference Optimization: unlearning bad responses, with two ways of keeping what is good.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"

enum { BETA, RETAIN, RETAIN_KL };

static const struct param params[] = {
    [BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .live = true,
              .group = "objective",
              .help = "How soon a bad response counts as forgotten: towards 0 it is plain gradient ascent, which "
                      "never stops."},
    [RETAIN] = {.name = "retain", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1000, .group = "objective",
                .help = "Weight of imitating good responses, by their mean loss per token (the paper's NPO+RT takes "
                        "1)."},
    [RETAIN_KL] = {.name = "retain-kl", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1000,
                   .group = "objective",
                   .help = "Weight of staying with the reference on good responses, by the mean KL per token over "
                           "the whole vocabulary (NPO+KL takes 1)."},
    {0}};
static const char *const metrics_here[] = {"loss/forget", "loss/retain", NULL};

// Bad: (2 / beta) log(1 + (pi / ref)^beta), slope 2 sigmoid(beta (l - r)). Good: -retain l / n + retain-kl KL / n.
static double npo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double forget = 0, keep = 0;
    const double beta = r->values[BETA], retain = r->values[RETAIN], retain_kl = r->values[RETAIN_KL];
    for (int i = 0; i < n; i++) {
        const double reward = s[i].reward = beta * (s[i].logp - s[i].ref);
        if (s[i].label < 0.5) {
            forget += 2 / beta * softplus(reward);
            s[i].d_logp = 2 * sigmoid(reward);
        } else {
            keep += (retain_kl * s[i].kl - retain * s[i].logp) / s[i].n;
            s[i].d_logp = -retain / s[i].n;
            s[i].d_kl = retain_kl / s[i].n;
        }
    }
    metrics[0] = forget;
    metrics[1] = keep;
    return forget + keep;
}

static void npo_needs(const double *values, struct needs *n)
{
    if (values[RETAIN_KL] == 0)
        n->reads = 0;
    if (values[RETAIN] != 0 || values[RETAIN_KL] != 0) // good responses are imitated, or held
        n->groups = 0;
}

const struct objective objective_npo = {
    .name = "npo",
    .title = "Negative Preference Optimization",
    .summary = "Unlearns bad responses, ever more gently the further each has sunk below the reference; good ones "
               "can be retained by imitation or by KL.",
    .paper = "Zhang et al. 2024, arXiv:2404.05868",
    .formula = "bad: loss = (2 / beta) * log(1 + (pi(y) / ref(y))^beta)\n"
               "good: loss = -retain * log pi(y) / |y| + retain-kl * sum_t KL(ref(. | y_<t) || pi(. | y_<t)) / |y|",
    .pitfalls = "Without retain or retain-kl the model forgets more than it was told to: measure something it should "
                "still know. The loss is the mean over responses, so the share of bad ones in the data weighs too. "
                "retain-kl runs the reference beside the model in every step.",
    .data = DATA_PAIR | DATA_BINARY,
    .needs = {.reads = READ_KL, .networks = NETWORK_REFERENCE, .groups = GROUPS_BAD},
    .params = params,
    .metrics = metrics_here,
    .needs_now = npo_needs,
    .loss = npo_loss,
};
