// Objectives that read a list's scores as a distribution w = softmax(label / alpha) over its responses and bring the
// model's own, softmax(R) with R = beta (log pi - log ref), towards it: InfoNCA, NCA, and EXO with explicit rewards.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/lists.h"
#include "train/objective/stable.h"

enum { BETA, ALPHA };

#define TARGET_ALPHA(value)                                                                                            \
    {.name = "alpha", .type = PARAM_FLOAT, .fallback = value, .min = 1e-6, .max = 1e6, .live = true,                   \
     .group = "objective",                                                                                             \
     .help = "Temperature of the scores: near 0 only the best response counts, large values ask for all alike."}

static const struct param nca_params[] = {[BETA] = LIST_BETA("0.01"), [ALPHA] = TARGET_ALPHA("0.01"), {0}};
static const struct param exo_params[] = {[BETA] = LIST_BETA("0.5"), [ALPHA] = TARGET_ALPHA("0.5"), {0}};

// Sets seq.prepared to log w. A score that lies 10^4 temperatures below the best counts as if it lay there.
static void targets_hold(const struct objective_run *r, struct seq *s, int n)
{
    double best = s[0].label, sum = 0;
    for (int i = 1; i < n; i++)
        best = fmax(best, s[i].label);
    for (int i = 0; i < n; i++) {
        s[i].prepared = fmax((s[i].label - best) / r->values[ALPHA], -1e4);
        sum += exp(s[i].prepared);
    }
    for (int i = 0; i < n; i++)
        s[i].prepared -= log(sum);
}

static double infonca_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    list_rewards(s, n, r->values[BETA]);
    const double all = list_log_sum(s, n);
    double loss = 0;
    for (int i = 0; i < n; i++) {
        const double share = exp(s[i].prepared);
        loss += share * (all - s[i].reward);
        s[i].d_logp = r->values[BETA] * (exp(s[i].reward - all) - share);
    }
    return loss;
}

const struct objective objective_infonca = {
    .name = "infonca",
    .title = "InfoNCA",
    .summary = "Cross-entropy between the scores' softmax and the model's own over a list's responses; with two "
               "responses and a small alpha it is DPO.",
    .paper = "Chen et al. 2024, arXiv:2402.05369",
    .formula = "R_k = beta * (log pi(y_k) - log ref(y_k)); w = softmax(label / alpha)\n"
               "loss = -sum_k w_k * log( e^R_k / sum_i e^R_i )",
    .pitfalls =
        "alpha is in the unit of the scores: with scores from 1 to 10 an alpha of 0.01 looks at the best "
        "response alone. Only differences within a list count, so all of its probabilities may fall together (nca does "
        "not let them).",
    .data = DATA_LIST | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = nca_params,
    .hold = targets_hold,
    .loss = infonca_loss,
};

static double nca_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    list_rewards(s, n, r->values[BETA]);
    for (int i = 0; i < n; i++) {
        const double share = exp(s[i].prepared), reward = s[i].reward;
        loss += share * softplus(-reward) + softplus(reward) / n;
        s[i].d_logp = r->values[BETA] * (sigmoid(reward) / n - share * sigmoid(-reward));
    }
    return loss;
}

const struct objective objective_nca = {
    .name = "nca",
    .title = "Noise Contrastive Alignment",
    .summary = "Tells each response of a list apart from the reference on its own, weighted by the scores' softmax; "
               "keeps the best response's likelihood from falling.",
    .paper = "Chen et al. 2024, arXiv:2402.05369",
    .formula = "R_k = beta * (log pi(y_k) - log ref(y_k)); w = softmax(label / alpha)\n"
               "loss = -sum_k [ w_k * log sigmoid(R_k) + (1/K) * log sigmoid(-R_k) ]",
    .pitfalls =
        "alpha is in the unit of the scores: with scores from 1 to 10 an alpha of 0.01 looks at the best "
        "response alone. Responses with w_k below 1/K are pushed down, also good ones in a list of better ones.",
    .data = DATA_LIST | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = nca_params,
    .hold = targets_hold,
    .loss = nca_loss,
};

// L = sum p log(p / w); dL/dR_k = p_k (log(p_k / w_k) - L).
static double exo_rw_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    list_rewards(s, n, r->values[BETA]);
    const double all = list_log_sum(s, n);
    double loss = 0;
    for (int i = 0; i < n; i++)
        loss += exp(s[i].reward - all) * (s[i].reward - all - s[i].prepared);
    for (int i = 0; i < n; i++)
        s[i].d_logp = r->values[BETA] * exp(s[i].reward - all) * (s[i].reward - all - s[i].prepared - loss);
    return loss;
}

const struct objective objective_exo_rw = {
    .name = "exo-rw",
    .title = "Efficient Exact Optimization with rewards",
    .summary = "The KL divergence from the model's softmax over a list to the scores' softmax: seeks the modes, where "
               "infonca covers everything that scores well.",
    .paper = "Ji et al. 2024 (EXO), arXiv:2402.00856",
    .formula = "R_k = beta * (log pi(y_k) - log ref(y_k)); p = softmax(R); w = softmax(label / alpha)\n"
               "loss = sum_k p_k * log(p_k / w_k)",
    .pitfalls =
        "The gradient vanishes where the model already puts no weight on a response, right or wrong: start from "
        "a model that knows such responses. alpha is in the unit of the scores; a small one asks for the best "
        "response alone and makes losses large.",
    .data = DATA_LIST | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = exo_params,
    .hold = targets_hold,
    .loss = exo_rw_loss,
};
