// One forward of a generator's networks, and the tokens that are drawn from what comes out.
#include "config.h"

#include <string.h>

#include "base/rng.h"
#include "model/generate.h"
#include "model/generator_parts.h"

// ---- the plan ----

size_t gen_lay_plan(struct gen_plan *plan, char *block, size_t n, size_t n_draws)
{
    struct carve c = {.base = block};
    plan->draws = carve_bytes(&c, n_draws, sizeof *plan->draws);
    _Static_assert(sizeof(struct kv_rows) == sizeof(struct attn_segment), "they share their place");
    plan->kv_rows = carve_bytes(&c, n_draws, sizeof *plan->kv_rows);
    plan->segments = (struct attn_segment *)(void *)plan->kv_rows;
    plan->row_ids = carve_bytes(&c, n_draws, sizeof *plan->row_ids);
    plan->tokens = carve_bytes(&c, n, sizeof *plan->tokens);
    plan->positions = carve_bytes(&c, n, sizeof *plan->positions);
    plan->put_ids = carve_bytes(&c, n, sizeof *plan->put_ids);
    plan->bytes = c.used;
    return c.overflow ? SIZE_MAX : c.used;
}

// How the next token of a stream is drawn.
static struct sample_row row_of(const struct stream *s)
{
    const struct gen_request *q = &s->job->r;
    struct rng r = rng_make(q->options.seed, RNG_SAMPLE, q->number);
    r.index = (uint64_t)(q->first_sample + s->sample) << 32 | (uint32_t)s->job->samples[s->sample].n_tokens;
    return (struct sample_row){.temperature = q->options.temperature, .top_k = q->options.top_k, .top_p = q->options.top_p,
                               .min_p = q->options.min_p, .uniform = rng_uniform(&r), .keep = q->options.keep_sets,
                               .entropy = q->options.keep_entropy};
}

void gen_send_plan(struct generator *g, const struct stream *streams, int n_streams, const int *logit_row, int n_draws)
{
    struct sample_row *draws = g->host_plan.draws;
    for (int i = 0; i < n_draws; i++) {
        draws[i] = i < n_streams ? row_of(&streams[i]) : draws[n_streams - 1];
        draws[i].logits = (logit_row ? logit_row[i] : i) % (int)g->logit_rows;
    }
    g->parts.ops->upload(g->parts.b, g->plan_block, g->host_plan_block, g->host_plan.bytes);
}

// ---- hidden states ----

// Where a layer's numbers go, the model's to the tape. Elsewhere all layers use the same memory, from x to x.
static struct layer_acts acts_of(const struct generator *g, int layer, float *x)
{
    struct layer_acts shared = g->acts;
    shared.x = x;
    return g->on_tape ? layer_acts_from(&g->tape->layers[layer], &g->tape->w, g->place.row) : shared;
}

// Through one network, from x on; its keys and values go to the cache's layers from first_layer on. Returns where the last
// layer's output is: in x, or on the tape.
static float *run_network(struct generator *g, const struct parts *p, int first_layer, float *x, int n, int n_segments,
                          int most_keys)
{
    const int n_layers = p->m->arch.n_layers;
    int longest = 0; // of prompts
    for (int i = 0; i < n_segments; i++)
        longest = g->host_plan.segments[i].len > longest ? g->host_plan.segments[i].len : longest;
    struct layer_acts next = acts_of(g, 0, x);
    part_embed(p, next.x, g->wide, g->plan.tokens, g->plan.positions, n);
    for (int layer = 0; layer < n_layers; layer++) {
        const struct layer_acts now = next, *a = &now;
        float *keys = kv_cache_keys(&g->cache, first_layer + layer),
              *values = kv_cache_values(&g->cache, first_layer + layer);
        if (layer + 1 < n_layers)
            next = acts_of(g, layer + 1, x);
        else
            next.x = g->on_tape ? g->tape->out + g->place.row * p->w.c : x;
        part_qkv(p, layer, a, g->plan.positions, n);
        part_hold_attention(p, a, n, true);
        p->ops->put_rows(p->b, keys, a->k, g->plan.put_ids, n, (int)p->w.kv);
        p->ops->put_rows(p->b, values, a->v, g->plan.put_ids, n, (int)p->w.kv);
        if (most_keys)
            p->ops->attention_decode(p->b, a->att, a->lse, a->q, keys, values, g->plan.kv_rows, n, most_keys,
                                     part_shape(p, layer));
        else
            p->ops->attention(p->b, a->att, a->lse, a->q, a->k, a->v, g->plan.segments, n_segments, longest, n,
                              part_shape(p, layer));
        part_mid(p, layer, a, n);
        part_out(p, layer, a, next.x, n);
    }
    return next.x;
}

void gen_run(struct generator *g, struct speakers who, int n, int n_segments, int most_keys)
{
    if (who.model)
        g->hidden = run_network(g, &g->parts, 0, g->x, n, n_segments, most_keys);
    if (!who.second)
        return;
    if (g->second.enter)
        g->second.enter(g->second.arg);
    run_network(g, &g->second_parts, g->parts.m->arch.n_layers, g->second_x, n, n_segments, most_keys);
    if (g->second.leave)
        g->second.leave(g->second.arg);
}

struct speakers gen_speakers(const struct stream *streams, int n)
{
    struct speakers s = {0};
    for (int i = 0; i < n; i++) {
        s.model |= streams[i].job->r.options.second < 1;
        s.second |= streams[i].job->r.options.second > 0;
    }
    return s;
}

// ---- tokens ----

static void logits_of(const struct generator *g, const struct parts *p, float *logits, const float *x,
                      const int32_t *row_ids, int m)
{
    const struct arch *a = &p->m->arch;
    part_final(p, &g->final, x, row_ids, m);
    p->ops->linear(p->b, logits, g->final.out, part_head_weight(p), NULL, m, a->d_embed, a->vocab_size, 1, 0);
    if (a->head_cap > 0)
        p->ops->soft_cap(p->b, logits, a->head_cap, (size_t)m * (size_t)a->vocab_size);
}

// The logits that rows at .. at + m of row_ids are drawn from. shares: of the second network, of all rows.
static const float *spoken_logits(const struct generator *g, struct speakers who, int at, int m)
{
    const struct parts *p = &g->parts;
    float *logits = g->logits;
    if (g->on_tape && g->tape->logits)
        logits = g->tape->logits + (g->place.logits + (size_t)at) * (size_t)p->m->arch.vocab_size;
    if (who.model)
        logits_of(g, p, logits, g->hidden, g->plan.row_ids + at, m);
    if (!who.second)
        return logits;
    logits_of(g, &g->second_parts, g->second_logits, g->second_x, g->plan.row_ids + at, m);
    if (!who.model)
        return g->second_logits;
    p->ops->mix_rows(p->b, g->logits, g->second_logits, g->shares + at, m, p->m->arch.vocab_size);
    return g->logits;
}

// Piece by piece the logits of n rows, and the tokens of the n_draws draws that follow them.
static void draw(struct generator *g, struct speakers who, int n, int n_draws, const int *logit_row)
{
    const struct parts *p = &g->parts;
    const int vocab = p->m->arch.vocab_size;
    for (int at = 0, s = 0; at < n; at += (int)g->logit_rows) {
        const int m = n - at < (int)g->logit_rows ? n - at : (int)g->logit_rows, first = s;
        const float *logits = spoken_logits(g, who, at, m);
        while (s < n_draws && (logit_row ? logit_row[s] : s) < at + m)
            s++;
        struct sampled out = {.tokens = g->drawn_tokens + first, .logprobs = g->logprobs + first,
                              .entropy = g->entropy + first};
        if (g->set_rows) {
            out.drawn = g->drawn + first;
            out.sets = g->sets + (size_t)first * sampled_set_words(vocab);
        }
        p->ops->sample(p->b, &out, logits, vocab, g->plan.draws + first, s - first);
    }
}

void gen_draw(struct generator *g, int n, const struct stream *streams, int n_streams, const int *logit_row)
{
    for (int i = 0; i < n_streams; i++) // streams of one row are of one job
        g->shares[logit_row ? logit_row[i] : i] = streams[i].job->r.options.second;
    draw(g, gen_speakers(streams, n_streams), n, n_streams, logit_row);
}

// ---- decoding ----

// As it was recorded, from hidden states to tokens. All that its calls depend on and device memory does not hold is in the
// key.
static void decode_recorded(struct generator *g, int rows, int most_keys)
{
    enum { FEWEST_KEYS = 64 };
    const struct parts *p = &g->parts;
    struct {
        const void *model, *block, *cache, *adapter, *packed;
        int adapter_on, n, keys;
    } key;
    memset(&key, 0, sizeof key); // compared as bytes
    key.model = p->m;
    key.block = g->block;
    key.cache = g->cache.block;
    key.adapter = p->m->lora_weights;
    key.packed = p->packed;
    key.adapter_on = p->m->adapter_on;
    key.n = rows;
    key.keys = FEWEST_KEYS;
    while (key.keys < most_keys)
        key.keys *= 2;
    if (p->ops->replay(p->b, &key, sizeof key))
        return;
    g->hidden = run_network(g, p, 0, g->x, rows, 0, key.keys);
    draw(g, (struct speakers){.model = true}, rows, rows, NULL);
    p->ops->recorded(p->b);
}

void gen_decode(struct generator *g, int n, int rows, int most_keys)
{
    const struct speakers who = gen_speakers(g->streams, n);
    if (who.second || !g->parts.ops->records(g->parts.b)) {
        gen_run(g, who, rows, 0, most_keys);
        gen_draw(g, n, g->streams, n, NULL);
        return;
    }
    decode_recorded(g, rows, most_keys);
}

// ---- the tape ----

void gen_take_place(struct generator *g, int n, int n_logits)
{
    g->on_tape = g->tape && tape_take(g->tape, (size_t)n, (size_t)n_logits, &g->place);
}

void gen_tell_place(struct generator *g, const struct stream *streams, int n, const int *logit_row)
{
    const int32_t row = g->on_tape ? (int32_t)g->place.row : -1, logits = g->on_tape ? (int32_t)g->place.logits : -1;
    for (int i = 0; i < n && g->tape; i++) {
        struct gen_sample *s = &streams[i].job->samples[streams[i].sample];
        const int at = logit_row ? logit_row[i] : i, token = s->n_tokens - 1;
        if (logit_row)
            s->prompt_row = row < 0 ? -1 : row + g->host_plan.segments[at].start;
        else
            s->rows[token - 1] = row < 0 ? -1 : row + i;
        s->logit_rows[token] = logits < 0 || !g->tape->logits ? -1 : logits + at;
        s->rows[token] = -1;
    }
}
