// Learning from comparisons of the policy's answers with those of somebody nearby: a mixture with the reference (Nash-MD),
// or the reference itself (XPO).
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/margin.h"
#include "train/objective/picks.h"
#include "train/objective/policy_gradient.h"

// Of n answers the first half is the policy's (the larger one, where n is odd).
static int n_own(int n)
{
    return (n + 1) / 2;
}

// ---- Nash-MD ----

enum { NASH_SAMPLES, NASH_TAU, NASH_MIXTURE };
static const struct param nash_params[] = {
    [NASH_SAMPLES] = PG_SAMPLES("2", 2),
    [NASH_TAU] = {.name = "tau", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,
                  .group = "objective",
                  .help = "How strongly the model is held to the reference, in shares of wins a nat."},
    [NASH_MIXTURE] = {.name = "mixture", .type = PARAM_FLOAT, .fallback = "0.5", .min = 0, .max = 1, .live = true,
                      .group = "objective",
                      .help = "Whom the policy plays against: 0 itself, 1 the reference, between them a mixture, token "
                              "by token."},
    {0}};

static double nash_reference_says(const double *values, int k, int n)
{
    return k < n_own(n) ? 0 : values[NASH_MIXTURE];
}

// The policy's own answers; each says by how much it wins more often than not.
static int pick_nash(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                     double *labels)
{
    for (int i = 0; i < n_own(n); i++) {
        taken[i] = i;
        labels[i] = share_won(said, i, n_own(n), n) - 0.5;
    }
    return n_own(n);
}

// What an answer is worth is a constant, its distance to the reference included.
static void nash_hold(const struct objective_run *r, struct seq *s, int n)
{
    for (int i = 0; i < n; i++)
        s[i].prepared = s[i].label - r->values[NASH_TAU] * (s[i].logp - s[i].ref);
}

static double nash_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    double loss = 0;
    for (int i = 0; i < n; i++) {
        s[i].reward = s[i].prepared;
        s[i].d_logp = -s[i].prepared / n;
        loss -= s[i].prepared * s[i].logp / n;
    }
    return loss;
}

static const struct online nash = {.pick = pick_nash, .n_picked = 1, .more = 1, .reference_says = nash_reference_says,
                                    .mixed = true};

const struct objective objective_nash_md = {
    .name = "nash-md",
    .title = "Nash Mirror Descent",
    .summary = "Compares the policy's answers with answers of a mixture of policy and reference, and makes those likelier "
               "that win more often than not: it looks for the policy that no other beats, where preferences may go "
               "round in circles.",
    .paper = "Munos et al. 2023, arXiv:2312.00886",
    .formula = "y: of the policy; y': drawn token by token from pi^(1 - mixture) * ref^mixture; half of the `samples` each\n"
               "P(y > y') = sigmoid(score(y) - score(y')), the mean over the y'\n"
               "loss = -(P(y > y') - 1/2 - tau * log(pi(y) / ref(y))) * log pi(y), with the factor before log pi held",
    .pitfalls = "A Nash equilibrium is a policy that wins, not one that matches: in general it is no target distribution of "
                "people's preferences, and minorities are not kept (arXiv:2505.20627); conditional-pm-rlhf is for that. "
                "Other programs hold the reference token by token, which drops the terms across tokens; here the whole "
                "answer's log-ratio is the factor. Two samples a prompt make a noisy gradient: more, or larger "
                "batches, help.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE},
    .online = &nash,
    .params = nash_params,
    .hold = nash_hold,
    .loss = nash_loss,
};

// ---- XPO ----

enum { XPO_SAMPLES, XPO_BETA, XPO_ALPHA };
static const struct param xpo_params[] = {
    [XPO_SAMPLES] = PG_SAMPLES("2", 2),
    [XPO_BETA] = MARGIN_BETA,
    [XPO_ALPHA] = {.name = "alpha", .type = PARAM_FLOAT, .fallback = "1e-5", .min = 0, .max = 100, .live = true,
                   .group = "objective",
                   .help = "How strongly the policy is driven away from what the reference says, so that it finds other "
                           "things (the exploration bonus); 0: online DPO against the reference's answers."},
    {0}};

static double xpo_reference_says(const double *values, int k, int n)
{
    return k < n_own(n) ? 0 : 1;
}

// Pairs of the policy's answer, first, and one of the reference: the loss tells the winner by the labels. Ties are left out.
static int pick_xpo(const struct objective_run *r, const struct said *said, int n, struct rng *rng, int *taken,
                    double *labels)
{
    int picked = 0;
    for (int i = 0; n_own(n) + i < n; i++) {
        const int theirs = n_own(n) + i;
        if (said[i].score == said[theirs].score)
            continue;
        taken[picked] = i;
        taken[picked + 1] = theirs;
        labels[picked] = said[i].score > said[theirs].score;
        labels[picked + 1] = 1 - labels[picked];
        picked += 2;
    }
    return picked;
}

static double xpo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double share = 2.0 / n, alpha = r->values[XPO_ALPHA];
    double loss = 0;
    for (int i = 0; i < n; i += 2) {
        const struct margin m = margin_of(s + i, r->values[XPO_BETA], SCORE_RATIO);
        const double sign = s[i].label > s[i + 1].label ? 1 : -1;
        const struct curve c = curve_logistic(sign * m.z, 0);
        loss += margin_send(s + i, m, (struct curve){share * c.loss, share * sign * c.slope});
        s[i + 1].d_logp += share * alpha;
        loss += share * alpha * s[i + 1].logp;
    }
    return loss;
}

static const struct online xpo = {.pick = pick_xpo, .n_picked = 2, .more = 2, .reference_says = xpo_reference_says,
                                   .mixed = true};

const struct objective objective_xpo = {
    .name = "xpo",
    .title = "Exploratory Preference Optimization",
    .summary = "Online DPO whose second answer is the reference's, and which the policy is rewarded for leaving: it tries "
               "what the reference would never have said.",
    .paper = "Xie et al. 2024, arXiv:2405.21046",
    .formula = "y: of the policy, y_ref: of the reference, half of the `samples` each; chosen, rejected: the one with the "
               "higher score, the other\n" FORMULA_MARGIN
               "loss = -log sigmoid(z) + alpha * log pi(y_ref), the mean over the prompt's pairs",
    .pitfalls = "alpha is in shares of a log-probability, which for long answers is hundreds of nats: raise it from the "
                "default by tens. It drives the policy from all that the reference says, good or bad, and there is no lower "
                "bound to it. Ties teach nothing and are left out.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE},
    .online = &xpo,
    .log_odds = true,
    .params = xpo_params,
    .loss = xpo_loss,
};
