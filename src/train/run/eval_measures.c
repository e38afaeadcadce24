#include "config.h"

#include "train/run/eval_measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "demo/demo.h"
#include "train/objective/pm_divergence.h"

void eval_measures_add(struct eval_measures *m, const char *name, struct estimate of)
{
    BUG_IF(m->n == EVAL_MAX_MEASURES);
    snprintf(m->items[m->n].name, sizeof m->items[m->n].name, "%s", name);
    m->items[m->n++].of = of;
}

static struct estimate alone(double value)
{
    return (struct estimate){value, NAN, NAN};
}

struct work {
    struct eval_measures *out;
    const struct eval_answers *a;
    double *by_prompt, *lengths; // (n_groups)
    double *by_answer;           // (n_seqs)
};

static void add(struct work *w, const char *prefix, const char *name, struct estimate of)
{
    char all[32];
    snprintf(all, sizeof all, "%s%s", prefix, name);
    eval_measures_add(w->out, all, of);
}

// by_answer over prompts.
static struct estimate mean_over_prompts(struct work *w)
{
    const struct dataset *d = &w->a->data;
    for (int g = 0; g < d->n_groups; g++) {
        double sum = 0;
        for (int k = 0; k < d->groups[g].n_seqs; k++)
            sum += w->by_answer[d->groups[g].first_seq + k];
        w->by_prompt[g] = sum / d->groups[g].n_seqs;
    }
    return estimate_mean(w->by_prompt, d->n_groups);
}

// The sum of by_answer per token.
static struct estimate ratio_to_tokens(struct work *w)
{
    const struct dataset *d = &w->a->data;
    for (int g = 0; g < d->n_groups; g++) {
        w->by_prompt[g] = w->lengths[g] = 0;
        for (int i = d->groups[g].first_seq; i < d->groups[g].first_seq + d->groups[g].n_seqs; i++) {
            w->by_prompt[g] += w->by_answer[i];
            w->lengths[g] += d->seqs[i].n;
        }
    }
    return estimate_ratio(w->by_prompt, w->lengths, d->n_groups);
}

// ---- rewards ----

// of: of two answers of a prompt, with d = log pi1 - log pi2 and the gap of their rewards; the mean over its pairs.
static struct estimate over_pairs(struct work *w, const double *scores, double beta, double (*of)(double d, double e))
{
    const struct dataset *d = &w->a->data;
    for (int g = 0; g < d->n_groups; g++) {
        const int first = d->groups[g].first_seq, n = d->groups[g].n_seqs;
        double sum = 0;
        for (int i = 0; i < n; i++)
            for (int k = i + 1; k < n; k++)
                sum += of(w->a->logp[first + i] - w->a->logp[first + k], (scores[first + i] - scores[first + k]) / beta);
        w->by_prompt[g] = sum / (n * (n - 1) / 2.0);
    }
    return estimate_mean(w->by_prompt, d->n_groups);
}

static struct estimate win_rate(const struct eval_answers *a, const struct eval_answers *b, int judge)
{
    double sum = 0;
    for (int g = 0; g < a->data.n_groups; g++) {
        const double *ours = a->scores[judge] + a->data.groups[g].first_seq;
        const double *theirs = b->scores[judge] + b->data.groups[g].first_seq;
        double wins = 0;
        for (int i = 0; i < a->samples; i++)
            for (int k = 0; k < b->samples; k++)
                wins += ours[i] > theirs[k] ? 1 : ours[i] < theirs[k] ? 0 : 0.5;
        sum += wins / ((double)a->samples * b->samples);
    }
    return estimate_share(sum / a->data.n_groups, a->data.n_groups);
}

static void add_rewards(struct work *w, const struct eval_question *q, int judge)
{
    const char *prefix = judge ? "gold/" : "";
    const double *scores = w->a->scores[judge];
    const int n = w->a->data.n_seqs;
    if (!scores)
        return;
    memcpy(w->by_answer, scores, (size_t)n * sizeof *scores);
    add(w, prefix, "reward", mean_over_prompts(w));
    add(w, prefix, "reward/std", alone(standard_deviation(scores, n)));
    if (q->reference)
        add(w, prefix, "win_rate", win_rate(w->a, q->reference, judge));
    if (judge || w->a->samples < 2)
        return;
    add(w, prefix, "pm_divergence", over_pairs(w, scores, q->beta, pm_divergence));
    add(w, prefix, "eval/pm", over_pairs(w, scores, 1, pm_squared_gap));
}

// ---- the policy and its reference ----

static void add_kl(struct work *w, const char *name, const char *of_tokens, const double *values)
{
    if (!values)
        return;
    memcpy(w->by_answer, values, (size_t)w->a->data.n_seqs * sizeof *values);
    add(w, "", name, mean_over_prompts(w));
    add(w, "", of_tokens, ratio_to_tokens(w));
}

static void add_probabilities(struct work *w)
{
    const struct eval_answers *a = w->a;
    const int n = a->data.n_seqs;
    double *k1 = a->ref ? mem_alloc((size_t)n, sizeof *k1) : NULL;
    for (int i = 0; k1 && i < n; i++)
        k1[i] = a->logp[i] - a->ref[i];
    add_kl(w, "kl/k1", "kl/k1/token", k1);
    add_kl(w, "kl/k3", "kl/k3/token", a->k3);
    add_kl(w, "kl/exact", "kl/exact/token", a->kl);
    free(k1);
    for (int i = 0; i < n; i++)
        w->by_answer[i] = -a->logp[i];
    add(w, "", "entropy/sampled", ratio_to_tokens(w));
    memcpy(w->by_answer, a->entropy, (size_t)n * sizeof *a->entropy);
    add(w, "", "entropy", ratio_to_tokens(w));
    for (int i = 0; i < n; i++)
        w->by_answer[i] = exp(-a->logp[i] / a->data.seqs[i].n);
    add(w, "", "perplexity", mean_over_prompts(w));
}

void eval_measures_data(struct eval_measures *m, const double *logp, const double *lengths, int n)
{
    const struct estimate r = estimate_ratio(logp, lengths, n);
    eval_measures_add(m, "data/perplexity", (struct estimate){exp(-r.value), exp(-r.high), exp(-r.low)});
}

// ---- the texts ----

static void add_texts(struct work *w)
{
    static const char *const names[] = {"distinct/1", "distinct/2", "distinct/3"};
    const struct dataset *d = &w->a->data;
    int32_t *tokens = mem_alloc(d->n_tokens, sizeof *tokens);
    size_t *ends = mem_alloc((size_t)d->n_seqs, sizeof *ends), n = 0;
    double n_truncated = 0;
    for (int i = 0; i < d->n_seqs; i++) {
        w->by_answer[i] = d->seqs[i].n;
        n_truncated += !w->a->ended[i];
        const size_t said = (size_t)d->seqs[i].n - w->a->ended[i]; // the end is no word
        memcpy(tokens + n, d->tokens + d->seqs[i].first, said * sizeof *tokens);
        ends[i] = n += said;
    }
    add(w, "", "length", mean_over_prompts(w));
    add(w, "", "truncated", estimate_share(n_truncated / d->n_seqs, d->n_groups));
    for (int i = 0; i < 3; i++)
        add(w, "", names[i], alone(distinct_ngrams(tokens, ends, d->n_seqs, i + 1)));
    free(tokens);
    free(ends);
}

static void add_styles(struct work *w)
{
    const int n = w->a->data.n_seqs;
    double counts[DEMO_N_STYLES] = {0}, truth[DEMO_N_STYLES], n_styled = 0;
    for (int i = 0; i < n; i++) {
        const int style = demo_style(w->a->texts[i], strlen(w->a->texts[i]));
        if (style == DEMO_NO_STYLE)
            continue;
        counts[style]++;
        n_styled++;
    }
    add(w, "style/", "none", estimate_share((n - n_styled) / n, w->a->data.n_groups));
    if (n_styled == 0)
        return;
    demo_shares_matching(truth);
    for (int i = 0; i < DEMO_N_STYLES; i++) {
        counts[i] /= n_styled;
        add(w, "style/", demo_styles[i].name, estimate_share(counts[i], n_styled / w->a->samples));
    }
    add(w, "style/", "tv", alone(total_variation(counts, truth, DEMO_N_STYLES)));
    add(w, "style/", "kl", alone(shares_kl(counts, truth, DEMO_N_STYLES)));
}

void eval_measures_make(struct eval_measures *m, const struct eval_question *q)
{
    const struct eval_answers *a = q->answers;
    struct work w = {.out = m, .a = a, .by_prompt = mem_alloc((size_t)a->data.n_groups, sizeof(double)),
                     .lengths = mem_alloc((size_t)a->data.n_groups, sizeof(double)),
                     .by_answer = mem_alloc((size_t)a->data.n_seqs, sizeof(double))};
    add_rewards(&w, q, 0);
    add_rewards(&w, q, 1);
    add_probabilities(&w);
    add_texts(&w);
    if (q->styles)
        add_styles(&w);
    free(w.by_prompt);
    free(w.lengths);
    free(w.by_answer);
}
