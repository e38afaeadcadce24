// Preference matching: in place of what holds the model to the reference, what makes it say each answer as often as people
// prefer it.
#include "config.h"

#include "corpus/corpus.h"
#include "train/objective/policy_gradient.h"

static const char *const estimators[] = {"rloo", "gae", NULL};
enum { BY_OTHERS, BY_VALUE };

#define PM_ESTIMATOR                                                                                                   \
    {.name = "estimator", .type = PARAM_CHOICE, .fallback = "rloo", .choices = estimators, .group = "objective",       \
     .help = "What an answer is compared with: the prompt's other answers (rloo), or a value network (gae), as in PPO."}
#define PM_BETA                                                                                                        \
    PG_BETA("0.1", "The model comes to say answers in proportion to exp(reward / beta); 1 takes the reward as it was " \
                   "learnt from people's choices.")

enum { SAMPLES, BETA, ESTIMATOR }; // of the parameters of both
static const struct param pure_params[] = {
    [SAMPLES] = PG_SAMPLES("4", 2), [BETA] = PM_BETA, [ESTIMATOR] = PM_ESTIMATOR, PG_CLIP("0.2", "0.2"), PG_CRITIC, {0}};
static const struct param conditional_params[] = {
    [SAMPLES] = PG_SAMPLES("4", 2),
    [BETA] = PM_BETA,
    [ESTIMATOR] = PM_ESTIMATOR,
    {.name = "alpha", .type = PARAM_FLOAT, .fallback = "0.3", .min = 0, .max = 1, .live = true, .group = "objective",
     .help = "Tokens that the reference gives more than this probability are natural, and matched; others are held to the "
             "reference. 0: all are natural (pm-rlhf); 1: none is (ppo and rloo)."},
    PG_CLIP("0.2", "0.2"),
    PG_CRITIC,
    {0}};
static const char *const metrics_here[] = {SURROGATE_METRICS, VALUE_METRICS, NULL};

static void judge(struct objective_run *r, const struct penalties *p, struct said *said, const int *first, int n_groups)
{
    if ((int)r->values[ESTIMATOR] == BY_VALUE)
        judge_by_value(r, p, said, first[n_groups]);
    else
        judge_by_others(p, said, first, n_groups);
}

static void judge_pure(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    judge(r, &(struct penalties){PENALTY_ENTROPY, r->values[BETA], 0}, said, first, n_groups);
}

static void judge_conditional(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    judge(r, &(struct penalties){PENALTY_CONDITIONAL, r->values[BETA], objective_value(r, "alpha")}, said, first, n_groups);
}

static double loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return ((int)r->values[ESTIMATOR] == BY_VALUE ? actor_loss : answers_loss)(r, s, n, metrics);
}

static void needs_now(const double *values, struct needs *n)
{
    if ((int)values[ESTIMATOR] != BY_VALUE)
        n->networks &= ~(unsigned)(NETWORK_VALUE | NETWORK_TOKEN_VALUE);
}

static const struct online pure = {.judge = judge_pure}, conditional = {.judge = judge_conditional};

#define PM_UPDATE                                                                                                      \
    "estimator rloo: A = R less the mean R of the prompt's other answers, clipped as in rloo; gae: as in ppo"

const struct objective objective_pm_rlhf = {
    .name = "pm-rlhf",
    .title = "Preference Matching RLHF",
    .summary = "RLHF without preference collapse: the reward plus the answer's own surprise, so that the model says each "
               "answer as often as people prefer it, whatever it said before.",
    .paper = "Xiao et al. 2024, arXiv:2405.16455",
    .formula = "R = score - beta * sum_t log pi_old(y_t)\n"
               "loss: R's policy gradient; its optimum is pi(y) = exp(score(y) / beta) / sum over all answers\n" PM_UPDATE,
    .pitfalls = "All answers are matched, and nearly all sequences of tokens are gibberish, each with a reward that is not "
                "nothing: on text the model comes to say it, the sooner the larger beta is. Use conditional-pm-rlhf for "
                "text; this one shows why, and fits where all answers are proper ones. The entropy pays for length.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_VALUE | NETWORK_TOKEN_VALUE, .columns = COLUMN_TOKENS},
    .online = &pure,
    .params = pure_params,
    .metrics = metrics_here,
    .needs_now = needs_now,
    .loss = loss,
};
const struct objective objective_conditional_pm_rlhf = {
    .name = "conditional-pm-rlhf",
    .title = "Conditional Preference Matching RLHF",
    .summary = "Preference matching for text: among what the reference finds natural each answer comes as often as people "
               "prefer it, so minorities stay; the rest is held to the reference.",
    .paper = "Xiao et al. 2024, arXiv:2405.16455, section 4",
    .formula = "cost_t = log pi_old(y_t) where ref(y_t) > alpha, else log pi_old(y_t) - log ref(y_t)\n"
               "R = score - beta * sum_t cost_t\n"
               "loss: R's policy gradient; its optimum is pi(y) ~ exp(score(y) / beta) * product of ref(y_t) over tokens "
               "with ref(y_t) <= alpha\n" PM_UPDATE,
    .pitfalls = "A token is natural when the reference gives it more than alpha, so a small alpha takes much for natural "
                "and pays for length and surprise, and alpha 1 is KL-bound RLHF; the paper finds 0.3 to 0.5 good. A style "
                "that begins with a token which the reference finds unlikely is still charged for it. The code published "
                "with the paper takes alpha 0 for KL-bound; here it is pure preference matching, which the formula says.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE | NETWORK_VALUE | NETWORK_TOKEN_VALUE, .columns = COLUMN_TOKENS},
    .online = &conditional,
    .params = conditional_params,
    .metrics = metrics_here,
    .needs_now = needs_now,
    .loss = loss,
};
