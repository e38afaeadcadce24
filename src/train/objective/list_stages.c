// Objectives that pick a list's responses one after another, the best first: Plackett-Luce and PRO. At each stage one
// response stands against all that are labelled worse; one with an equal label is no rival, so that ties teach nothing
// about their order.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/lists.h"

// What divides the reward of response i at the stage of response k: 1, or PRO's differences of scores, of which the
// picked one has the largest.
static double temperature(const struct seq *s, int n, int k, int i, bool by_scores)
{
    double most = 0;
    if (!by_scores)
        return 1;
    if (i != k)
        return s[k].label - s[i].label;
    for (int j = 0; j < n; j++)
        most = fmax(most, s[k].label - s[j].label);
    return most;
}

// -log(e^{u_k} / (e^{u_k} + sum over worse i of e^{u_i})) with u = temperature * reward; adds du's share of the slope
// to d_logp, which the caller scales by dreward/dlogp.
static double stage(struct seq *s, int n, int k, bool by_scores)
{
    const double picked = temperature(s, n, k, k, by_scores), u = picked * s[k].reward;
    double top = u, sum = 0;
    int n_worse = 0;
    for (int i = 0; i < n; i++)
        if (s[i].label < s[k].label) {
            top = fmax(top, temperature(s, n, k, i, by_scores) * s[i].reward);
            n_worse++;
        }
    if (n_worse == 0)
        return 0;
    for (int i = 0; i < n; i++)
        if (i == k || s[i].label < s[k].label)
            sum += exp(temperature(s, n, k, i, by_scores) * s[i].reward - top);
    for (int i = 0; i < n; i++)
        if (i == k || s[i].label < s[k].label) {
            const double t = temperature(s, n, k, i, by_scores);
            s[i].d_logp += t * (exp(t * s[i].reward - top) / sum - (i == k));
        }
    return top + log(sum) - u;
}

static const struct param plackett_luce_params[] = {LIST_BETA("0.1"), {0}};

static double plackett_luce_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    list_rewards(s, n, r->values[0]);
    for (int k = 0; k < n; k++)
        loss += stage(s, n, k, false);
    for (int i = 0; i < n; i++)
        s[i].d_logp *= r->values[0];
    return loss;
}

const struct objective objective_plackett_luce = {
    .name = "plackett-luce",
    .title = "Plackett-Luce DPO",
    .summary = "DPO for rankings: the likelihood that the responses are picked in the order of their labels, best "
               "first; with two responses it is DPO.",
    .paper = "Rafailov et al. 2023 (DPO, appendix A.3), arXiv:2305.18290; Plackett 1975, Luce 1959",
    .formula = "s_k = beta * (log pi(y_k) - log ref(y_k))\n"
               "loss = -sum_k log( e^s_k / (e^s_k + sum over label_i < label_k of e^s_i) )\n"
               "Without ties this is the likelihood of the ranking; equal labels are no rivals of each other.",
    .pitfalls = "Only the order of the labels counts, not how far they are apart. As in DPO the probabilities of all "
                "responses may fall together. Long lists weigh more than short ones.",
    .data = DATA_LIST | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .log_odds = true,
    .params = plackett_luce_params,
    .loss = plackett_luce_loss,
};

static const struct param pro_params[] = {
    {.name = "sft-weight", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0, .max = 1e4, .live = true,
     .group = "objective",
     .help = "Weight of imitating the best response, times (responses - 1)^2 as in the authors' code."},
    {0}};
static const char *const pro_metrics[] = {"nll_loss", NULL};

static double pro_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double weight = r->values[0] * (n - 1) * (n - 1);
    double loss = 0;
    for (int i = 0; i < n; i++) {
        s[i].reward = s[i].logp / s[i].n;
        s[i].d_logp = 0;
    }
    for (int k = 0; k < n; k++)
        loss += stage(s, n, k, true);
    for (int i = 0; i < n; i++)
        s[i].d_logp /= s[i].n;
    metrics[0] = list_imitate_best(s, n, weight, false);
    return loss + weight * metrics[0];
}

const struct objective objective_pro = {
    .name = "pro",
    .title = "Preference Ranking Optimization",
    .summary = "Picks the responses of a list in order by their mean log-probability, contrasted more sharply the "
               "further their scores are apart, and imitates the best; needs no reference model.",
    .paper = "Song et al. 2023, arXiv:2306.17492",
    .formula = "p_k = log pi(y_k) / n_k; at stage k: T_i = label_k - label_i for the worse ones, T_k = max_i T_i\n"
               "loss = -sum_k log( e^(p_k T_k) / (e^(p_k T_k) + sum over label_i < label_k of e^(p_i T_i)) )\n"
               "       + sft-weight * (K - 1)^2 * -log pi(y_best)",
    .pitfalls =
        "The scores' scale is the contrast's sharpness: ranks or scores from 1 to 10 make it hard, scores "
        "between 0 and 1 soft. Imitation is a sum over tokens and its weight grows with the list's length squared, so "
        "long best responses may drown the ranking.",
    .data = DATA_LIST | DATA_PAIR,
    .params = pro_params,
    .metrics = pro_metrics,
    .loss = pro_loss,
};
