#include "config.h"

#include "train/objective/pm_divergence.h"

#include "train/objective/stable.h"

double pm_divergence(double d, double e)
{
    // log sigmoid(d) - log sigmoid(e) = softplus(-e) - softplus(-d)
    const double kl = sigmoid(d) * (softplus(-e) - softplus(-d)) + sigmoid(-d) * (softplus(e) - softplus(d));
    return kl < 0 ? 0 : kl; // of rounding alone; NaN stays
}

double pm_squared_gap(double d, double reward_gap)
{
    return (reward_gap - d) * (reward_gap - d);
}
