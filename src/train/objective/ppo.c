// Proximal policy optimization of answers, held to the reference by a penalty.
#include "config.h"

#include <math.h>

#include "corpus/corpus.h"
#include "train/objective/policy_gradient.h"

enum { ADAPTED, USED }; // of the state: what beta is multiplied by has moved so far from 1; what it came to in the present
                        // batch

#define PPO_PARAMS                                                                                                     \
    PG_SAMPLES("1", 1), PG_BETA_KL("0.05"),                                                                            \
    {.name = "kl-target", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e6, .live = true, .unit = "nats",    \
     .group = "objective",                                                                                             \
     .help = "Let beta adapt itself, so that an answer's log pi - log ref comes near this; 0: beta stays."},           \
    {.name = "kl-horizon", .type = PARAM_FLOAT, .fallback = "10000", .min = 1, .max = 1e9, .unit = "answers",          \
     .group = "objective", .help = "How slowly beta adapts itself, where it does."},                                   \
    PG_CLIP("0.2", "0.2"), PG_CRITIC

static const struct param params[] = {PPO_PARAMS, {0}};
static const struct param ptx_params[] = {
    PPO_PARAMS,
    {.name = "ptx-coef", .type = PARAM_FLOAT, .fallback = "27.8", .min = 0, .max = 1e6, .live = true, .group = "objective",
     .help = "What a nat a token of the imitated texts counts beside the answers' loss."},
    {0}};
static const char *const metrics_here[] = {SURROGATE_METRICS, VALUE_METRICS, "kl_coef", NULL};

static double beta_now(const struct objective_run *r)
{
    return objective_value(r, "beta") * (1 + r->state[ADAPTED]);
}

// Ziegler et al. 2019, section 2.2: proportional control in log space, bounded.
static void adapt(struct objective_run *r, const struct said *said, int n)
{
    const double target = objective_value(r, "kl-target");
    double kl = 0;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++)
            kl += ((double)said[i].logp[t] - (double)said[i].ref[t]) / n;
    const double off = fmin(fmax(kl / target - 1, -0.2), 0.2), factor = 1 + off * n / objective_value(r, "kl-horizon");
    r->state[ADAPTED] = (1 + r->state[ADAPTED]) * fmax(factor, 0.5) - 1;
}

static void ppo_judge(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    const double beta = beta_now(r);
    const struct penalties p = {.kind = beta > 0 ? PENALTY_KL : PENALTY_NONE, .beta = beta};
    judge_by_value(r, &p, said, first[n_groups]);
    r->state[USED] = beta;
    if (beta > 0 && objective_value(r, "kl-target") > 0)
        adapt(r, said, first[n_groups]);
}

static double ppo_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    metrics[N_SURROGATE_METRICS + 2] = r->state[USED];
    return actor_loss(r, s, n, metrics);
}

static void ppo_needs(const double *values, struct needs *n)
{
    if (values[1] == 0)
        n->networks &= ~(unsigned)NETWORK_REFERENCE;
}

static const struct online online = {.judge = ppo_judge};

#define FORMULA_PPO                                                                                                     \
    "reward_t = -beta * (log pi_old(y_t) - log ref(y_t)), and the answer's score with its last token\n" \
    "delta_t = reward_t + gamma * V(t + 1) - V(t);  A_t = delta_t + gamma * lambda * A_(t + 1);  R_t = A_t + V(t)\n" \
    "rho_t = pi(y_t) / pi_old(y_t)\n" \
    "loss = mean_t max(-A_t * rho_t, -A_t * clip(rho_t, 1 - clip-low, 1 + clip-high))\n" \
    "       + vf-coef / 2 * mean_t max((V - R_t)^2, (clip(V, V_old -+ value-clip) - R_t)^2)"

const struct objective objective_ppo = {
    .name = "ppo",
    .title = "Proximal Policy Optimization (RLHF)",
    .summary = "The classic of RLHF: answers are sampled, scored by a reward model, and made likelier or less likely token "
               "by token; a value network says what was to be expected.",
    .paper = "Schulman et al. 2017, arXiv:1707.06347; for language models Ziegler et al. 2019, arXiv:1909.08593, and Ouyang "
             "et al. 2022, arXiv:2203.02155",
    .formula = FORMULA_PPO,
    .pitfalls = "KL-bound tuning is biased: its optimum is ref * exp(reward / beta), so a minority that the reference "
                "hardly says is driven out (preference collapse); pm-rlhf and conditional-pm-rlhf are not. With the value "
                "network it trains two models at once. A reward that rises while a held-out one falls is over-optimized: "
                "watch one (watch-model), raise beta or stop. kl below zero means that answers are sampled otherwise than "
                "they are scored.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE | NETWORK_VALUE | NETWORK_TOKEN_VALUE, .columns = COLUMN_TOKENS},
    .online = &online,
    .params = params,
    .metrics = metrics_here,
    .needs_now = ppo_needs,
    .loss = ppo_loss,
};

const struct objective objective_ppo_ptx = {
    .name = "ppo-ptx",
    .title = "PPO with pretraining texts (PPO-ptx)",
    .summary = "PPO that goes on imitating texts while it is tuned, so that it does not forget what they are of (the "
               "alignment tax).",
    .paper = "Ouyang et al. 2022, arXiv:2203.02155",
    .formula = FORMULA_PPO "\n       - ptx-coef * mean_t log pi(x_t) over the tokens of a batch of texts x (ptx-data)",
    .pitfalls = "The published weight, 27.8, is for losses of their scale and is large: with it imitation may be all that "
                "is learnt, and others have found it unstable; watch ptx_loss against reward, and lower it. The texts "
                "should be of what is not to be forgotten, in the amount of the answers. All of ppo's pitfalls hold: its "
                "optimum drives minorities out.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE | NETWORK_VALUE | NETWORK_TOKEN_VALUE, .columns = COLUMN_TOKENS},
    .imitates = true,
    .online = &online,
    .params = ptx_params,
    .metrics = metrics_here,
    .needs_now = ppo_needs,
    .loss = ppo_loss,
};
