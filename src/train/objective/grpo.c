// Groups of answers to each prompt, in units of their own spread, and what others made of that.
#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "corpus/corpus.h"
#include "train/objective/policy_gradient.h"

static const char *const scales[] = {"group", "batch", "none", NULL};
enum { BY_GROUP, BY_BATCH, BY_NOTHING };
static const char *const means[] = {"tokens", "answers", "longest", NULL}; // in the order of enum mean_over
static const char *const clippings[] = {"ratio", "weight", NULL};

enum { SAMPLES, BETA, SCALE, MEAN, CLIPPING };
#define GRPO_PARAMS(beta, scale, mean, low, high)                                                                      \
    {[SAMPLES] = PG_SAMPLES("8", 2),                                                                                   \
     [BETA] = PG_BETA(beta, "How strongly the model is held to the reference, by a term of the loss; 0: not at all."), \
     [SCALE] = {.name = "scale-rewards", .type = PARAM_CHOICE, .fallback = scale, .choices = scales,                   \
                .group = "objective",                                                                                  \
                .help = "What advantages are divided by: the spread of the prompt's answers, of the batch, or "        \
                        "nothing."},                                                                                   \
     [MEAN] = {.name = "loss-mean", .type = PARAM_CHOICE, .fallback = mean, .choices = means, .group = "objective",    \
               .help = "What the loss is a mean over: all tokens (DAPO), answers by their own means (GRPO), or answers " \
                       "by the longest that can be (Dr. GRPO)."},                                                      \
     [CLIPPING] = {.name = "clipping", .type = PARAM_CHOICE, .fallback = "ratio", .choices = clippings,                \
                   .group = "objective",                                                                               \
                   .help = "What is bounded: the ratio, beyond which a token teaches nothing (PPO), or a token's "     \
                           "weight (CISPO)."},                                                                         \
     PG_CLIP(low, high),                                                                                               \
     {0}}

static const struct param grpo_params[] = GRPO_PARAMS("0.04", "group", "answers", "0.2", "0.2");
static const struct param dr_grpo_params[] = GRPO_PARAMS("0", "none", "longest", "0.2", "0.2");
static const struct param gspo_params[] = GRPO_PARAMS("0", "group", "answers", "3e-4", "4e-4");
static const char *const metrics_here[] = {SURROGATE_METRICS, NULL};

static void judge(struct objective_run *r, struct said *said, const int *first, int n_groups)
{
    const int n = first[n_groups], scale = (int)r->values[SCALE];
    double *scores = mem_alloc((size_t)n + 1, sizeof *scores);
    advantages_reward(&(struct penalties){0}, said, n, scores);
    if (scale == BY_BATCH) {
        double *all = mem_alloc((size_t)n + 1, sizeof *all), spread = 0;
        for (int i = 0; i < n; i++)
            all[i] = scores[i];
        less_group_mean(all, n, false);
        for (int i = 0; i < n; i++)
            spread += n > 1 ? all[i] * all[i] / (n - 1) : 0;
        for (int g = 0; g < n_groups; g++)
            less_group_mean(scores + first[g], first[g + 1] - first[g], false);
        for (int i = 0; i < n; i++)
            scores[i] /= sqrt(spread) + 1e-4;
        free(all);
    } else {
        for (int g = 0; g < n_groups; g++)
            less_group_mean(scores + first[g], first[g + 1] - first[g], scale == BY_GROUP);
    }
    advantages_spread(said, n, scores);
    free(scores);
}

static double loss_by(const struct objective_run *r, enum ratio_of ratio, struct seq *s, int n, double *metrics)
{
    const struct surrogate how = {.ratio = ratio, .clipping = (int)r->values[CLIPPING] ? CLIP_WEIGHT : CLIP_PPO,
                                  .mean = (enum mean_over)(int)r->values[MEAN], .kl = r->values[BETA],
                                  .low = objective_value(r, "clip-low"), .high = objective_value(r, "clip-high")};
    return surrogate_loss(r, &how, s, n, metrics);
}

static double loss_of_tokens(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return loss_by(r, RATIO_TOKEN, s, n, metrics);
}

static double loss_of_answers(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    return loss_by(r, RATIO_ANSWER_MEAN, s, n, metrics);
}

static void needs_now(const double *values, struct needs *n)
{
    if (values[BETA] == 0)
        n->networks &= ~(unsigned)NETWORK_REFERENCE;
}

static const struct online online = {.judge = judge};

#define GRPO_FORMULA(advantage, ratio, mean)                                                                           \
    "A_i = " advantage "\n"                                                                                            \
    "rho = " ratio "\n"                                                                                                \
    "loss = mean of max(-A * rho, -A * clip(rho, 1 - clip-low, 1 + clip-high)) + beta * (e^d - 1 - d), "               \
    "d = log ref(y_t) - log pi(y_t)\n"                                                                                 \
    "the mean is over " mean
#define GRPO_ROW                                                                                                       \
    .data = DATA_PROMPT, .needs = {.networks = NETWORK_REFERENCE, .columns = COLUMN_TOKENS}, .online = &online,        \
    .metrics = metrics_here, .needs_now = needs_now

const struct objective objective_grpo = {
    .name = "grpo",
    .title = "Group Relative Policy Optimization",
    .summary = "Compares a group of answers to each prompt in units of their own spread; widely used where rewards can be "
               "checked. DAPO and CISPO are parameters of it.",
    .paper = "Shao et al. 2024, arXiv:2402.03300; DAPO: Yu et al. 2025, arXiv:2503.14476; CISPO: MiniMax 2025, "
             "arXiv:2506.13585",
    .formula = GRPO_FORMULA("(score_i - mean of the group) / (spread of the group + 1e-4)", "pi(y_t) / pi_old(y_t)",
                            "answers, of each the mean over its tokens"),
    .pitfalls = "A group whose answers all earn the same teaches nothing (frac_reward_zero_std says how many there are; "
                "dynamic-sampling draws others). Dividing by the spread makes prompts count most that are nearly always "
                "or nearly never answered well, and dividing by the length makes long bad answers cheap: dr-grpo does "
                "neither. DAPO is loss-mean tokens, clip-high 0.28, beta 0, dynamic-sampling and overlong-buffer; CISPO is "
                "clipping weight.",
    GRPO_ROW,
    .params = grpo_params,
    .loss = loss_of_tokens,
};
const struct objective objective_dr_grpo = {
    .name = "dr-grpo",
    .title = "GRPO Done Right",
    .summary = "GRPO without its two biases: scores are not divided by their spread, nor answers by their length.",
    .paper = "Liu et al. 2025, arXiv:2503.20783",
    .formula = GRPO_FORMULA("score_i - mean of the group", "pi(y_t) / pi_old(y_t)",
                            "answers, of each the sum over its tokens divided by the longest that can be (max-new-tokens)"),
    .pitfalls = "The gradient is in units of the reward: rewards of another size need another learning rate.",
    GRPO_ROW,
    .params = dr_grpo_params,
    .loss = loss_of_tokens,
};
const struct objective objective_gspo = {
    .name = "gspo",
    .title = "Group Sequence Policy Optimization",
    .summary = "GRPO with the ratio of whole answers: what is rewarded as a whole is also bounded as a whole, which is "
               "steadier for long answers.",
    .paper = "Zheng et al. 2025, arXiv:2507.18071",
    .formula = GRPO_FORMULA("(score_i - mean of the group) / (spread of the group + 1e-4)",
                            "(pi(y_i) / pi_old(y_i))^(1 / length of y_i)", "answers"),
    .pitfalls = "The bounds are of another size than GRPO's, a thousandth: ratios of whole answers are close to 1. Many "
                "answers are beyond them after the first update of a batch, and that is meant so.",
    GRPO_ROW,
    .params = gspo_params,
    .loss = loss_of_answers,
};
