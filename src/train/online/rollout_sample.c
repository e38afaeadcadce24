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
    free(b->own);
    free(b->scores);
    *b = (struct rollout_batch){0};
}

// Answers to one prompt that are said alike: samples first .. first + n of it, a job of the generator.
struct asked {
    int prompt; // of the batch
    int first, n;
    float reference; // its share in what is said
    struct gen_sample *samples;
    struct gen_job *job; // NULL once it has ended
};
struct questions {
    struct asked *asked;
    int n;
};

double rollout_reference_says(const struct rollout_sampler *s, int sample)
{
    const struct online *online = s->objective->objective->online;
    return online->reference_says ? online->reference_says(s->objective->values, sample, s->o->samples) : 0;
}

static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    struct asked *a = arg;
    a->job = NULL;
    if (whole)
        a->samples = samples;
    else
        gen_samples_free(samples, a->n);
}

static const struct ds_group *prompt_at(struct rollout_sampler *s, int64_t position)
{
    return &s->o->prompts->groups[data_order_at(&s->order, position)];
}

// Of n prompts: neighbouring samples of a prompt that are said alike are asked for together.
static struct questions ask(const struct rollout_sampler *s, int n)
{
    struct questions q = {.asked = mem_alloc((size_t)n * (size_t)s->o->samples, sizeof *q.asked)};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < s->o->samples; k++) {
            const float share = (float)rollout_reference_says(s, k);
            if (k > 0 && q.asked[q.n - 1].reference == share)
                q.asked[q.n - 1].n++;
            else
                q.asked[q.n++] = (struct asked){.prompt = i, .first = k, .n = 1, .reference = share};
        }
    return q;
}

static int submit(struct rollout_sampler *s, struct generator *g, int64_t position, struct asked *a, struct err *e)
{
    const struct ds_group *prompt = prompt_at(s, position + a->prompt);
    const int room = s->o->max_length - prompt->n_prompt;
    struct gen_request q = {.prompt = s->o->prompts->tokens + prompt->prompt, .n_prompt = prompt->n_prompt,
                            .n_samples = a->n, .number = (uint32_t)(position + a->prompt), .first_sample = a->first,
        .options = s->o->sampling, .on_end = on_end, .arg = a};
    q.options.seed = s->o->seed;
    q.options.second = a->reference;
    if (q.options.max_new_tokens > room)
        q.options.max_new_tokens = room;
    if (room < 1)
        return err_set(e, ERR_INPUT, "a prompt of %d tokens leaves no room for an answer within max-length %d",
                       prompt->n_prompt, s->o->max_length);
    return generator_submit(g, &q, &a->job, e);
}

// Prompts all of whose answers are there.
static int n_answered(const struct questions *q, int n)
{
    for (int i = 0; i < q->n; i++)
        n -= q->asked[i].samples == NULL &&
             (i == 0 || q->asked[i].prompt != q->asked[i - 1].prompt || q->asked[i - 1].samples);
    return n;
}

static int answer_all(const struct rollout_sampler *s, struct generator *g, const struct questions *q, int n, struct err *e)
{
    static const double LOOK_S = 0.1;
    double looked = clock_seconds();
    int code = 0;
    while (!code && generator_is_busy(g)) {
        code = generator_step(g, e);
        if (code || !s->progress || clock_seconds() - looked < LOOK_S)
            continue;
        looked = clock_seconds();
        if (!s->progress(s->with, "sampling answers", n_answered(q, n), n))
            code = err_set(e, ERR_INTERRUPTED, "stopped while answers were sampled");
    }
    return code;
}

// At temperatures but 1 the sampler of a cut vocabulary does not know the log-probability over the whole one.
bool rollout_says_all(const struct rollout_sampler *s)
{
    for (int k = 0; k < s->o->samples; k++)
        if (rollout_reference_says(s, k) > 0)
            return false;
    return s->decodes_as_it_trains && (!s->is_cut || s->inv_temperature == 1);
}

// What the sampler knew of each token.
static void put_drawn(struct dataset *d, size_t first, const struct gen_sample *s, bool cut)
{
    const float *drawn = s->drawn_logprobs ? s->drawn_logprobs : s->logprobs;
    const size_t bytes = (size_t)s->n_tokens * sizeof *drawn;
    memcpy(d->token_columns[TOKEN_SAMPLER_LOGP] + first, drawn, bytes);
    memcpy(d->token_columns[TOKEN_OLD_LOGP] + first, drawn, bytes);
    memcpy(d->token_columns[TOKEN_FULL_LOGP] + first, cut ? s->logprobs : drawn, bytes);
    for (int t = 0; s->set_starts && t < s->n_tokens; t++)
        if (s->set_starts[t + 1] > s->set_starts[t])
            dataset_put_set(d, first + (size_t)t, s->set_ids + s->set_starts[t], s->set_starts[t + 1] - s->set_starts[t]);
}

// Where the tape has the prompt's tokens and an answer's.
static void put_taped(struct dataset *d, const struct ds_group *g, const struct ds_seq *to, const struct gen_sample *s)
{
    struct taped *t = &d->taped;
    for (int i = 0; i < g->n_prompt; i++)
        t->rows[g->prompt + (size_t)i] = s->prompt_row < 0 ? -1 : s->prompt_row + i;
    for (int i = 0; i < s->n_tokens; i++) {
        t->rows[to->first + (size_t)i] = s->rows[i];
        t->logits[to->first + (size_t)i] = s->logit_rows[i];
    }
}

static void put_all_taped(const struct rollout_sampler *from, struct dataset *d, const struct gen_sample *const *answers)
{
    if (!from->tape)
        return;
    d->taped = (struct taped){from->tape, from->tape->number, mem_alloc(d->n_tokens, sizeof *d->taped.rows),
                              mem_alloc(d->n_tokens, sizeof *d->taped.logits)};
    for (size_t i = 0; i < d->n_tokens; i++)
        d->taped.rows[i] = d->taped.logits[i] = -1;
    for (int g = 0; g < d->n_groups; g++)
        for (int k = d->groups[g].first_seq; k < d->groups[g].first_seq + d->groups[g].n_seqs; k++)
            put_taped(d, &d->groups[g], &d->seqs[k], answers[k]);
}

// Whose answers they are, where some are the policy's and some are not.
static bool *owners(const struct rollout_sampler *from, int n_answers)
{
    int n_own = 0;
    bool *own = mem_alloc((size_t)n_answers, sizeof *own);
    for (int i = 0; i < n_answers; i++) {
        own[i] = rollout_reference_says(from, i % from->o->samples) == 0;
        n_own += own[i];
    }
    if (n_own > 0 && n_own < n_answers)
        return own;
    free(own);
    return NULL;
}

// The prompts with their answers behind them.
static void put_together(struct rollout_sampler *from, int64_t position, const struct questions *q, int n,
                         struct rollout_batch *b)
{
    struct dataset *d = &b->data;
    const int n_answers = n * from->o->samples;
    const struct gen_sample **answers = mem_alloc((size_t)n_answers, sizeof *answers);
    *b = (struct rollout_batch){.ended = mem_alloc((size_t)n_answers, sizeof *b->ended),
                                .scores = mem_alloc((size_t)n_answers, sizeof *b->scores), .first_prompt = position,
                                .own = owners(from, n_answers)};
    d->groups = mem_alloc((size_t)n, sizeof *d->groups);
    d->seqs = mem_alloc((size_t)n_answers, sizeof *d->seqs);
    d->cap_groups = n;
    d->cap_seqs = n_answers;
    for (int i = 0; i < q->n; i++)
        for (int k = 0; k < q->asked[i].n; k++)
            answers[q->asked[i].prompt * from->o->samples + q->asked[i].first + k] = &q->asked[i].samples[k];
    for (int i = 0; i < n; i++) {
        const struct ds_group *prompt = prompt_at(from, position + i);
        struct ds_group *g = &d->groups[d->n_groups++];
        *g = (struct ds_group){.n_prompt = prompt->n_prompt, .n_dropped = prompt->n_dropped, .first_seq = d->n_seqs,
                               .example = prompt->example, .cut = prompt->cut};
        g->prompt = dataset_add_tokens(d, from->o->prompts->tokens + prompt->prompt, (size_t)prompt->n_prompt);
        for (int k = 0; k < from->o->samples; k++) {
            const struct gen_sample *s = answers[i * from->o->samples + k];
            b->ended[d->n_seqs] = s->stopped;
            d->seqs[d->n_seqs++] = (struct ds_seq){.first = dataset_add_tokens(d, s->tokens, (size_t)s->n_tokens),
                                                   .n = s->n_tokens, .response = k};
            g->n_seqs++;
        }
    }
    for (int c = 0; c < N_TOKEN_COLUMNS; c++)
        d->token_columns[c] = mem_alloc(d->n_tokens, sizeof *d->token_columns[c]);
    double n_tokens = 0;
    for (int i = 0; i < n_answers; i++) {
        put_drawn(d, d->seqs[i].first, answers[i], from->is_cut);
        b->entropy += answers[i]->entropy;
        n_tokens += answers[i]->n_tokens;
    }
    b->entropy /= n_tokens;
    put_all_taped(from, d, answers);
    free(answers);
}

static void enter(void *reference)
{
    live_reference_enter(reference);
}

static void leave(void *reference)
{
    live_reference_leave(reference);
}

// The policy's generator, with the reference as its second network where it has a say.
static int open_generator(const struct rollout_sampler *s, const struct questions *q, struct generator **out, struct err *e)
{
    const int code = generator_of(out, s->model, e);
    bool wanted = false;
    for (int i = 0; i < q->n; i++)
        wanted |= q->asked[i].reference > 0;
    if (code || !wanted)
        return code;
    BUG_IF(!s->reference);
    const struct gen_second second = {live_reference_model(s->reference), enter, leave, s->reference};
    generator_set_second(*out, &second);
    return 0;
}

int rollout_sample(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e)
{
    const double began = clock_seconds();
    struct generator *g = NULL;
    struct questions q = ask(s, n);
    int code = open_generator(s, &q, &g, e);
    if (!code)
        generator_set_tape(g, s->tape);
    for (int i = 0; i < q.n && !code; i++)
        code = submit(s, g, position, &q.asked[i], e);
    if (!code)
        code = answer_all(s, g, &q, n, e);
    for (int i = 0; code && i < q.n; i++)
        if (q.asked[i].job)
            generator_cancel(g, q.asked[i].job);
    if (g)
        generator_set_tape(g, NULL);
    if (!code) {
        put_together(s, position, &q, n, out);
        out->sample_s = clock_seconds() - began;
    }
    for (int i = 0; i < q.n; i++)
        gen_samples_free(q.asked[i].samples, q.asked[i].n);
    free(q.asked);
    return code;
}

int rollout_say(struct rollout_sampler *s, int64_t position, int n, struct rollout_batch *out, struct err *e)
{
    int code = rollout_sample(s, position, n, out, e);
    if (code || rollout_says_all(s))
        return code;
    code = rollout_read_policy(s, out, e);
    if (code)
        rollout_batch_fini(out);
    return code;
}
