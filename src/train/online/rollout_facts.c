// What there is to say of a batch of answers, under TRL's names where it has them.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/objective/ngrams.h"
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
    struct moments_of spreads = {0};
    double without = 0;
    for (int g = 0; g < d->n_groups; g++) {
        struct moments_of group = {0};
        for (int i = d->groups[g].first_seq; i < d->groups[g].first_seq + d->groups[g].n_seqs; i++)
            if (rollout_counts(b, i)) {
                add(&all, b->scores[i]);
                add(&group, b->scores[i]);
            }
        if (group.n > 1)
            add(&spreads, spread(&group));
        without += !rollout_has_spread(b, g);
    }
    if (isnan(metric_value(facts, "reward_std"))) { // else the rewards have told what it was in their own unit (reward-norm)
        metric_add(facts, "reward", mean(&all));
        metric_add(facts, "reward_std", spread(&all));
    }
    if (d->n_seqs > d->n_groups) {
        if (spreads.n > 0)
            metric_add(facts, "reward_std_in_group", mean(&spreads));
        metric_add(facts, "frac_reward_zero_std", without / d->n_groups);
    }
}

static void of_lengths(const struct rollout_batch *b, struct metric_list *facts)
{
    struct moments_of all = {0}, ended = {0}, better = {0}, worse = {0};
    struct moments_of scores = {0};
    double longest = 0, shortest = INFINITY;
    for (int i = 0; i < b->data.n_seqs; i++)
        if (rollout_counts(b, i))
            add(&scores, b->scores[i]);
    for (int i = 0; i < b->data.n_seqs; i++) {
        if (!rollout_counts(b, i))
            continue;
        const double length = b->data.seqs[i].n;
        add(&all, length);
        add(b->scores[i] > mean(&scores) ? &better : &worse, length);
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
    double k1 = 0, k3 = 0, n_tokens = 0, n = 0;
    for (int i = 0; i < d->n_seqs; i++) {
        n += rollout_counts(b, i);
        for (int t = 0; rollout_counts(b, i) && t < d->seqs[i].n; t++, n_tokens++) {
            const size_t at = d->seqs[i].first + (size_t)t;
            const double x =
                (double)d->token_columns[TOKEN_FULL_REFERENCE][at] - (double)d->token_columns[TOKEN_FULL_LOGP][at];
            k1 -= x;
            k3 += expm1(x) - x;
        }
    }
    metric_add(facts, "objective/kl", k1 / n);
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

struct ratios {
    double n, sum, squares, least, most, beyond;
};

static void add_ratio(struct ratios *r, double log_ratio, double cap)
{
    const double ratio = exp(log_ratio);
    r->least = r->n == 0 || ratio < r->least ? ratio : r->least;
    r->most = r->n == 0 || ratio > r->most ? ratio : r->most;
    r->n++;
    r->sum += ratio;
    r->squares += ratio * ratio;
    r->beyond += ratio > cap;
}

// How far the sampler's arithmetic is from the trainer's: 0 and 1 in f32 with our own kernels. The ratios are those that
// is-correction bounds, of tokens or of whole answers, as they are before they are bounded.
static void of_sampler(const struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts)
{
    const struct correction *c = &r->trainer->options.objective.correction;
    const struct dataset *d = &b->data;
    double kl = 0, farthest = 0, away = 0, n_tokens = 0;
    struct ratios ratios = {0};
    if (rollout_reference_says(&r->sampler, 0) > 0) // then none is the policy's own
        return;
    for (int i = 0; i < d->n_seqs; i++) {
        double whole = 0;
        for (int t = 0; rollout_counts(b, i) && t < d->seqs[i].n; t++, n_tokens++) {
            const size_t at = d->seqs[i].first + (size_t)t;
            const double x = (double)d->token_columns[TOKEN_OLD_LOGP][at] - (double)d->token_columns[TOKEN_SAMPLER_LOGP][at];
            kl -= x;
            whole += x;
            away += fabs(x);
            farthest = fmax(farthest, fabs(x));
            if (c->by != CORRECT_SEQUENCES)
                add_ratio(&ratios, x, c->cap);
        }
        if (c->by == CORRECT_SEQUENCES && rollout_counts(b, i))
            add_ratio(&ratios, whole, c->cap);
    }
    metric_add(facts, "rollout/kl", kl / n_tokens);
    metric_add(facts, "sampling/sampling_logp_difference/mean", away / n_tokens);
    metric_add(facts, "sampling/sampling_logp_difference/max", farthest);
    if (c->cap == 0) // of an objective without such weights
        return;
    metric_add(facts, "sampling/importance_sampling_ratio/min", ratios.least);
    metric_add(facts, "sampling/importance_sampling_ratio/mean", ratios.sum / ratios.n);
    metric_add(facts, "sampling/importance_sampling_ratio/max", ratios.most);
    metric_add(facts, "sampling/importance_sampling_ratio/ess", ratios.sum * ratios.sum / (ratios.n * ratios.squares));
    metric_add(facts, "sampling/importance_sampling_ratio/truncated", ratios.beyond / ratios.n);
}

static bool ends_with_stop(const struct gen_options *o, const struct dataset *d, const struct ds_seq *s)
{
    for (int i = 0; i < o->n_stop && s->n > 0; i++)
        if (o->stop_ids[i] == d->tokens[s->first + (size_t)s->n - 1])
            return true;
    return false;
}

// How alike a prompt's answers are, the mean over prompts. Ends are no words.
static void of_variety(const struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts)
{
    const struct dataset *d = &b->data;
    int32_t *tokens = mem_alloc(d->n_tokens + 1, sizeof *tokens);
    size_t *ends = mem_alloc((size_t)d->n_seqs + 1, sizeof *ends);
    struct moments_of distinct = {0}, bleu = {0};
    for (int g = 0; g < d->n_groups; g++) {
        size_t n = 0;
        int n_texts = 0;
        for (int i = d->groups[g].first_seq; i < d->groups[g].first_seq + d->groups[g].n_seqs; i++) {
            const size_t said = (size_t)d->seqs[i].n - ends_with_stop(&r->o.sampling, d, &d->seqs[i]);
            if (!rollout_counts(b, i))
                continue;
            memcpy(tokens + n, d->tokens + d->seqs[i].first, said * sizeof *tokens);
            ends[n_texts++] = n += said;
        }
        const double pairs = distinct_ngrams(tokens, ends, n_texts, 2);
        if (n_texts > 1 && !isnan(pairs))
            add(&distinct, pairs);
        if (n_texts > 1)
            add(&bleu, self_bleu(tokens, ends, n_texts));
    }
    if (distinct.n > 0)
        metric_add(facts, "completions/distinct_2", mean(&distinct));
    if (bleu.n > 0)
        metric_add(facts, "completions/self_bleu", mean(&bleu));
    free(tokens);
    free(ends);
}

void rollout_facts(struct rollouts *r, const struct rollout_batch *b, struct metric_list *facts)
{
    if (!isnan(b->scores[0]))
        of_scores(b, facts);
    of_lengths(b, facts);
    of_sampler(r, b, facts);
    of_variety(r, b, facts);
    if (r->trainer->reference && b->data.refs)
        of_reference(b, facts);
    if (r->trainer->options.objective.objective->online->judge)
        of_tokens(r, b, facts);
}
