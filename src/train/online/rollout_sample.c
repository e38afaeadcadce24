#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "train/online/rollout_parts.h"

void rollout_batch_fini(struct rollout_batch *b)
{
    dataset_fini(&b->data);
    free(b->ended);
    free(b->scores);
    *b = (struct rollout_batch){0};
}

// The answers to one prompt.
struct asked {
    struct gen_sample *samples;
    int n_samples;
    struct gen_job *job; // NULL once it has ended
};

static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    struct asked *a = arg;
    a->job = NULL;
    if (whole)
        a->samples = samples;
    else
        gen_samples_free(samples, a->n_samples);
}

static const struct ds_group *prompt_at(struct rollout_sampler *s, int64_t position)
{
    return &s->o->prompts->groups[data_order_at(&s->order, position)];
}

static int submit(struct rollout_sampler *s, struct generator *g, int64_t position, struct asked *a, struct err *e)
{
    const struct ds_group *prompt = prompt_at(s, position);
    const int room = s->o->max_length - prompt->n_prompt;
    struct gen_request q = {.prompt = s->o->prompts->tokens + prompt->prompt, .n_prompt = prompt->n_prompt,
                            .n_samples = s->o->samples, .number = (uint32_t)position, .options = s->o->sampling,
                            .on_end = on_end, .arg = a};
    a->n_samples = s->o->samples;
    q.options.seed = s->o->seed;
    if (q.options.max_new_tokens > room)
        q.options.max_new_tokens = room;
    if (room < 1)
        return err_set(e, ERR_INPUT, "a prompt of %d tokens leaves no room for an answer within max-length %d",
                       prompt->n_prompt, s->o->max_length);
    return generator_submit(g, &q, &a->job, e);
}

static int n_answered(const struct asked *asked, int n)
{
    int done = 0;
    for (int i = 0; i < n; i++)
        done += asked[i].samples != NULL;
    return done;
}

static int answer_all(const struct rollout_sampler *s, struct generator *g, struct asked *asked, int n, struct err *e)
{
    static const double LOOK_S = 0.1;
    double looked = clock_seconds();
    int code = 0;
    while (!code && generator_is_busy(g)) {
        code = generator_step(g, e);
        if (code || !s->progress || clock_seconds() - looked < LOOK_S)
            continue;
        looked = clock_seconds();
        if (!s->progress(s->with, "sampling answers", n_answered(asked, n), n))
            code = err_set(e, ERR_INTERRUPTED, "stopped while answers were sampled");
    }
    for (int i = 0; code && i < n; i++)
        if (asked[i].job)
            generator_cancel(g, asked[i].job);
    return code;
}

// What the sampler knew of each token.
static void put_drawn(struct dataset *d, size_t first, const struct gen_sample *s)
{
    const float *drawn = s->drawn_logprobs ? s->drawn_logprobs : s->logprobs;
    memcpy(d->token_columns[TOKEN_SAMPLER_LOGP] + first, drawn, (size_t)s->n_tokens * sizeof *drawn);
    for (int t = 0; s->set_starts && t < s->n_tokens; t++)
        if (s->set_starts[t + 1] > s->set_starts[t])
            dataset_put_set(d, first + (size_t)t, s->set_ids + s->set_starts[t], s->set_starts[t + 1] - s->set_starts[t]);
}

// The prompts with their answers behind them.
static void put_together(struct rollout_sampler *from, int64_t position, const struct asked *asked, int n, struct rollout_batch *b)
{
    struct dataset *d = &b->data;
    const int n_answers = n * from->o->samples;
    *b = (struct rollout_batch){.ended = mem_alloc((size_t)n_answers, sizeof *b->ended),
                                .scores = mem_alloc((size_t)n_answers, sizeof *b->scores), .first_prompt = position};
    d->groups = mem_alloc((size_t)n, sizeof *d->groups);
    d->seqs = mem_alloc((size_t)n_answers, sizeof *d->seqs);
    d->cap_groups = n;
    d->cap_seqs = n_answers;
    for (int i = 0; i < n; i++) {
        const struct ds_group *prompt = prompt_at(from, position + i);
        struct ds_group *g = &d->groups[d->n_groups++];
        *g = (struct ds_group){.n_prompt = prompt->n_prompt, .n_dropped = prompt->n_dropped, .first_seq = d->n_seqs,
                               .example = prompt->example, .cut = prompt->cut};
        g->prompt = dataset_add_tokens(d, from->o->prompts->tokens + prompt->prompt, (size_t)prompt->n_prompt);
        for (int k = 0; k < from->o->samples; k++) {
            const struct gen_sample *s = &asked[i].samples[k];
            b->ended[d->n_seqs] = s->stopped;
            d->seqs[d->n_seqs++] = (struct ds_seq){.first = dataset_add_tokens(d, s->tokens, (size_t)s->n_tokens),
                                                   .n = s->n_tokens, .response = k};
            g->n_seqs++;
        }
    }
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        d->token_columns[c] = mem_alloc(d->n_tokens, sizeof *d->token_columns[c]);
    for (int i = 0; i < n_answers; i++)
        put_drawn(d, d->seqs[i].first, &asked[i / from->o->samples].samples[i % from->o->samples]);
}

int rollout_sample(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e)
{
    const double began = clock_seconds();
    struct generator *g;
    struct asked *asked = mem_alloc((size_t)n, sizeof *asked);
    int code = generator_of(&g, s->model, e);
    for (int i = 0; i < n && !code; i++)
        code = submit(s, g, position + i, &asked[i], e);
    if (!code)
        code = answer_all(s, g, asked, n, e);
    for (int i = 0; code && i < n; i++)
        if (asked[i].job)
            generator_cancel(g, asked[i].job);
    if (!code)
        put_together(s, position, asked, n, out);
    if (!code)
        out->sample_s = clock_seconds() - began;
    for (int i = 0; i < n; i++)
        gen_samples_free(asked[i].samples, s->o->samples);
    free(asked);
    return code;
}

int rollout_say(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e)
{
    int code = rollout_sample(s, position, n, out, e);
    if (code)
        return code;
    code = rollout_read_policy(s, out, e);
    if (code)
        rollout_batch_fini(out);
    return code;
}
