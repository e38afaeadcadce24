#include "config.h"

#include "train/run/eval_answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "train/learn/packing.h"
#include "train/learn/scoring.h"

static int tell(const struct eval_progress *p, const char *what, int done, int all, struct err *e)
{
    return !p->tell || p->tell(p->arg, what, done, all) ? 0 : err_set(e, ERR_INTERRUPTED, "stopped while %s", what);
}

// ---- prompts ----

static bool is_new(const struct eval_prompts *p, const int32_t *ids, int n)
{
    for (int k = 0; k < p->n; k++)
        if (p->n_tokens[k] == n && memcmp(p->tokens[k], ids, (size_t)n * sizeof *ids) == 0)
            return false;
    return true;
}

static void hash_prompts(struct eval_prompts *p)
{
    struct sha256 s;
    sha256_init(&s);
    for (int i = 0; i < p->n; i++) {
        sha256_add(&s, &p->n_tokens[i], sizeof *p->n_tokens);
        sha256_add(&s, p->tokens[i], (size_t)p->n_tokens[i] * sizeof **p->tokens);
    }
    sha256_hex(&s, p->hash);
}

int eval_prompts_take(struct eval_prompts *p, const struct corpus *c, const bool *use, const struct dataset_options *text,
                      int most, int longest, struct err *e)
{
    const size_t room = (size_t)most < c->n_examples ? (size_t)most : c->n_examples;
    *p = (struct eval_prompts){.examples = mem_alloc(room + 1, sizeof *p->examples),
                               .tokens = mem_alloc(room + 1, sizeof *p->tokens),
                               .n_tokens = mem_alloc(room + 1, sizeof *p->n_tokens)};
    struct err why = {0};
    for (size_t i = 0; i < c->n_examples && p->n < most; i++) {
        int32_t *ids = NULL;
        int n = 0;
        if (use && !use[i])
            continue;
        int code = dataset_prompt_tokens(text, &c->examples[i], &ids, &n, &why);
        if (code && code != ERR_INPUT) { // ERR_INPUT: of this row alone
            if (e)
                *e = why;
            return code;
        }
        if (!code && n >= longest)
            code = err_set(&why, ERR_INPUT, "a prompt of %d tokens leaves no room for an answer within %d", n, longest);
        p->n_left_out += code != 0;
        if (!code && is_new(p, ids, n)) {
            p->examples[p->n] = &c->examples[i];
            p->tokens[p->n] = ids;
            p->n_tokens[p->n++] = n;
        } else {
            free(ids);
        }
    }
    if (p->n == 0)
        return err_set(e, ERR_INPUT, "%s has no prompt that can be answered%s%s", c->path, *why.text ? ": " : "", why.text);
    hash_prompts(p);
    return 0;
}

void eval_prompts_fini(struct eval_prompts *p)
{
    for (int i = 0; i < p->n; i++)
        free(p->tokens[i]);
    free(p->tokens);
    free(p->n_tokens);
    free(p->examples);
    *p = (struct eval_prompts){0};
}

// ---- answers ----

// The answers to one prompt.
struct asked {
    struct gen_sample *samples;
    struct gen_job *job; // NULL once it has ended
    int n_samples, *n_done;
};

static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    struct asked *a = arg;
    a->job = NULL;
    *a->n_done += whole;
    if (whole)
        a->samples = samples;
    else
        gen_samples_free(samples, a->n_samples);
}

static int answer_all(struct generator *g, const int *n_done, int n, const struct eval_progress *progress, struct err *e)
{
    static const double LOOK_S = 0.2;
    double looked = clock_seconds();
    int code = tell(progress, "answers are sampled", 0, n, e);
    while (!code && *n_done < n && generator_is_busy(g)) {
        code = generator_step(g, e);
        if (!code && clock_seconds() - looked >= LOOK_S) {
            looked = clock_seconds();
            code = tell(progress, "answers are sampled", *n_done, n, e);
        }
    }
    return code;
}

static int take_answers(struct eval_answers *a, const struct asked *asked, const struct eval_prompts *p,
                        const struct tokenizer *t, struct err *e)
{
    struct dataset *d = &a->data;
    const size_t n_answers = (size_t)p->n * (size_t)a->samples;
    d->groups = mem_alloc((size_t)p->n, sizeof *d->groups);
    d->seqs = mem_alloc(n_answers, sizeof *d->seqs);
    a->ended = mem_alloc(n_answers, sizeof *a->ended);
    a->texts = mem_alloc(n_answers, sizeof *a->texts);
    bool said = false;
    for (int i = 0; i < p->n; i++) {
        struct ds_group *g = &d->groups[d->n_groups++];
        *g = (struct ds_group){.n_prompt = p->n_tokens[i], .first_seq = d->n_seqs, .example = (uint32_t)i};
        g->prompt = dataset_add_tokens(d, p->tokens[i], (size_t)p->n_tokens[i]);
        for (int k = 0; k < a->samples; k++) {
            const struct gen_sample *s = &asked[i].samples[k];
            size_t n_bytes;
            int code = tokenizer_decode_more(t, s->tokens, (size_t)s->n_tokens, true, &a->texts[d->n_seqs], &n_bytes, e);
            if (code)
                return code;
            said = said || n_bytes;
            a->ended[d->n_seqs] = s->stopped;
            d->seqs[d->n_seqs++] = (struct ds_seq){.first = dataset_add_tokens(d, s->tokens, (size_t)s->n_tokens),
                                                   .n = s->n_tokens, .response = k};
            g->n_seqs++;
        }
    }
    return said ? 0 : err_set(e, ERR_INPUT,
                              "every one of the %d answers is empty: the model ends at once, and there is nothing to "
                              "measure", d->n_seqs);
}

int eval_answers_draw(struct eval_answers *a, struct model *m, const struct eval_prompts *p, const struct tokenizer *t,
                      int samples, const struct gen_options *options, const struct eval_progress *progress, struct err *e)
{
    struct generator *g;
    struct asked *asked = mem_alloc((size_t)p->n, sizeof *asked);
    int n_done = 0;
    *a = (struct eval_answers){.samples = samples};
    int code = generator_of(&g, m, e);
    for (int i = 0; i < p->n && !code; i++) {
        const struct gen_request q = {.prompt = p->tokens[i], .n_prompt = p->n_tokens[i], .n_samples = samples,
                                      .number = (uint32_t)i, .options = *options, .on_end = on_end, .arg = &asked[i]};
        struct gen_job *job = NULL;
        asked[i] = (struct asked){.n_samples = samples, .n_done = &n_done};
        code = generator_submit(g, &q, &job, e);
        asked[i].job = job;
    }
    if (!code)
        code = answer_all(g, &n_done, p->n, progress, e);
    for (int i = 0; code && i < p->n; i++)
        if (asked[i].job)
            generator_cancel(g, asked[i].job);
    if (!code)
        code = take_answers(a, asked, p, t, e);
    for (int i = 0; i < p->n; i++)
        gen_samples_free(asked[i].samples, samples);
    free(asked);
    return code;
}

void eval_answers_fini(struct eval_answers *a)
{
    for (int i = 0; a->texts && i < a->data.n_seqs; i++)
        free(a->texts[i]);
    dataset_fini(&a->data);
    free(a->texts);
    free(a->ended);
    free(a->logp);
    free(a->entropy);
    free(a->ref);
    free(a->k3);
    free(a->kl);
    free(a->scores[0]);
    free(a->scores[1]);
    *a = (struct eval_answers){0};
}

// ---- what models say of them ----

// Two models at work on the same batches.
struct pass {
    struct decoder *policy, *reference; // reference NULL: none
    struct packed packed;
    float *ref; // (n_targets)
};

// Whether one head can compare the two: their last layers have the same form.
static bool is_comparable(const struct model *a, const struct model *b)
{
    return a->arch.d_embed == b->arch.d_embed && a->arch.head_cap == b->arch.head_cap;
}

// Adds up what was said of the responses of a batch, whose first group's is number `first`.
static void add_up(struct eval_answers *a, const struct pass *x, int first)
{
    const struct packed *p = &x->packed;
    for (int k = 0; k < p->batch.n_seqs; k++) {
        const struct seq_span *span = &p->spans[k];
        const int i = first + p->places[k];
        for (int j = span->first_target; j < span->first_target + span->n_targets; j++) {
            a->logp[i] += (double)p->logprobs[j];
            a->entropy[i] += (double)p->entropy[j];
            if (!x->reference)
                continue;
            const double gap = (double)x->ref[j] - (double)p->logprobs[j];
            a->ref[i] += (double)x->ref[j];
            a->k3[i] += expm1(gap) - gap;
            if (a->kl)
                a->kl[i] += (double)p->kl[j];
        }
    }
}

static int measure_batch(struct eval_answers *a, struct pass *x, struct err *e)
{
    struct packed *p = &x->packed;
    int code = decoder_forward(x->policy, &p->batch, false, e);
    if (!code)
        code = decoder_head(x->policy, &p->batch, &(struct head_reads){.logprobs = p->logprobs, .entropy = p->entropy}, e);
    if (code || !x->reference)
        return code;
    // The head gives KL(its reference || its model): the policy is what the run's reference is compared with.
    const struct head_reads reads = {.logprobs = x->ref, .kl = a->kl ? p->kl : NULL, .reference = a->kl ? x->policy : NULL};
    code = decoder_forward(x->reference, &p->batch, false, e);
    return code ? code : decoder_head(x->reference, &p->batch, &reads, e);
}

int eval_answers_measure(struct eval_answers *a, struct model *policy, struct model *reference, int max_batch_tokens,
                         const struct eval_progress *progress, struct err *e)
{
    const struct dataset *d = &a->data;
    const size_t n = (size_t)d->n_seqs;
    struct pass x = {0};
    int code = decoder_new(&x.policy, policy, false, e);
    if (!code && reference)
        code = decoder_new(&x.reference, reference, false, e);
    if (!code)
        code = packed_init(&x.packed, d, max_batch_tokens, 0, e);
    int *groups = mem_alloc((size_t)d->n_groups, sizeof *groups);
    x.ref = mem_alloc((size_t)x.packed.max_targets + 1, sizeof *x.ref);
    a->logp = mem_alloc(n, sizeof *a->logp);
    a->entropy = mem_alloc(n, sizeof *a->entropy);
    if (reference) {
        a->ref = mem_alloc(n, sizeof *a->ref);
        a->k3 = mem_alloc(n, sizeof *a->k3);
        a->kl = is_comparable(policy, reference) ? mem_alloc(n, sizeof *a->kl) : NULL;
    }
    for (int i = 0; i < d->n_groups; i++)
        groups[i] = i;
    for (int at = 0, taken; at < d->n_groups && !code; at += taken) {
        taken = pack_groups(&x.packed, d, groups + at, d->n_groups - at, max_batch_tokens, 0);
        code = tell(progress, "probabilities are computed", at, d->n_groups, e);
        if (!code)
            code = measure_batch(a, &x, e);
        if (!code)
            add_up(a, &x, d->groups[at].first_seq);
    }
    free(x.ref);
    free(groups);
    packed_fini(&x.packed);
    decoder_free(x.reference);
    decoder_free(x.policy);
    return code;
}

struct scoring {
    const struct eval_answers *answers;
    double *scores;
    const char *name;
    const struct eval_progress *progress;
};

static int take_scores(void *arg, const struct scored *s, struct err *e)
{
    const struct scoring *x = arg;
    for (int i = 0; i < s->group->n_seqs; i++) {
        if (!isfinite(s->seqs[i].score))
            return err_set(e, ERR_NUMERIC,
                           "the score that %s gives to an answer is no number: its weights are too large or damaged, "
                           "or they come from a training that diverged", x->name);
        x->scores[s->group->first_seq + i] = s->seqs[i].score;
    }
    return tell(x->progress, "answers are scored", (int)s->group->example, x->answers->data.n_groups, e);
}

int eval_answers_score(struct eval_answers *a, int judge, struct model *m, const char *name, int max_batch_tokens,
                       const struct eval_progress *progress, struct err *e)
{
    const struct dataset *d = &a->data;
    const struct needs needs = {.networks = NETWORK_SCORE | (m->scores_tokens ? NETWORK_TOKEN_SCORE : 0u)};
    for (int i = 0; i < d->n_groups; i++)
        for (int k = 0; k < d->groups[i].n_seqs; k++)
            if (d->groups[i].n_prompt + d->seqs[d->groups[i].first_seq + k].n > m->arch.max_positions)
                return err_set(e, ERR_INPUT,
                               "prompt %d and its answer have %d tokens together, but %s reads at most %d: take a smaller "
                               "--max-tokens", i + 1, d->groups[i].n_prompt + d->seqs[d->groups[i].first_seq + k].n, name,
                               m->arch.max_positions);
    a->scores[judge] = mem_alloc((size_t)d->n_seqs, sizeof *a->scores[judge]);
    return scoring_run(m, d, needs, max_batch_tokens, take_scores,
                       &(struct scoring){.answers = a, .scores = a->scores[judge], .name = name, .progress = progress}, e);
}
