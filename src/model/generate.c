// Sampling in waves. A wave is as many streams, in the order of prompts and samples, as fit into a bounded cache;
// its prompts run packed in pieces of bounded size and leave their keys and values in the cache, then every live
// stream is one row of each product. Which wave and row a stream is in does not enter its random numbers.
#include "config.h"

#include "model/generate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/kv_cache.h"
#include "model/sampler.h"

enum {
    PREFILL_TOKENS = 2048, // of the prompts in one forward; a longer prompt runs alone
    MAX_STREAMS = 512,     // of a wave
    LOGIT_BYTES = 16 << 20,
};
static const size_t CACHE_BYTES = (size_t)1 << 30;

struct stream {
    struct gen_sample *sample;
    int position;      // of the last token, which is not in the cache yet
    size_t prompt_row; // of its prompt in the cache
    int n_prompt;
    size_t slot;
};

struct generator {
    struct parts parts;
    const struct gen_prompt *prompts;
    const struct gen_options *options;
    gen_on_token on_token;
    void *arg;
    struct sampler *sampler;
    struct kv_cache cache;
    // device, for `rows` rows
    char *block;
    size_t rows, logit_rows;
    int32_t *tokens, *positions, *row_ids;
    float *x, *wide, *logits;
    struct layer_acts acts;
    struct final_acts final;
    // host
    int32_t *host_ids;    // (rows)
    float *host_logits;   // (logit_rows, vocab)
    struct kv_view *views; // (streams)
    struct attn_segment *segments;
    struct stream *streams;
    int n_streams;
};

static int max_tokens(const struct generator *g, const struct gen_prompt *prompt)
{
    int left = parts_max_positions(&g->parts) - prompt->n_tokens;
    return left < g->options->max_new_tokens ? left : g->options->max_new_tokens;
}

// ---- memory ----

static void lay_out(struct generator *g, struct carve *c)
{
    struct parts *p = &g->parts;
    g->tokens = carve_bytes(c, g->rows, sizeof(int32_t));
    g->positions = carve_bytes(c, g->rows, sizeof(int32_t));
    g->row_ids = carve_bytes(c, g->rows, sizeof(int32_t));
    size_t rest;
    g->x = carve_floats(c, g->rows, p->w.c);
    carve_layer(c, &g->acts, &p->w, g->rows, &rest);
    g->acts.x = g->x;
    carve_scratch(c, &p->s, &p->w, g->rows, false);
    g->wide = p->w.projected ? carve_floats(c, g->rows, p->w.embed) : NULL;
    carve_final(c, &g->final, p, g->logit_rows);
    g->logits = carve_floats(c, g->logit_rows, (size_t)p->m->arch.vocab_size);
}

static int make_room(struct generator *g, size_t rows, struct err *e)
{
    size_t vocab = (size_t)g->parts.m->arch.vocab_size;
    g->rows = rows;
    g->logit_rows = LOGIT_BYTES / sizeof(float) / vocab;
    if (g->logit_rows < 1)
        g->logit_rows = 1;
    if (g->logit_rows > rows)
        g->logit_rows = rows;
    struct carve count = {0};
    lay_out(g, &count);
    if (count.overflow)
        return err_set(e, ERR_LIMIT, "sampling needs more memory than can be addressed");
    g->block = g->parts.ops->alloc(g->parts.b, count.used, "the activations of sampling", e);
    g->host_logits = g->block ? mem_try_alloc(g->logit_rows, vocab * sizeof(float), "the logits of sampling", e) : NULL;
    if (!g->host_logits)
        return ERR_LIMIT;
    struct carve place = {.base = g->block};
    lay_out(g, &place);
    g->host_ids = mem_alloc(rows, sizeof *g->host_ids);
    g->segments = mem_alloc(rows, sizeof *g->segments);
    g->views = mem_alloc(MAX_STREAMS, sizeof *g->views);
    g->streams = mem_alloc(MAX_STREAMS, sizeof *g->streams);
    return 0;
}

// ---- tokens ----

static bool is_stop(const struct gen_options *o, int32_t token)
{
    for (int i = 0; i < o->n_stop; i++)
        if (o->stop_ids[i] == token)
            return true;
    return false;
}

// The next token of a stream from its logits. *live: there is more to come.
static int take_token(struct generator *g, struct stream *s, const float *logits, bool *live, struct err *e)
{
    struct gen_sample *sample = s->sample;
    struct rng r = rng_make(g->options->seed, RNG_SAMPLE, (uint32_t)sample->prompt);
    r.index = (uint64_t)sample->sample << 32 | (uint32_t)sample->n_tokens;
    int32_t token;
    float logprob;
    int code = sampler_pick(g->sampler, logits, rng_uniform(&r), &token, &logprob, e);
    if (code)
        return code;
    sample->tokens[sample->n_tokens] = token;
    sample->logprobs[sample->n_tokens++] = logprob;
    sample->stopped = is_stop(g->options, token);
    s->position++;
    *live = !sample->stopped && sample->n_tokens < max_tokens(g, &g->prompts[sample->prompt]);
    if (g->on_token && !g->on_token(g->arg, sample->prompt, sample->sample, token, logprob))
        return err_set(e, ERR_INTERRUPTED, "sampling was stopped");
    return 0;
}

// Logits of rows [0, n) named in row_ids into host_logits; n is at most logit_rows.
static int get_logits(struct generator *g, const int32_t *row_ids, int n, struct err *e)
{
    const struct parts *p = &g->parts;
    const struct arch *a = &p->m->arch;
    part_final(p, &g->final, g->x, row_ids, n);
    p->ops->linear(p->b, g->logits, g->final.out, part_head_weight(p), NULL, n, a->d_embed, a->vocab_size, 1, 0);
    if (a->head_cap > 0)
        p->ops->soft_cap(p->b, g->logits, a->head_cap, (size_t)n * (size_t)a->vocab_size);
    p->ops->download(p->b, g->host_logits, g->logits, (size_t)n * (size_t)a->vocab_size * sizeof(float));
    return p->ops->sync(p->b, e);
}

// ---- prompts ----

// The streams [first, end) of one prompt take their first token from the same logits.
static int start_streams(struct generator *g, int first, int end, const float *logits, bool *live, struct err *e)
{
    int code = 0;
    for (int i = first; i < end && !code; i++)
        code = take_token(g, &g->streams[i], logits, &live[i], e);
    return code;
}

static int stream_group_end(const struct generator *g, int first)
{
    int end = first + 1;
    while (end < g->n_streams && g->streams[end].sample->prompt == g->streams[first].sample->prompt)
        end++;
    return end;
}

// Runs the prompts of streams [first, end) in one forward and draws their first tokens.
static int prefill_piece(struct generator *g, int first, int end, bool *live, struct err *e)
{
    const struct parts *p = &g->parts;
    size_t start = g->streams[first].prompt_row, n = 0;
    int n_segments = 0, n_layers = p->m->arch.n_layers;
    for (int i = first; i < end; i = stream_group_end(g, i)) {
        int n_prompt = g->streams[i].n_prompt;
        const struct gen_prompt *prompt = &g->prompts[g->streams[i].sample->prompt];
        g->segments[n_segments++] = (struct attn_segment){(int)n, n_prompt, 0, 0};
        p->ops->upload(p->b, g->tokens + n, prompt->tokens, (size_t)n_prompt * sizeof(int32_t));
        for (int j = 0; j < n_prompt; j++)
            g->host_ids[n + (size_t)j] = j + p->m->arch.position_offset;
        n += (size_t)n_prompt;
    }
    p->ops->upload(p->b, g->positions, g->host_ids, n * sizeof(int32_t));
    part_embed(p, g->x, g->wide, g->tokens, g->positions, (int)n);
    for (int layer = 0; layer < n_layers; layer++) {
        struct layer_acts a = g->acts;
        a.k = kv_cache_prompt_k(&g->cache, layer) + start * p->w.kv;
        a.v = kv_cache_prompt_v(&g->cache, layer) + start * p->w.kv;
        part_qkv(p, layer, &a, g->positions, (int)n);
        p->ops->attention(p->b, a.att, a.lse, a.q, a.k, a.v, g->segments, n_segments, (int)n,
                          part_shape(p, layer));
        part_mid(p, layer, &a, (int)n);
        part_out(p, layer, &a, g->x, (int)n);
    }
    for (int i = 0; i < n_segments; i++)
        g->host_ids[i] = g->segments[i].start + g->segments[i].len - 1;
    p->ops->upload(p->b, g->row_ids, g->host_ids, (size_t)n_segments * sizeof(int32_t));
    int stream = first, code = 0, vocab = p->m->arch.vocab_size;
    for (int at = 0; at < n_segments && !code; at += (int)g->logit_rows) {
        int m = n_segments - at < (int)g->logit_rows ? n_segments - at : (int)g->logit_rows;
        code = get_logits(g, g->row_ids + at, m, e);
        for (int i = 0; i < m && !code; i++) {
            int next = stream_group_end(g, stream);
            code = start_streams(g, stream, next, g->host_logits + (size_t)i * (size_t)vocab, live, e);
            stream = next;
        }
    }
    return code;
}

// Takes the streams that ended out of the list, keeping the order.
static void drop_ended(struct generator *g, const bool *live)
{
    int n = 0;
    for (int i = 0; i < g->n_streams; i++)
        if (live[i])
            g->streams[n++] = g->streams[i];
    g->n_streams = n;
}

static int prefill(struct generator *g, struct err *e)
{
    bool live[MAX_STREAMS];
    int code = 0;
    for (int first = 0; first < g->n_streams && !code;) {
        size_t n = 0;
        int end = first;
        while (end < g->n_streams && (n == 0 || n + (size_t)g->streams[end].n_prompt <= PREFILL_TOKENS)) {
            n += (size_t)g->streams[end].n_prompt;
            end = stream_group_end(g, end);
        }
        code = prefill_piece(g, first, end, live, e);
        first = end;
    }
    if (!code)
        drop_ended(g, live);
    return code;
}

// ---- one token more for every stream ----

static void decode_layer(struct generator *g, int layer)
{
    const struct parts *p = &g->parts;
    const struct layer_acts *a = &g->acts;
    int n = g->n_streams;
    part_qkv(p, layer, a, g->positions, n);
    for (int i = 0; i < n; i++) {
        const struct stream *s = &g->streams[i];
        size_t own = (size_t)(s->position - s->n_prompt);
        kv_cache_put(&g->cache, layer, s->slot, own, a->k + (size_t)i * p->w.kv, a->v + (size_t)i * p->w.kv);
        g->views[i] = kv_cache_view(&g->cache, layer, s->prompt_row, s->n_prompt, s->slot, (int)own + 1);
    }
    p->ops->attention_decode(p->b, a->att, a->q, g->views, n, part_shape(p, layer));
    part_mid(p, layer, a, n);
    part_out(p, layer, a, g->x, n);
}

static int decode_step(struct generator *g, struct err *e)
{
    const struct parts *p = &g->parts;
    bool live[MAX_STREAMS];
    int n = g->n_streams, code = 0;
    size_t bytes = (size_t)n * sizeof(int32_t);
    for (int i = 0; i < n; i++)
        g->host_ids[i] = g->streams[i].sample->tokens[g->streams[i].sample->n_tokens - 1];
    p->ops->upload(p->b, g->tokens, g->host_ids, bytes);
    for (int i = 0; i < n; i++)
        g->host_ids[i] = g->streams[i].position + p->m->arch.position_offset;
    p->ops->upload(p->b, g->positions, g->host_ids, bytes);
    for (int i = 0; i < n; i++)
        g->host_ids[i] = i;
    p->ops->upload(p->b, g->row_ids, g->host_ids, bytes);
    part_embed(p, g->x, g->wide, g->tokens, g->positions, n);
    for (int layer = 0; layer < p->m->arch.n_layers; layer++)
        decode_layer(g, layer);
    size_t vocab = (size_t)p->m->arch.vocab_size;
    for (int at = 0; at < n && !code; at += (int)g->logit_rows) {
        int m = n - at < (int)g->logit_rows ? n - at : (int)g->logit_rows;
        code = get_logits(g, g->row_ids + at, m, e);
        for (int i = 0; i < m && !code; i++)
            code = take_token(g, &g->streams[at + i], g->host_logits + (size_t)i * vocab, &live[at + i], e);
    }
    if (!code)
        drop_ended(g, live);
    return code;
}

// ---- waves ----

// Takes streams from `samples` on while they fit; returns how many.
static int plan_wave(struct generator *g, struct gen_sample *samples, int n, size_t *n_prompt, size_t *slot_tokens)
{
    size_t budget = CACHE_BYTES / kv_cache_token_bytes(&g->parts.w, g->parts.m->arch.n_layers);
    *n_prompt = *slot_tokens = 0;
    g->n_streams = 0;
    int taken = 0;
    for (; taken < n && g->n_streams < MAX_STREAMS; taken++) {
        struct gen_sample *sample = &samples[taken];
        const struct gen_prompt *prompt = &g->prompts[sample->prompt];
        bool same = taken > 0 && samples[taken - 1].prompt == sample->prompt;
        size_t tokens = *n_prompt + (same ? 0 : (size_t)prompt->n_tokens), own = (size_t)max_tokens(g, prompt);
        size_t slot = own > *slot_tokens ? own : *slot_tokens;
        if (taken > 0 && tokens + slot * (size_t)(g->n_streams + 1) > budget)
            break;
        if (own == 0)
            continue; // the prompt fills the model's longest sequence
        size_t row = same && g->n_streams ? g->streams[g->n_streams - 1].prompt_row : *n_prompt;
        g->streams[g->n_streams] =
            (struct stream){sample, prompt->n_tokens - 1, row, prompt->n_tokens, (size_t)g->n_streams};
        g->n_streams++;
        *n_prompt = tokens;
        *slot_tokens = slot;
    }
    return taken;
}

static int run_waves(struct generator *g, struct gen_sample *samples, int n, struct err *e)
{
    int code = 0;
    for (int at = 0; at < n && !code;) {
        size_t n_prompt, slot_tokens;
        at += plan_wave(g, samples + at, n - at, &n_prompt, &slot_tokens);
        if (!g->n_streams)
            continue;
        code = kv_cache_reserve(&g->cache, n_prompt, (size_t)g->n_streams, slot_tokens, e);
        if (!code)
            code = prefill(g, e);
        while (!code && g->n_streams)
            code = decode_step(g, e);
    }
    return code;
}

static int check_prompts(const struct generator *g, int n_prompts, size_t *longest, struct err *e)
{
    int vocab = g->parts.m->arch.vocab_size, n_positions = parts_max_positions(&g->parts);
    *longest = 0;
    for (int i = 0; i < n_prompts; i++) {
        const struct gen_prompt *p = &g->prompts[i];
        if (p->n_tokens <= 0)
            return err_set(e, ERR_INPUT, "prompt %d is empty: it needs at least one token, such as the begin-of-text token",
                           i + 1);
        if (p->n_tokens > n_positions)
            return err_set(e, ERR_INPUT, "prompt %d has %d tokens, the model can take %d: shorten it", i + 1, p->n_tokens,
                           n_positions);
        for (int j = 0; j < p->n_tokens; j++)
            if (p->tokens[j] < 0 || p->tokens[j] >= vocab)
                return err_set(e, ERR_INPUT,
                               "token %d of prompt %d is outside of the model's vocabulary of %d: the tokenizer does not "
                               "belong to this model",
                               (int)p->tokens[j], i + 1, vocab);
        if ((size_t)p->n_tokens > *longest)
            *longest = (size_t)p->n_tokens;
    }
    return 0;
}

static int make_samples(const struct generator *g, int n_prompts, struct gen_sample **out, int *n_out, struct err *e)
{
    int64_t n = 0;
    for (int i = 0; i < n_prompts; i++)
        n += g->prompts[i].n_samples;
    if (n > INT32_MAX)
        return err_set(e, ERR_LIMIT, "%lld samples are too many for one call", (long long)n);
    struct gen_sample *samples = mem_try_alloc((size_t)n + 1, sizeof *samples, "the samples", e);
    if (!samples)
        return ERR_LIMIT;
    int k = 0;
    for (int i = 0; i < n_prompts; i++)
        for (int j = 0; j < g->prompts[i].n_samples; j++, k++) {
            size_t room = (size_t)max_tokens(g, &g->prompts[i]) + 1;
            samples[k] = (struct gen_sample){.prompt = i, .sample = j};
            samples[k].tokens = mem_try_alloc(room, sizeof(int32_t), "the sampled tokens", e);
            samples[k].logprobs = samples[k].tokens ? mem_try_alloc(room, sizeof(float), "the sampled tokens", e) : NULL;
            if (!samples[k].logprobs) {
                generate_free(samples, k + 1);
                return ERR_LIMIT;
            }
        }
    *out = samples;
    *n_out = k;
    return 0;
}

static void fini(struct generator *g)
{
    kv_cache_fini(&g->cache);
    g->parts.ops->free(g->parts.b, g->block);
    sampler_free(g->sampler);
    free(g->host_ids);
    free(g->host_logits);
    free(g->views);
    free(g->segments);
    free(g->streams);
}

size_t generate_plan(const struct arch *a, int n_streams, int n_tokens)
{
    const struct widths w = parts_widths(a, 0);
    size_t n;
    if (n_streams > MAX_STREAMS)
        n_streams = MAX_STREAMS;
    if (!mem_mul((size_t)n_streams * (size_t)n_tokens, kv_cache_token_bytes(&w, a->n_layers), &n) || n > CACHE_BYTES)
        n = CACHE_BYTES;
    return n + LOGIT_BYTES;
}

int generate(struct model *m, const struct gen_prompt *prompts, int n_prompts, const struct gen_options *options,
             gen_on_token on_token, void *arg, struct gen_sample **out, int *n_out, struct err *e)
{
    BUG_IF(options->max_new_tokens < 0 || options->temperature < 0 || options->top_k < 0 || !(options->top_p > 0));
    struct generator g = {.prompts = prompts, .options = options, .on_token = on_token, .arg = arg};
    parts_init(&g.parts, m);
    kv_cache_init(&g.cache, &g.parts);
    struct gen_sample *samples = NULL;
    size_t longest;
    int n = 0, code = check_prompts(&g, n_prompts, &longest, e);
    if (!code)
        code = make_samples(&g, n_prompts, &samples, &n, e);
    if (code)
        return code;
    // Rows for the largest piece of prompts and for the largest wave.
    size_t rows = 0, most = longest > PREFILL_TOKENS ? longest : PREFILL_TOKENS;
    for (int i = 0; i < n_prompts && rows < most; i++)
        rows += (size_t)prompts[i].n_tokens;
    rows = rows < most ? rows : most;
    size_t streams = n < MAX_STREAMS ? (size_t)n : MAX_STREAMS;
    rows = rows < streams ? streams : rows;
    struct sampler_options sampling = {options->temperature, options->top_k, options->top_p};
    g.sampler = sampler_new(m->arch.vocab_size, &sampling);
    if (n > 0)
        code = make_room(&g, rows, e);
    if (!code)
        code = run_waves(&g, samples, n, e);
    fini(&g);
    if (code) {
        generate_free(samples, n);
        return code;
    }
    *out = samples;
    *n_out = n;
    return 0;
}

void generate_free(struct gen_sample *samples, int n)
{
    for (int i = 0; samples && i < n; i++) {
        free(samples[i].tokens);
        free(samples[i].logprobs);
    }
    free(samples);
}
