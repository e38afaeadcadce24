#include "config.h"

#include "train/objective/advantages.h"

#include <math.h>

double penalty_of(const struct penalties *p, const struct said *a, int t)
{
    const double logp = (double)a->logp[t];
    switch (p->kind) {
    case PENALTY_NONE:
        break;
    case PENALTY_ENTROPY:
        return logp;
    case PENALTY_KL:
        return logp - (double)a->ref[t];
    case PENALTY_CONDITIONAL: // log 0 is below every log-probability
        return (double)a->ref[t] > log(p->alpha) ? logp : logp - (double)a->ref[t];
    }
    return 0;
}

void advantages_reward(const struct penalties *p, struct said *said, int n, double *totals)
{
    for (int i = 0; i < n; i++) {
        struct said *a = &said[i];
        double total = a->score;
        for (int t = 0; t < a->n; t++) {
            const double reward = 0 - p->beta * penalty_of(p, a, t);
            total += reward;
            a->reward[t] = (float)(t == a->n - 1 ? reward + a->score : reward);
        }
        if (totals)
            totals[i] = total;
    }
}

void advantages_gae(struct said *a, double gamma, double lambda)
{
    double next_value = 0, next = 0;
    for (int t = a->n - 1; t >= 0; t--) {
        const double value = (double)a->value[t], delta = (double)a->reward[t] + gamma * next_value - value;
        next = delta + gamma * lambda * next;
        next_value = value;
        a->advantage[t] = (float)next;
        a->returns[t] = (float)(next + value);
    }
}

void advantages_spread(struct said *said, int n, const double *value)
{
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++)
            said[i].advantage[t] = (float)value[i];
}

void advantages_to_go(struct said *a, double gamma)
{
    double sum = 0;
    for (int t = a->n - 1; t >= 0; t--) {
        sum = (double)a->reward[t] + gamma * sum;
        a->advantage[t] = (float)sum;
    }
}

void leave_one_out(double *totals, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += totals[i];
    for (int i = 0; i < n; i++)
        totals[i] -= (sum - totals[i]) / (n - 1);
}

void less_group_mean(double *totals, int n, bool scaled)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        mean += totals[i] / n;
    for (int i = 0; i < n; i++)
        squares += (totals[i] - mean) * (totals[i] - mean);
    const double spread = scaled && n > 1 ? sqrt(squares / (n - 1)) + 1e-4 : 1;
    for (int i = 0; i < n; i++)
        totals[i] = (totals[i] - mean) / spread;
}

struct spread {
    double mean, variance; // unbiased; 0 of a single token
};

static struct spread spread_of(const struct said *said, int n, bool of_rewards)
{
    double sum = 0, squares = 0, count = 0;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++, count++)
            sum += (double)(of_rewards ? said[i].reward : said[i].advantage)[t];
    const double mean = count > 0 ? sum / count : 0;
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++) {
            const double d = (double)(of_rewards ? said[i].reward : said[i].advantage)[t] - mean;
            squares += d * d;
        }
    return (struct spread){mean, count > 1 ? squares / (count - 1) : 0};
}

void whiten_advantages(struct said *said, int n)
{
    const struct spread s = spread_of(said, n, false);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++)
            said[i].advantage[t] = (float)(((double)said[i].advantage[t] - s.mean) / sqrt(s.variance + 1e-8));
}

void whiten_rewards(struct said *said, int n)
{
    const struct spread s = spread_of(said, n, true);
    for (int i = 0; i < n; i++)
        for (int t = 0; t < said[i].n; t++) // (r - mean) / sd + mean
            said[i].reward[t] = (float)(((double)said[i].reward[t] - s.mean) / sqrt(s.variance + 1e-8) + s.mean);
}
