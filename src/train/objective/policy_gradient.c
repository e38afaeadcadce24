#include "config.h"

#include "train/objective/policy_gradient.h"

#include <stdlib.h>

#include "base/mem.h"

void judge_by_value(const struct objective_run *r, const struct penalties *p, struct said *said, int n)
{
    const double gamma = objective_value(r, "gamma"), lambda = objective_value(r, "lambda");
    advantages_reward(p, said, n, NULL);
    if (objective_value(r, "whiten-rewards") != 0)
        whiten_rewards(said, n);
    for (int i = 0; i < n; i++)
        advantages_gae(&said[i], gamma, lambda);
    if (objective_value(r, "whiten") != 0)
        whiten_advantages(said, n);
}

void judge_by_others(const struct penalties *p, struct said *said, const int *first, int n_groups)
{
    const int n = first[n_groups];
    double *totals = mem_alloc((size_t)n + 1, sizeof *totals);
    advantages_reward(p, said, n, totals);
    for (int g = 0; g < n_groups; g++)
        leave_one_out(totals + first[g], first[g + 1] - first[g]);
    advantages_spread(said, n, totals);
    free(totals);
}

double actor_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct surrogate how = {.ratio = RATIO_TOKEN, .clipping = CLIP_PPO, .mean = MEAN_TOKENS,
                                  .low = objective_value(r, "clip-low"), .high = objective_value(r, "clip-high")};
    const double loss = surrogate_loss(r, &how, s, n, metrics);
    if (!s[0].tokens.value)
        return loss;
    return loss + value_loss(r, objective_value(r, "value-clip"), objective_value(r, "vf-coef"), s, n,
                             metrics + N_SURROGATE_METRICS);
}

double answers_loss(const struct objective_run *r, struct seq *s, int n, double *metrics)
{
    const struct surrogate how = {.ratio = RATIO_ANSWER, .clipping = CLIP_PPO, .mean = MEAN_SUMS,
                                  .low = objective_value(r, "clip-low"), .high = objective_value(r, "clip-high")};
    return surrogate_loss(r, &how, s, n, metrics);
}
