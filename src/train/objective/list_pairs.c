// Objectives that sum over a list's ordered pairs: LiPO (lambda weights and its other losses) and RRHF.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/lists.h"
#include "train/objective/stable.h"

enum { BETA, LIST_LOSS, LABELS };
enum list_loss { LAMBDA, PAIR_LOGISTIC, PAIR_HINGE, SOFTMAX, POINT_MSE, POINT_SIGMOID };
enum { LABELS_SCORES, LABELS_WINS };

static const char *const list_losses[] = {"lambda", "pair-logistic", "pair-hinge", "softmax", "point-mse",
                                          "point-sigmoid", NULL};
static const char *const label_choices[] = {"scores", "wins", NULL};

static const struct param lipo_params[] = {
    [BETA] = LIST_BETA("0.05"),
    [LIST_LOSS] = {.name = "list-loss", .type = PARAM_CHOICE, .fallback = "lambda", .choices = list_losses,
                   .group = "objective",
                   .help = "Which of the paper's losses: pairs weighted by what swapping them changes (lambda), all "
                           "pairs alike, cross-entropy with the labels, or each response alone."},
    [LABELS] = {.name = "labels", .type = PARAM_CHOICE, .fallback = "scores", .choices = label_choices,
                .group = "objective",
                .help = "psi: the data's scores as they are (the paper's are between 0 and 1), or wins: the share of "
                        "the other responses that a response beats."},
    {0}};

// The label as the loss reads it. Wins: the share of the other responses with a lower label, ties count half.
static double psi(const struct objective_run *r, const struct seq *s, int n, int i)
{
    if (r->values[LABELS] != LABELS_WINS)
        return s[i].label;
    double wins = 0;
    for (int j = 0; j < n; j++)
        wins += j == i ? 0 : s[i].label > s[j].label ? 1 : s[i].label == s[j].label ? 0.5 : 0;
    return n > 1 ? wins / (n - 1) : 0.5;
}

// Above 32 the gain 2^psi - 1 stays where it is: such labels are no probabilities, and the loss must stay finite.
static double gain(double label)
{
    return exp2(fmin(label, 32)) - 1;
}

// Ranks move by jumps and carry no gradient: seq.prepared is 1 / D(rank).
static void lipo_hold(const struct objective_run *r, struct seq *s, int n)
{
    list_rewards(s, n, r->values[BETA]);
    for (int i = 0; i < n; i++)
        s[i].prepared = list_discount(s, n, i, true);
}

static double lipo_pairs(const struct objective_run *r, struct seq *s, int n)
{
    const enum list_loss kind = (enum list_loss)r->values[LIST_LOSS];
    const double beta = r->values[BETA];
    double loss = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const double a = psi(r, s, n, i), b = psi(r, s, n, j), z = s[i].reward - s[j].reward;
            if (!(a > b))
                continue;
            const double weight = kind == LAMBDA ? (gain(a) - gain(b)) * fabs(s[i].prepared - s[j].prepared) : 1;
            const double slope = weight * beta * (kind == PAIR_HINGE ? (z < 1 ? 1 : 0) : sigmoid(-z));
            loss += weight * (kind == PAIR_HINGE ? fmax(0, 1 - z) : softplus(-z));
            s[i].d_logp -= slope;
            s[j].d_logp += slope;
        }
    return loss;
}

// Cross-entropy of softmax(s) with the labels as shares; negative labels count as 0, and a list without any positive
// label teaches nothing.
static double lipo_softmax(const struct objective_run *r, struct seq *s, int n)
{
    const double all = list_log_sum(s, n);
    double sum = 0, loss = 0;
    for (int i = 0; i < n; i++)
        sum += fmax(psi(r, s, n, i), 0);
    for (int i = 0; i < n && sum > 0; i++) {
        const double share = fmax(psi(r, s, n, i), 0) / sum;
        loss += share * (all - s[i].reward);
        s[i].d_logp = r->values[BETA] * (exp(s[i].reward - all) - share);
    }
    return loss;
}

static double lipo_points(const struct objective_run *r, struct seq *s, int n)
{
    double loss = 0;
    for (int i = 0; i < n; i++) {
        const double label = psi(r, s, n, i), p = fmin(fmax(label, 0), 1), z = s[i].reward;
        const bool squared = (enum list_loss)r->values[LIST_LOSS] == POINT_MSE;
        loss += squared ? (label - z) * (label - z) : p * softplus(-z) + (1 - p) * softplus(z);
        s[i].d_logp = r->values[BETA] * (squared ? 2 * (z - label) : sigmoid(z) - p);
    }
    return loss;
}

static double lipo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    list_rewards(s, n, r->values[BETA]);
    switch ((enum list_loss)r->values[LIST_LOSS]) {
    case LAMBDA:
    case PAIR_LOGISTIC:
    case PAIR_HINGE:
        return lipo_pairs(r, s, n);
    case SOFTMAX:
        return lipo_softmax(r, s, n);
    case POINT_MSE:
    case POINT_SIGMOID:
        return lipo_points(r, s, n);
    }
    BUG("list-loss %g", r->values[LIST_LOSS]);
}

const struct objective objective_lipo_lambda = {
    .name = "lipo-lambda",
    .title = "Listwise Preference Optimization",
    .summary = "Learns a whole ranking at once: every ordered pair of the list counts, weighted by how much swapping "
               "the two would change the list's discounted gain (lambda).",
    .paper = "Liu et al. 2024 (LiPO), arXiv:2402.01878; lambda weights: Burges et al. 2006, Wang et al. 2018",
    .formula = "s_k = beta * (log pi(y_k) - log ref(y_k)); psi_k: labels\n"
               "lambda:        loss = sum over psi_i > psi_j of Delta_ij * -log sigmoid(s_i - s_j)\n"
               "               Delta_ij = |2^psi_i - 2^psi_j| * |1/log(1+rank_i) - 1/log(1+rank_j)|, held constant\n"
               "               rank: place by descending s; equal s: the worse label first; psi above 32 counts as 32\n"
               "pair-logistic: Delta_ij = 1; pair-hinge: max(0, 1 - (s_i - s_j)) instead of -log sigmoid\n"
               "softmax:       loss = -sum_k psi_k / sum psi * log softmax(s)_k        psi below 0 counts as 0\n"
               "point-mse:     loss = sum_k (psi_k - s_k)^2\n"
               "point-sigmoid: loss = -sum_k psi_k log sigmoid(s_k) + (1 - psi_k) log sigmoid(-s_k)   psi within 0..1",
    .pitfalls = "The gain grows as 2^psi: scores from 1 to 10 let the best response outweigh all others; labels wins "
                "brings them between 0 and 1 as in the paper. Ranks jump, so the loss does too. Losses of lists of "
                "different length are not comparable.",
    .data = DATA_LIST | DATA_PAIR,
    .needs = {.networks = NETWORK_REFERENCE},
    .params = lipo_params,
    .hold = lipo_hold,
    .loss = lipo_loss,
};

enum { RANK_WEIGHT, LENGTH_PENALTY, SFT_WEIGHT, SFT_REDUCTION };
static const char *const reductions[] = {"mean", "sum", NULL};

static const struct param rrhf_params[] = {
    [RANK_WEIGHT] = {.name = "rank-weight", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1e4, .live = true,
                     .group = "objective", .help = "Weight of the ranking against imitating the best response."},
    [LENGTH_PENALTY] = {.name = "length-penalty", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 4,
                        .group = "objective",
                        .help = "Log-probabilities are divided by their number of tokens to this power: 1 compares "
                                "means, 0 sums."},
    [SFT_WEIGHT] = {.name = "sft-weight", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1e4, .live = true,
                    .group = "objective", .help = "Weight of imitating the best response of the list."},
    [SFT_REDUCTION] = {.name = "sft-reduction", .type = PARAM_CHOICE, .fallback = "mean", .choices = reductions,
                       .group = "objective",
                       .help = "Imitate with the mean over the response's tokens (the authors' code) or their sum (the "
                               "paper's formula)."},
    {0}};
static const char *const rrhf_metrics[] = {"nll_loss", NULL};

static double rrhf_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double rank = 0;
    for (int i = 0; i < n; i++) {
        s[i].reward = s[i].logp / pow(s[i].n, r->values[LENGTH_PENALTY]);
        s[i].d_logp = 0;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            if (s[i].label < s[j].label && s[i].reward > s[j].reward) {
                rank += s[i].reward - s[j].reward;
                s[i].d_logp += r->values[RANK_WEIGHT] / pow(s[i].n, r->values[LENGTH_PENALTY]);
                s[j].d_logp -= r->values[RANK_WEIGHT] / pow(s[j].n, r->values[LENGTH_PENALTY]);
            }
    metrics[0] = list_imitate_best(s, n, r->values[SFT_WEIGHT], r->values[SFT_REDUCTION] == 0);
    return r->values[RANK_WEIGHT] * rank + r->values[SFT_WEIGHT] * metrics[0];
}

const struct objective objective_rrhf = {
    .name = "rrhf",
    .title = "Rank Responses to align with Human Feedback",
    .summary = "Imitates the best response of a list and pushes mean log-probabilities into the order of the labels; "
               "needs no reference model.",
    .paper = "Yuan et al. 2023, arXiv:2304.05302",
    .formula = "p_k = log pi(y_k) / n_k^length-penalty\n"
               "loss = rank-weight * sum over label_i < label_j of max(0, p_i - p_j) + sft-weight * NLL(best)\n"
               "NLL(best): -log pi(y_best) / n_best (mean) or -log pi(y_best) (sum); several best ones share it",
    .pitfalls = "The ranking has no margin: pairs in the right order teach nothing more, so accuracies stop near the "
                "boundary. Nothing holds the model to where it began but imitation; with sft-weight 0 probabilities of "
                "all responses may fall together.",
    .data = DATA_LIST | DATA_PAIR,
    .params = rrhf_params,
    .metrics = rrhf_metrics,
    .loss = rrhf_loss,
};
