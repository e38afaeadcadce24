// What objectives that learn from the policy's own answers share: their parameters as rows, and the ways to a judgement that
// several of them go. ppo.c is the one to read first.
#pragma once

#include "train/objective/advantages.h"
#include "train/objective/surrogate.h"

// ---- parameters; they are read by their names (objective_value) ----

enum { MOST_SAMPLES = 4096 };
#define PG_SAMPLES(value, least)                                                                                       \
    {.name = "samples", .type = PARAM_INT, .fallback = value, .min = least, .max = MOST_SAMPLES,         \
     .unit = "answers", .group = "objective", .help = "Answers that are sampled to each prompt of a batch."}
#define PG_BETA(value, text)                                                                                           \
    {.name = "beta", .type = PARAM_FLOAT, .fallback = value, .min = 0, .max = 100, .live = true, .group = "objective", \
     .help = text}
#define PG_BETA_KL(value)                                                                                              \
    PG_BETA(value, "How strongly the model is held to the reference: what a nat of log pi - log ref costs; 0: nothing.")
#define PG_CLIP(low, high)                                                                                             \
    {.name = "clip-low", .type = PARAM_FLOAT, .fallback = low, .min = 0, .max = 1, .live = true, .group = "objective", \
     .help = "A bad answer teaches no more once it has become less likely than by this share since it was said."},     \
    {                                                                                                                  \
        .name = "clip-high", .type = PARAM_FLOAT, .fallback = high, .min = 0, .max = 100, .live = true,                \
        .group = "objective",                                                                                          \
        .help = "A good answer teaches no more once it has become likelier than by this share; DAPO's clip-higher is " \
                "0.28."                                                                                                \
    }
#define PG_CRITIC                                                                                                      \
    {.name = "gamma", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1, .live = true, .group = "objective",    \
     .help = "What a reward is worth one token earlier; 1: the same."},                                                \
    {.name = "lambda", .type = PARAM_FLOAT, .fallback = "0.95", .min = 0, .max = 1, .live = true,                      \
     .group = "objective",                                                                                             \
     .help = "Of the advantages (GAE): 1 looks at all that came, 0 trusts the value network after one token."},        \
    {.name = "value-clip", .type = PARAM_FLOAT, .fallback = "0.2", .min = 0, .max = 1e6, .live = true,                 \
     .group = "objective",                                                                                             \
     .help = "How far a value may move from what it was when the answer was said; 0: as far as it likes."},            \
    {.name = "vf-coef", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 100, .live = true,                    \
     .group = "objective", .help = "The value network's loss times this is added to the policy's."},                   \
    {.name = "value-lr", .type = PARAM_FLOAT, .fallback = "1e-5", .min = 1e-12, .max = 10, .live = true,               \
     .group = "objective",                                                                                             \
     .help = "Highest learning rate of the value network; it follows the same schedule."},                             \
    {.name = "whiten", .type = PARAM_BOOL, .fallback = "yes", .live = true, .group = "objective",                      \
     .help = "Bring the advantages of a batch to mean 0 and spread 1."},                                               \
    {                                                                                                                  \
        .name = "whiten-rewards", .type = PARAM_BOOL, .fallback = "no", .live = true, .group = "objective",            \
        .help = "Bring the tokens' rewards of a batch to spread 1, before the advantages."                             \
    }

// ---- judgements ----

// By a value network: rewards of tokens, GAE, whitened as the parameters of PG_CRITIC say.
void judge_by_value(const struct objective_run *r, const struct penalties *p, struct said *said, int n);
// By each other: an answer's reward less the mean of the prompt's other answers, the same at all its tokens.
void judge_by_others(const struct penalties *p, struct said *said, const int *first, int n_groups);

// ---- losses ----

// Token by token with PPO's clipping, and the value network's beside it where there is one.
double actor_loss(const struct objective_run *r, struct seq *s, int n, double *metrics);
// The answer as a whole, clipped.
double answers_loss(const struct objective_run *r, struct seq *s, int n, double *metrics);
