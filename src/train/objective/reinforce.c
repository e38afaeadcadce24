// REINFORCE, plain and with the batch as its baseline.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "corpus/corpus.h"
#include "train/objective/policy_gradient.h"

static const char *const baselines[] = {"running", "batch", "prompt", "none", NULL};
enum { RUNNING, OF_BATCH, OF_PROMPT, NONE };
enum { MEAN, BATCHES }; // of the state: the mean total so far, and over how many batches
static const double KEPT = 0.9; // of the running mean, each batch

enum { SAMPLES, BETA, BASELINE };
static const struct param plain_params[] = {
    [SAMPLES] = PG_SAMPLES("4", 1),
    [BETA] = PG_BETA_KL("0.05"),
    [BASELINE] = {.name = "baseline", .type = PARAM_CHOICE, .fallback = "running", .choices = baselines,
                  .group = "objective",
                  .help = "What an answer is compared with: the mean of earlier batches, of this batch, of the prompt's "
                          "answers, or nothing."},
    {0}};
static const struct param plus_params[] = {
    [SAMPLES] = PG_SAMPLES("1", 1),
    [BETA] = PG_BETA_KL("0.01"),
    {.name = "group-baseline", .type = PARAM_BOOL, .fallback = "no", .live = true, .group = "objective",
     .help = "First take the mean of the prompt's answers off each score (REINFORCE++-baseline); needs several samples."},
    PG_CLIP("0.2", "0.2"),
    {0}};
static const char *const metrics_here[] = {SURROGATE_METRICS, NULL};

static struct penalties penalties(const struct objective_run *r)
{
    return (struct penalties){.kind = r->values[BETA] > 0 ? PENALTY_KL : PENALTY_NONE, .beta = r->values[BETA]};
}

static double mean_of(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return n > 0 ? sum / n : 0;
}

// What the next answers will be compared with: the mean of the batches so far, the newer ones counting more.
static void remember(struct objective_run *r, double mean)
{
    const double kept = r->state[BATCHES] == 0 ? 0 : KEPT;
    r->state[MEAN] = kept * r->state[MEAN] + (1 - kept) * mean;
    r->state[BATCHES]++;
}

static void judge_plain(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    const struct penalties p = penalties(r);
    const int n = first[n_groups], baseline = (int)r->values[BASELINE];
    double *totals = mem_alloc((size_t)n + 1, sizeof *totals);
    advantages_reward(&p, said, n, totals);
    const double mean = mean_of(totals, n), expected = r->state[BATCHES] > 0 ? r->state[MEAN] : mean;
    for (int g = 0; g < n_groups; g++) {
        const double of_prompt = mean_of(totals + first[g], first[g + 1] - first[g]);
        const double base = baseline == RUNNING     ? expected
                            : baseline == OF_BATCH  ? mean
                            : baseline == OF_PROMPT ? of_prompt
                                                    : 0;
        for (int i = first[g]; i < first[g + 1]; i++)
            totals[i] -= base;
    }
    advantages_spread(said, n, totals);
    remember(r, mean);
    free(totals);
}

static double plain_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return surrogate_loss(r, &(struct surrogate){.ratio = RATIO_TOKEN, .clipping = CLIP_NONE, .mean = MEAN_SUMS}, s, n,
                          metrics);
}

static void judge_plus(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    const struct penalties p = penalties(r);
    const int n = first[n_groups];
    double *scores = mem_alloc((size_t)n + 1, sizeof *scores);
    for (int i = 0; i < n; i++)
        scores[i] = said[i].score;
    for (int g = 0; g < n_groups && objective_value(r, "group-baseline") != 0; g++)
        less_group_mean(scores + first[g], first[g + 1] - first[g], false);
    advantages_reward(&p, said, n, NULL);
    for (int i = 0; i < n; i++) {
        advantages_to_go(&said[i], 1);
        for (int t = 0; t < said[i].n; t++) // what it earned stays what it is
            said[i].advantage[t] += (float)(scores[i] - said[i].score);
    }
    whiten_advantages(said, n);
    free(scores);
}

static void needs_now(const double *values, struct needs *n)
{
    if (values[BETA] == 0)
        n->networks &= ~(unsigned)NETWORK_REFERENCE;
}

static const struct online plain = {.judge = judge_plain}, plus = {.judge = judge_plus};

const struct objective objective_reinforce = {
    .name = "reinforce",
    .title = "REINFORCE",
    .summary = "The plain policy gradient: answers that earned more than expected become likelier, by as much as they "
               "earned more.",
    .paper = "Williams 1992; for language models Ahmadian et al. 2024, arXiv:2402.14740",
    .formula = "R = score - beta * sum_t (log pi_old(y_t) - log ref(y_t))\n"
               "A = R - baseline\n"
               "loss = mean over answers of -A * sum_t log pi(y_t)",
    .pitfalls = "Nothing bounds an update: keep to one update a batch, and to a small learning rate. The baseline decides "
                "how noisy the gradient is; rloo has the better one. Answers of an older model (rollout-ahead) count as its "
                "own: the others weigh by the ratio.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE, .columns = COLUMN_TOKENS},
    .online = &plain,
    .params = plain_params,
    .metrics = metrics_here,
    .needs_now = needs_now,
    .loss = plain_loss,
};
const struct objective objective_reinforce_pp = {
    .name = "reinforce-pp",
    .title = "REINFORCE++",
    .summary = "REINFORCE with PPO's clipping and advantages in units of the batch's spread: no value network, and one "
               "answer a prompt is enough.",
    .paper = "Hu 2025, arXiv:2501.03262",
    .formula = "reward_t = -beta * (log pi_old(y_t) - log ref(y_t)), and the answer's score with its last token\n"
               "A_t = sum of the rewards from t on, less the mean and divided by the spread over all tokens of the batch\n"
               "loss = mean_t max(-A_t * rho_t, -A_t * clip(rho_t, 1 - clip-low, 1 + clip-high))",
    .pitfalls = "The mean is over all prompts: where prompts differ in how well they can be answered, easy ones look good "
                "and hard ones bad; group-baseline with several samples, or rloo, compares answers to the same prompt.",
    .data = DATA_PROMPT,
    .needs = {.networks = NETWORK_REFERENCE, .columns = COLUMN_TOKENS},
    .online = &plus,
    .params = plus_params,
    .metrics = metrics_here,
    .needs_now = needs_now,
    .loss = actor_loss,
};
