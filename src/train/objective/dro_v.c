// Direct Reward Optimisation with a value network (DRO-V).
#include "config.h"

#include <math.h>

#include "corpus/corpus.h"
#include "train/objective/objective.h"

enum { TAU, VALUE_LR };

static const struct param params[] = {
    [TAU] = {.name = "tau",
             .type = PARAM_FLOAT,
             .fallback = "1",
             .min = 1e-3,
             .max = 100,
             .live = true,
             .group = "objective",
             .help = "How strongly the model is held to the reference, in units of the rewards' spread."},
    [VALUE_LR] = {.name = "value-lr",
                  .type = PARAM_FLOAT,
                  .fallback = "1e-4",
                  .min = 1e-12,
                  .max = 10,
                  .live = true,
                  .group = "objective",
                  .help = "Highest learning rate of the value network; it follows the same schedule."},
    {0}};
static const char *const metrics_here[] = {"loss/value", "td_error", "value", NULL};

// The policy takes the value as a constant, and the value network the policy.
static void dro_hold(const struct objective_run *r, struct seq *s, int n)
{
    for (int i = 0; i < n; i++)
        s[i].prepared = s[i].value;
}

// With d = r - V - tau a: the value's loss is d^2 / 2 (slope -d by V); the policy's is the same divided by tau, so that
// its slope by log pi is -d for every tau. What is added for the value is zero where it was held, and has that slope.
// Data make groups of one response; where there are more, each counts by itself.
static double dro_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const double tau = r->values[TAU];
    double loss = 0, value_loss = 0, error = 0, value = 0;
    for (int i = 0; i < n; i++) {
        const double a = s[i].logp - s[i].ref;
        const double d = s[i].label - s[i].value - tau * a, held = s[i].label - s[i].prepared - tau * a;
        s[i].reward = tau * a;
        s[i].d_logp = s[i].d_value = -held;
        value_loss += d * d / 2;
        error += fabs(d) / n;
        value += s[i].value / n;
        loss += held * held / (2 * tau) + (s[i].prepared - s[i].value) * d;
    }
    metrics[0] = value_loss;
    metrics[1] = error;
    metrics[2] = value;
    return loss;
}

const struct objective objective_dro_v = {
    .name = "dro-v",
    .title = "Direct Reward Optimisation (DRO-V)",
    .summary = "Regresses every response's reward on its log-ratio and the prompt's value, which a second network "
               "learns; for single "
               "responses with thumbs or scores. Pairs and lists are read response by response.",
    .paper = "Richemond et al. 2024, arXiv:2405.19107",
    .formula = "d = r - V(x) - tau * [log pi(y | x) - log ref(y | x)]        r: reward with mean 0 and variance 1 over "
               "the data\n"
               "loss of V = d^2 / 2; loss of pi = d^2 / (2 * tau), with V held",
    .pitfalls =
        "The value network is a second whole model with gradients and optimizer: about twice the memory (with adapters "
        "only the frozen weights double). It is no mere baseline: while V is wrong the policy's gradient is biased, so "
        "give it a higher learning rate. The loss is a square of sums over tokens: it needs a smaller learning rate "
        "than dpo, and one that is too high shows as a loss that grows. Held-out rewards use the training data's mean "
        "and spread.",
    .data = DATA_BINARY | DATA_PAIR | DATA_LIST,
    .needs = {.networks = NETWORK_REFERENCE | NETWORK_VALUE},
    .rewards = true,
    .params = params,
    .metrics = metrics_here,
    .hold = dro_hold,
    .loss = dro_loss,
};
