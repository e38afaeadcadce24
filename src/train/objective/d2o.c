// Distributional Dispreference Optimization: bad responses against samples of the model itself.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/objective.h"
#include "train/objective/stable.h"

enum { BETA, ALPHA, SAMPLES, SAMPLE_TOKENS };

static const struct param params[] = {
    [BETA] = {.name = "beta",
              .type = PARAM_FLOAT,
              .fallback = "0.1",
              .min = 1e-4,
              .max = 100,
              .live = true,
              .group = "objective",
              .help = "Weight of the mean log-ratio of the model's own samples, which is raised."},
    [ALPHA] = {.name = "alpha",
               .type = PARAM_FLOAT,
               .fallback = "0.1",
               .min = 1e-4,
               .max = 100,
               .live = true,
               .group = "objective",
               .help = "Weight of the bad response's log-ratio, which is lowered."},
    [SAMPLES] = {.name = "samples",
                 .type = PARAM_INT,
                 .fallback = "4",
                 .min = 1,
                 .max = 64,
                 .unit = "samples",
                 .group = "objective",
                 .help = "How many own answers the model draws per prompt before the first step (the paper takes 11)."},
    [SAMPLE_TOKENS] = {.name = "sample-max-tokens",
                       .type = PARAM_INT,
                       .fallback = "128",
                       .min = 1,
                       .max = 65536,
                       .unit = "tokens",
                       .group = "objective",
                       .help = "Longest of these answers; longer ones are cut."},
    {0}};

// [0] is the bad response, behind it come the samples. L = -log sigmoid(z) with
// z = beta / K sum_i (l_i - r_i) - alpha (l_bad - r_bad).
static double d2o_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double beta = r->values[BETA], alpha = r->values[ALPHA];
    double sum = 0;
    for (int i = 1; i < n; i++) {
        s[i].reward = beta * (s[i].logp - s[i].ref);
        sum += s[i].reward;
    }
    s[0].reward = alpha * (s[0].logp - s[0].ref);
    const double z = (n > 1 ? sum / (n - 1) : 0) - s[0].reward, slope = sigmoid(-z);
    s[0].d_logp = alpha * slope;
    for (int i = 1; i < n; i++)
        s[i].d_logp = -beta / (n - 1) * slope;
    return softplus(-z);
}

const struct objective objective_d2o = {
    .name = "d2o",
    .title = "Distributional Dispreference Optimization",
    .summary = "Learns from bad responses alone: moves away from them while the model's own earlier answers hold it in "
               "place. Of pairs "
               "it reads the rejected responses.",
    .paper = "Duan et al. 2024, arXiv:2403.03419",
    .formula =
        "z = beta / K * sum_i [log pi(y_i | x) - log ref(y_i | x)] - alpha * [log pi(y_bad | x) - log ref(y_bad | x)]\n"
        "loss = -log sigmoid(z)        y_1 .. y_K: samples of the model that the run started from",
    .pitfalls =
        "Before the first step every prompt is answered K times, which may take longer than the training; the samples "
        "are kept "
        "in the run's folder. The model can become no better than its own answers: start from one that answers well. "
        "rewards/chosen are those of its samples.",
    .data = DATA_PAIR | DATA_BINARY,
    .needs = {.networks = NETWORK_REFERENCE, .groups = GROUPS_OWN_ANSWERS | GROUPS_BAD},
    .params = params,
    .loss = d2o_loss,
};
