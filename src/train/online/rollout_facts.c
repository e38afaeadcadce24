// What there is to say of a batch of answers, under TRL's names where it has them.
#include "config.h"

#include <math.h>

#include "train/online/rollout_parts.h"

bool rollout_has_spread(const struct rollout_batch *b, int group)
{
    const struct ds_group *g = &b->data.groups[group];
    for (int k = 1; k < g->n_seqs; k++)
        if (b->scores[g->first_seq + k] != b->scores[g->first_seq])
            return true;
    return false;
}

struct moments_of {
    double n, sum, squares;
};

static void add(struct moments_of *m, double x)
{
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

static double mean(const struct moments_of *m)
{
    return m->n > 0 ? m->sum / m->n : NAN;
}

static double spread(const struct moments_of *m) // n - 1 in it
{
    return m->n > 1 ? sqrt(fmax(m->squares - m->sum * m->sum / m->n, 0) / (m->n - 1)) : 0;
}

static void of_scores(const struct rollout_batch *b, struct metric_list *facts)
{
    const struct dataset *d = &b->data;
    struct moments_of all = {0};
    double spreads = 0, without = 0;
    for (int g = 0; g < d->n_groups; g++) {
        struct moments_of group = {0};
        for (int k = 0; k < d->groups[g].n_seqs; k++) {
            add(&all, b->scores[d->groups[g].first_seq + k]);
            add(&group, b->scores[d->groups[g].first_seq + k]);
        }
        spreads += spread(&group) / d->n_groups;
        without += !rollout_has_spread(b, g);
    }
    metric_add(facts, "reward", mean(&all));
    metric_add(facts, "reward_std", spread(&all));
    if (d->n_seqs > d->n_groups) {
        metric_add(facts, "reward_std_in_group", spreads);
        metric_add(facts, "frac_reward_zero_std", without / d->n_groups);
    }
}

static void of_lengths(const struct rollout_batch *b, struct metric_list *facts)
{
    struct moments_of all = {0}, ended = {0}, better = {0}, worse = {0};
    double longest = 0, shortest = INFINITY, score = 0;
    const int n = b->data.n_seqs;
    for (int i = 0; i < n; i++)
        score += b->scores[i] / n;
    for (int i = 0; i < n; i++) {
        const double length = b->data.seqs[i].n;
        add(&all, length);
        add(b->scores[i] > score ? &better : &worse, length);
        if (b->ended[i])
            add(&ended, length);
        longest = fmax(longest, length);
        shortest = fmin(shortest, length);
    }
    metric_add(facts, "completions/mean_length", mean(&all));
    metric_add(facts, "completions/min_length", shortest);
    metric_add(facts, "completions/max_length", longest);
    metric_add(facts, "completions/clipped_ratio", 1 - ended.n / all.n);
    if (ended.n > 0)
        metric_add(facts, "completions/mean_terminated_length", mean(&ended));
    if (better.n > 0 && worse.n > 0) {
        metric_add(facts, "completions/mean_length_better", mean(&better));
        metric_add(facts, "completions/mean_length_worse", mean(&worse));
    }
}

// k1, log pi - log ref, summed over an answer; k3, ref / pi - 1 - log(ref / pi), never below zero, of a token.
static void of_reference(const struct rollout_batch *b, struct metric_list *facts)
{
    const struct dataset *d = &b->data;
    double k1 = 0, k3 = 0, n_tokens = 0;
    for (int i = 0; i < d->n_seqs; i++)
        for (int t = 0; t < d->seqs[i].n; t++, n_tokens++) {
            const size_t at = d->seqs[i].first + (size_t)t;
            const double x = (double)d->token_columns[TOKEN_FULL_REFERENCE][at] - (double)d->token_columns[TOKEN_FULL_LOGP][at];
            k1 -= x;
            k3 += expm1(x) - x;
        }
    metric_add(facts, "objective/kl", k1 / d->n_seqs);
    metric_add(facts, "kl_k3", k3 / n_tokens);
}

static void of_tokens(const struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts)
{
    const struct dataset *d = &b->data;
    struct moments_of advantage = {0}, goal = {0}, off = {0};
    double surprise = 0, rewards = 0;
    for (int i = 0; i < d->n_seqs; i++)
        for (int t = 0; t < d->seqs[i].n; t++) {
            const size_t at = d->seqs[i].first + (size_t)t;
            const double ret = (double)d->token_columns[TOKEN_RETURN][at];
            surprise -= (double)d->token_columns[TOKEN_FULL_LOGP][at];
            rewards += (double)d->token_columns[TOKEN_REWARD][at];
            add(&advantage, (double)d->token_columns[TOKEN_ADVANTAGE][at]);
            add(&goal, ret);
            add(&off, ret - (double)d->token_columns[TOKEN_OLD_VALUE][at]);
        }
    metric_add(facts, "entropy", b->entropy);
    metric_add(facts, "objective/entropy", surprise / d->n_seqs);
    metric_add(facts, "objective/rlhf_reward", rewards / d->n_seqs);
    metric_add(facts, "advantage_std", spread(&advantage));
    if (r->trainer->value && spread(&goal) > 0)
        metric_add(facts, "val/explained_variance", 1 - spread(&off) * spread(&off) / (spread(&goal) * spread(&goal)));
}

// How far the sampler's arithmetic is from the trainer's, a token: 0 in f32 with our own kernels.
static void of_sampler(const struct rollout_batch *b, struct metric_list *facts)
{
    const struct dataset *d = &b->data;
    double kl = 0, n_tokens = 0;
    for (int i = 0; i < d->n_seqs; i++)
        for (int t = 0; t < d->seqs[i].n; t++, n_tokens++) {
            const size_t at = d->seqs[i].first + (size_t)t;
            kl += (double)d->token_columns[TOKEN_SAMPLER_LOGP][at] - (double)d->token_columns[TOKEN_OLD_LOGP][at];
        }
    metric_add(facts, "rollout/kl", kl / n_tokens);
}

void rollout_facts(struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts)
{
    if (!isnan(b->scores[0]))
        of_scores(b, facts);
    of_lengths(b, facts);
    of_sampler(b, facts);
    if (r->trainer->reference && b->data.refs)
        of_reference(b, facts);
    if (r->trainer->options.objective.objective->online->judge)
        of_tokens(r, b, facts);
}
