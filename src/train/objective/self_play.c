// Playing against oneself: the policy's answers win against each other as often as the rewards say, and its log-ratios to
// what it was when it said them are drawn to that. SPPO, Direct Nash Optimization and INPO: what they look for is no highest
// reward but a policy that none beats more often than not (a Nash equilibrium).
//
// pi_t, the player of an iteration, is the policy that gave a batch its answers: a large batch, cut into minibatches and
// perhaps passed over more than once, is an iteration of the papers.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/lists.h"
#include "train/objective/margin.h"
#include "train/objective/picks.h"
#include "train/objective/policy_gradient.h"

// seq.ref is log pi_t.
static double against_itself(const double *values)
{
    return 0;
}

#define DATA_OF_SELF_PLAY                                                                                              \
    "pi_t: the policy as it was when it said the answers of the batch\n"                                               \
    "P(y > y'): sigmoid(score(y) - score(y'))\n"

// ---- SPPO ----

enum { SPPO_SAMPLES, SPPO_BETA };
static const struct param sppo_params[] = {
    [SPPO_SAMPLES] = PG_SAMPLES("5", 2),
    [SPPO_BETA] = {.name = "beta", .type = PARAM_FLOAT, .fallback = "0.001", .min = 1e-4, .max = 100, .live = true,
                   .group = "objective",
                   .help = "Sets the targets: an answer that wins with probability P is drawn to (P - 1/2) / beta nats more "
                           "than it had (beta = 1 / eta of the paper)."},
    {0}};

static int pick_sppo(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    const int picked = pick_best_and_worst(said, n, taken, labels);
    for (int i = 0; i < picked; i++)
        labels[i] = share_won(said, taken[i], 0, n);
    return picked;
}

static double sppo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    margin_of(s, r->values[SPPO_BETA], SCORE_RATIO);
    for (int i = 0; i < 2; i++) {
        const double off = s[i].logp - s[i].ref - (s[i].label - 0.5) / r->values[SPPO_BETA];
        s[i].d_logp = off;
        loss += off * off / 2;
    }
    return loss;
}

static const struct online sppo = {.pick = pick_sppo, .n_picked = 2, .anchor = against_itself};

const struct objective objective_sppo = {
    .name = "sppo",
    .title = "Self-Play Preference Optimization",
    .summary = "Samples answers, asks how often the best and the worst of them win against all, and draws their log-ratios "
               "to the policy of that moment to these shares by squares.",
    .paper = "Wu et al. 2024, arXiv:2405.00675",
    .formula = DATA_OF_SELF_PLAY "P_i: the mean of P(y_i > y_k) over all `samples` answers, itself (1/2) included; w "
                                 "the best, l the worst\n"
               "loss = 1/2 * (log pi(w) / pi_t(w) - (P_w - 1/2) / beta)^2 + 1/2 * (log pi(l) / pi_t(l) - (P_l - 1/2) / "
               "beta)^2",
    .pitfalls = "At the default beta the targets are hundreds of nats away: nothing but the learning rate and the number of "
                "updates ends the push of a batch. Scores must be in nats of a preference model for P to be a probability: "
                "a rule's points are not. The paper makes three iterations of 20000 prompts, each from the last one's "
                "policy.",
    .data = DATA_PROMPT,
    .online = &sppo,
    .params = sppo_params,
    .loss = sppo_loss,
};

// ---- DNO ----

enum { DNO_SAMPLES, DNO_ETA };
static const struct param dno_params[] = {
    [DNO_SAMPLES] = PG_SAMPLES("5", 2),
    [DNO_ETA] = {.name = "eta", .type = PARAM_FLOAT, .fallback = "0.1", .min = 1e-4, .max = 100, .live = true,
                 .group = "objective",
                 .help = "What log-ratios are multiplied by: larger stays closer to what the policy was, smaller follows "
                         "the preferences further."},
    {0}};

static int pick_dno(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                    double *labels)
{
    for (int i = 0; i < n; i++) {
        taken[i] = i;
        labels[i] = (share_won(said, i, 0, n) * n - 0.5) / (n - 1);
    }
    return said[best_said(said, n)].score == said[worst_said(said, n)].score ? 0 : n;
}

static double dno_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double eta = r->values[DNO_ETA], share = 2.0 / ((double)n * (n - 1));
    double loss = 0;
    list_rewards(s, n, eta);
    for (int i = 0; i < n; i++)
        for (int k = i + 1; k < n; k++) {
            const struct curve c = curve_logistic(s[i].reward - s[k].reward, sigmoid(s[k].label - s[i].label));
            loss += share * c.loss;
            s[i].d_logp += share * eta * c.slope;
            s[k].d_logp -= share * eta * c.slope;
        }
    return loss;
}

static const struct online dno = {.pick = pick_dno, .n_picked = 2, .more = 1, .anchor = against_itself};

const struct objective objective_dno = {
    .name = "dno",
    .title = "Direct Nash Optimization",
    .summary = "Regresses how often the policy's answers win against its other answers by the contrast of their log-ratios, "
               "over all pairs of a prompt: self-play with a logistic loss, and soft labels.",
    .paper = "Rosset et al. 2024, arXiv:2404.03715",
    .formula = DATA_OF_SELF_PLAY "r(y): the mean of P(y > y_k) over the prompt's other answers\n"
               "z_ik = eta * (log pi(y_i) / pi_t(y_i) - log pi(y_k) / pi_t(y_k))\n"
               "loss = mean over pairs i < k of -sigmoid(r_i - r_k) * log sigmoid(z_ik) - sigmoid(r_k - r_i) * log "
               "sigmoid(-z_ik)",
    .pitfalls = "r is a share of wins, between 0 and 1: labels lie between 0.27 and 0.73, and the optimum of one iteration "
                "moves by (r_i - r_k) / eta nats alone. The paper's large experiments are another algorithm, DNO-Prct: DPO "
                "on pairs with a large margin, which online-dpo with more samples is near to.",
    .data = DATA_PROMPT,
    .online = &dno,
    .params = dno_params,
    .loss = dno_loss,
};

// ---- INPO ----

enum { INPO_SAMPLES, INPO_ETA, INPO_TAU };
static const struct param inpo_params[] = {
    [INPO_SAMPLES] = PG_SAMPLES("2", 2),
    [INPO_ETA] = {.name = "eta", .type = PARAM_FLOAT, .fallback = "0.0075", .min = 1e-4, .max = 100, .group = "objective",
                  .help = "How slowly the policy moves from what it was in an iteration: log-ratios are drawn to a "
                          "difference of 1 / (2 eta) nats."},
    [INPO_TAU] = {.name = "tau", .type = PARAM_FLOAT, .fallback = "0.0025", .min = 0, .max = 100, .group = "objective",
                  .help = "How strongly the game holds both players to the reference; at most eta, which is the "
                          "reference alone."},
    {0}};

static double inpo_anchor(const double *values)
{
    return values[INPO_TAU] < values[INPO_ETA] ? values[INPO_TAU] / values[INPO_ETA] : 1;
}

static int pick_inpo(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    return pick_best_and_worst(said, n, taken, labels);
}

static double inpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double eta = r->values[INPO_ETA];
    const struct margin m = margin_of(s, eta, SCORE_RATIO);
    const double off = (m.z - 0.5) / eta;
    return margin_send(s, m, (struct curve){off * off, 2 * off / eta});
}

static const struct online inpo = {.pick = pick_inpo, .n_picked = 2, .anchor = inpo_anchor};

const struct objective objective_inpo = {
    .name = "inpo",
    .title = "Iterative Nash Policy Optimization",
    .summary = "Self-play that is held to the reference: pairs of the policy's own answers, IPO's square, and as its "
               "reference a mean of the true one and of what the policy was.",
    .paper = "Zhang et al. 2024, arXiv:2407.00617",
    .formula = DATA_OF_SELF_PLAY "h(y) = log pi(y) - tau / eta * log ref(y) - (1 - tau / eta) * log pi_t(y)\n"
               "loss = (h(chosen) - h(rejected) - 1 / (2 * eta))^2; chosen, rejected: the best and the worst of "
               "`samples` answers",
    .pitfalls = "At the default eta the target is 67 nats away: a batch needs many updates (minibatches, passes) to come "
                "near, or a larger eta. With more than two samples best and worst are clearer than the paper's random "
                "pairs, and 1 / (2 eta) is then less than such a pair's expected difference.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE},
    .online = &inpo,
    .params = inpo_params,
    .loss = inpo_loss,
};
