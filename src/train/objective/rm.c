// Reward models on the Bradley-Terry loss: of pairs (rm), of whole lists (rm-list), and with a reward for every token
// (rm-token). All are a mean of the same loss over pairs of responses.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/objective.h"
#include "train/objective/stable.h"

enum { MARGIN, CENTRING, REDUCTION };
enum { BY_MEAN, BY_SUM };

#define RM_MARGIN(of)                                                                                               \
    {.name = "margin", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 100, .live = true,                    \
     .group = "objective", .help = "How much higher the better score is asked to be" of}
#define RM_CENTRING                                                                                                 \
    {.name = "centring", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 10, .live = true,                   \
     .group = "objective",                                                                                          \
     .help = "Weight of the square of the two scores' sum, which keeps scores around zero; 0.01 is usual."}

static const char *const reductions[] = {"mean", "sum", NULL};
static const struct param params[] = {
    [MARGIN] = RM_MARGIN(", times the difference of the two shares of votes (1 for plain pairs)."),
    [CENTRING] = RM_CENTRING,
    {0}};
static const struct param list_params[] = {
    [MARGIN] = RM_MARGIN(" in every pair of the list."),
    [CENTRING] = RM_CENTRING,
    {0}};
static const struct param token_params[] = {
    [MARGIN] = RM_MARGIN(", times the difference of the two shares of votes (1 for plain pairs)."),
    [CENTRING] = RM_CENTRING,
    [REDUCTION] = {.name = "reduction", .type = PARAM_CHOICE, .fallback = "mean", .choices = reductions,
                   .group = "objective",
                   .help = "A response's score is the mean of its tokens' rewards, or their sum, which grows with "
                           "length."},
    {0}};

// P is the share of votes for a, m = ra - rb - margin (P - (1 - P)).
// L = -P log sigmoid(m) - (1 - P) log sigmoid(-m) + c (ra + rb)^2;
// dL/dra = -P sigmoid(-m) + (1 - P) sigmoid(m) + 2c(ra + rb), dL/drb the same with the other sign before the first two.
// Adds weight times it.
static double add_pair(const double *values, struct seq *a, struct seq *b, double share, double weight)
{
    const double m = a->reward - b->reward - values[MARGIN] * (2 * share - 1);
    const double centre = values[CENTRING], sum = a->reward + b->reward;
    const double slope = (1 - share) * sigmoid(m) - share * sigmoid(-m);
    a->d_score += weight * (slope + 2 * centre * sum);
    b->d_score += weight * (-slope + 2 * centre * sum);
    return weight * (share * softplus(-m) + (1 - share) * softplus(m) + centre * sum * sum);
}

static double rm_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    for (int i = 0; i < n; i++)
        s[i].reward = s[i].score;
    return add_pair(r->values, &s[0], &s[1], s[0].label, 1);
}

// The mean over the C(n, 2) pairs, so that a long list weighs no more than a short one.
static double rm_list_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double weight = 2.0 / ((double)n * (n - 1));
    double loss = 0;
    for (int i = 0; i < n; i++)
        s[i].reward = s[i].score;
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++) {
            const double share = s[i].label > s[j].label ? 1 : s[i].label < s[j].label ? 0 : 0.5;
            loss += add_pair(r->values, &s[i], &s[j], share, weight);
        }
    return loss;
}

// seq.score is the mean of the tokens' rewards; their sum is n times it.
static double rm_token_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const bool sum = r->values[REDUCTION] == BY_SUM;
    for (int i = 0; i < n; i++)
        s[i].reward = s[i].score * (sum ? s[i].n : 1);
    const double loss = add_pair(r->values, &s[0], &s[1], s[0].label, 1);
    for (int i = 0; i < n && sum; i++)
        s[i].d_score *= s[i].n;
    return loss;
}

const struct objective objective_rm = {
    .name = "rm",
    .title = "Bradley-Terry reward model",
    .summary = "Learns a score for responses such that the chosen one of a pair scores higher; the judge of later "
               "online training. Split votes and ties count as what they are.",
    .paper = "Bradley and Terry 1952; margin: Touvron et al. 2023, arXiv:2307.09288; centring: Eisenstein et al. "
             "2023, arXiv:2312.09244",
    .formula = "m = score(chosen) - score(rejected) - margin * (P - (1 - P))        P: share of votes for chosen\n"
               "loss = -P * log sigmoid(m) - (1 - P) * log sigmoid(-m) + centring * (score(chosen) + "
               "score(rejected))^2",
    .pitfalls = "Scores mean something only relative to each other: subtract their mean on a fixed set before use. "
                "Held-out accuracy peaks early; more than an epoch or two overfits.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_SCORE, .groups = GROUPS_TIES},
    .log_odds = true,
    .params = params,
    .loss = rm_loss,
};

const struct objective objective_rm_list = {
    .name = "rm-list",
    .title = "Reward model of ranked lists",
    .summary = "Learns a score for responses from lists: every pair of a list's responses counts, and all of a list "
               "together weigh as much as one pair.",
    .paper = "Ouyang et al. 2022, arXiv:2203.02155, section 3.5",
    .formula = "loss = 1/C(K,2) * sum over pairs i, j of the list of the loss of rm, with P = 1 when label(i) > "
               "label(j) and P = 1/2 when they are equal",
    .pitfalls = "Labels are taken as an order alone: a difference of 5 teaches as much as one of 0.1. Equal labels "
                "pull the two scores together.",
    .data = DATA_LIST,
    .needs = {.networks = NETWORK_SCORE},
    .params = list_params,
    .loss = rm_list_loss,
};

const struct objective objective_rm_token = {
    .name = "rm-token",
    .title = "Token-level reward model",
    .summary = "Learns a reward for every token of a response from pairs of whole responses; for dense rewards, and to "
               "see what the score is made of.",
    .paper = "Bradley-Terry on sums of per-token rewards as in Christiano et al. 2017, arXiv:1706.03741; a reward head "
             "on every token as in Yang et al. 2023, arXiv:2306.00398",
    .formula = "score(y) = mean over tokens t of r(x, y_1..t)        (or their sum)\nloss = that of rm",
    .pitfalls = "Only the mean is taught: where in a response the reward stands is the model's own finding. With "
                "\"sum\" scores grow with length, and length can be learnt as if it were quality.",
    .data = DATA_PAIR,
    .needs = {.networks = NETWORK_SCORE | NETWORK_TOKEN_SCORE, .groups = GROUPS_TIES},
    .log_odds = true,
    .params = token_params,
    .loss = rm_token_loss,
};
