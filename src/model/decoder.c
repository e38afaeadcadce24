#include "config.h"

#include "model/decoder_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"

int decoder_new(struct decoder **out, struct model *m, bool recompute, struct err *e)
{
    struct decoder *d = mem_alloc(1, sizeof *d);
    parts_init(&d->parts, m);
    d->recompute = recompute;
    d->layers = mem_try_alloc((size_t)m->arch.n_layers, sizeof *d->layers, "the table of layers", e);
    if (d->layers && part_type(&d->parts) != DTYPE_F32)
        d->packed = mem_alloc((size_t)m->arch.n_layers, sizeof *d->packed);
    if (!d->layers) {
        free(d);
        return ERR_LIMIT;
    }
    *out = d;
    return 0;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    d->parts.ops->free(d->parts.b, d->block);
    d->parts.ops->free(d->parts.b, d->logit_block);
    d->parts.ops->free(d->parts.b, d->set_block);
    free(d->layers);
    free(d->packed);
    free(d->host_ids);
    free(d->host_numbers);
    free(d);
}

size_t decoder_bytes(const struct decoder *d)
{
    return d->block_bytes + d->logit_bytes + d->set_bytes;
}

int decoder_kept_targets(const struct decoder *d)
{
    const struct parts *p = &d->parts;
    return (int)(p->ops->head_keeps(p->b) / (head_kept_floats(1, (size_t)p->m->arch.vocab_size) * sizeof(float)));
}

int decoder_reserve(struct decoder *d, char **block, size_t *have, size_t need, const char *what, struct err *e)
{
    if (need <= *have)
        return 0;
    d->parts.ops->free(d->parts.b, *block);
    *have = 0;
    *block = d->parts.ops->alloc(d->parts.b, need, what, e);
    if (!*block)
        return ERR_LIMIT;
    *have = need;
    return 0;
}

// One layer's memory, which all share: x and what carve_layer makes.
static void lay_out_shared(struct decoder *d, struct carve *c, size_t t)
{
    const struct widths *w = &d->parts.w;
    const int n = d->parts.m->arch.n_layers;
    struct layer_acts *first = &d->layers[0];
    first->x = carve_floats(c, t, w->c);
    const size_t begin = c->used;
    size_t rest;
    carve_layer(c, first, w, t, &rest);
    d->n_exact = (rest - begin) / sizeof(float);
    d->n_rest = (c->used - rest) / sizeof(float);
    first->rest = c->base ? (float *)(void *)(c->base + rest) : NULL;
    for (int i = 1; i < n; i++)
        d->layers[i] = *first;
}

// Layers are computed in shared memory and leave their numbers rounded for the backward. What one gives is another's input:
// two pieces of memory take turns.
static void lay_out_packed(struct decoder *d, struct carve *c, size_t t)
{
    const size_t each = dtype_bytes(part_type(&d->parts));
    const int n = d->parts.m->arch.n_layers;
    lay_out_shared(d, c, t);
    for (int i = 0; i < n; i++) {
        struct kept_layer *k = &d->packed[i];
        *k = (struct kept_layer){.x = carve_bytes(c, t, d->parts.w.c * each)};
        if (!d->recompute) {
            k->exact = carve_floats(c, d->n_exact, 1);
            k->rest = carve_bytes(c, d->n_rest, each);
        }
        d->layers[i].kept_x = k->x;
        d->layers[i].kept = k->rest;
    }
    float *const turns[] = {d->layers[0].x, carve_floats(c, t, d->parts.w.c)};
    for (int i = 0; i < n; i++)
        d->layers[i].x = turns[i % 2];
    d->out = turns[n % 2];
}

// Without a backward to come, or when it computes layers again, all layers use the same memory. Their inputs
// are kept for a backward in any case: they are what recomputation starts from.
static void lay_out_layers(struct decoder *d, struct carve *c, size_t t, bool keep)
{
    const struct widths *w = &d->parts.w;
    const int n = d->parts.m->arch.n_layers;
    size_t rest;
    d->keeps = keep;
    d->is_packed = keep && d->packed;
    if (d->is_packed) {
        lay_out_packed(d, c, t);
    } else if (!keep) {
        lay_out_shared(d, c, t);
        d->out = d->layers[n - 1].x;
    } else {
        for (int i = 0; i < n; i++) {
            struct layer_acts *a = &d->layers[i];
            a->x = carve_floats(c, t, w->c);
            if (i == 0 || !d->recompute) {
                carve_layer(c, a, w, t, &rest);
            } else {
                float *x = a->x;
                *a = d->layers[0];
                a->x = x;
            }
        }
        d->out = carve_floats(c, t, w->c);
    }
}

// What a layer keeps rounded, where the family has it. What attention reads and gives comes first: its parts hold it.
enum { N_OF_ATTENTION = 4, N_KEPT = LAYER_ACTS + 1 };
struct kept_piece {
    float *x;
    size_t n;
};

// Returns how many: with recomputation the input alone, which else stands behind those of attention.
static int pieces_of(const struct decoder *d, int layer, struct kept_piece out[N_KEPT])
{
    const struct widths *w = &d->parts.w;
    const size_t t = (size_t)d->n_tokens;
    struct layer_acts a = d->layers[layer];
    struct layer_act list[LAYER_ACTS];
    int n_exact, n = 0;
    const int end = layer_acts_list(&a, w, list, &n_exact), attention_ends = n_exact + N_OF_ATTENTION;
    for (int i = n_exact; a.kept && i < attention_ends; i++)
        out[n++] = (struct kept_piece){*list[i].at, t * list[i].width};
    out[n++] = (struct kept_piece){a.x, t * w->c};
    for (int i = attention_ends; a.kept && i < end; i++)
        out[n++] = (struct kept_piece){*list[i].at, t * list[i].width};
    return n;
}

void decoder_hold(struct decoder *d, int layer)
{
    const struct parts *p = &d->parts;
    struct kept_piece pieces[N_KEPT];
    const int n = pieces_of(d, layer, pieces);
    for (int i = d->recompute ? 0 : N_OF_ATTENTION; i < n; i++)
        p->ops->hold(p->b, pieces[i].x, pieces[i].n, false, part_place(p, &d->layers[layer], pieces[i].x));
}

void decoder_pack(struct decoder *d, int layer)
{
    const struct parts *p = &d->parts;
    const struct layer_acts *a = &d->layers[layer];
    const struct kept_layer *k = &d->packed[layer];
    struct kept_piece pieces[N_KEPT];
    const int n = pieces_of(d, layer, pieces);
    for (int i = 0; i < n; i++)
        p->ops->convert(p->b, part_place(p, a, pieces[i].x), part_type(p), stored_f32(pieces[i].x), pieces[i].n);
    if (k->rest)
        p->ops->copy(p->b, k->exact, a->mean1 ? a->mean1 : a->rstd1, d->n_exact * sizeof(float)); // the first of carve_layer
    decoder_release(d, layer);
}

void decoder_unpack(struct decoder *d, int layer)
{
    const struct parts *p = &d->parts;
    struct layer_acts *a = &d->layers[layer];
    const struct kept_layer *k = &d->packed[layer];
    struct kept_piece pieces[N_KEPT];
    a->x = d->layers[p->m->arch.n_layers - 1].x; // of the two that take turns, the one that is not d->out
    if (d->recompute) { // what is computed again goes on from x
        a->kept_x = NULL;
        p->ops->convert(p->b, a->x, DTYPE_F32, (struct stored){k->x, part_type(p), NULL}, (size_t)d->n_tokens * p->w.c);
        return;
    }
    const int n = pieces_of(d, layer, pieces);
    for (int i = 0; i < n; i++)
        p->ops->recall(p->b, pieces[i].x, part_place(p, a, pieces[i].x), pieces[i].n);
    p->ops->copy(p->b, a->mean1 ? a->mean1 : a->rstd1, k->exact, d->n_exact * sizeof(float));
}

void decoder_release(struct decoder *d, int layer)
{
    const struct parts *p = &d->parts;
    struct kept_piece pieces[N_KEPT];
    const int n = pieces_of(d, layer, pieces);
    for (int i = 0; i < n; i++)
        p->ops->release(p->b, pieces[i].x);
}

static void lay_out_backward(struct decoder *d, struct carve *c, size_t t, size_t n, size_t s)
{
    const struct parts *p = &d->parts;
    d->coef = carve_floats(c, n, 4);
    d->score_coef = carve_floats(c, s, 1);
    d->dres = carve_floats(c, t, p->w.c);
    // The gradients of the final rows are needed before those of any layer.
    struct carve shared = *c;
    size_t rows = n > s ? n : s;
    d->dtarget.x = carve_floats(&shared, rows, p->w.c);
    d->dtarget.normed = p->m->arch.final_norm ? carve_floats(&shared, rows, p->w.c) : d->dtarget.x;
    d->dtarget.out = p->w.projected ? carve_floats(&shared, rows, p->w.embed) : d->dtarget.normed;
    d->dscored = d->dtarget;
    d->dnext = carve_floats(c, t, p->w.c);
    d->dq = carve_floats(c, t, p->w.attn);
    d->dk = carve_floats(c, t, p->w.kv);
    d->dv = carve_floats(c, t, p->w.kv);
    d->datt = carve_floats(c, t, p->w.attn);
    if (shared.used > c->used)
        c->used = shared.used;
    c->overflow = c->overflow || shared.overflow;
}

static void lay_out(struct decoder *d, struct carve *c, const struct decoder_sizes *sizes, bool keep)
{
    struct parts *p = &d->parts;
    size_t t = (size_t)sizes->tokens, n = (size_t)sizes->targets, s = (size_t)sizes->scores;
    d->tokens = carve_bytes(c, t, sizeof(int32_t));
    d->positions = carve_bytes(c, t, sizeof(int32_t));
    d->target_rows = carve_bytes(c, n, sizeof(int32_t));
    d->target_ids = carve_bytes(c, n, sizeof(int32_t));
    d->score_rows = carve_bytes(c, s, sizeof(int32_t));
    d->taken_rows = keep ? carve_bytes(c, t, sizeof(int32_t)) : NULL;
    d->taken_logits = keep ? carve_bytes(c, n, sizeof(int32_t)) : NULL;
    d->segments = carve_bytes(c, (size_t)sizes->segments, sizeof *d->segments);
    lay_out_layers(d, c, t, keep);
    // Final rows outlive the layers' scratch, in which a low-rank product of as many rows must fit as well.
    size_t rows = t > n ? t : n;
    carve_scratch(c, &p->s, &p->w, rows > s ? rows : s, keep);
    d->wide = p->w.projected ? carve_floats(c, t, p->w.embed) : NULL;
    carve_final(c, &d->target, p, n);
    carve_final(c, &d->scored, p, s);
    d->lse = carve_floats(c, n, 1);
    d->head_numbers = carve_floats(c, n, N_HEAD_NUMBERS);
    d->rivals = carve_bytes(c, n, sizeof(int32_t));
    d->scores = carve_floats(c, s, 1);
    if (keep)
        lay_out_backward(d, c, t, n, s);
}

int decoder_layout(struct decoder *d, const struct decoder_sizes *n, bool keep, struct err *e)
{
    struct carve count = {0};
    lay_out(d, &count, n, keep);
    if (count.overflow)
        return err_set(e, ERR_LIMIT, "a batch of %d tokens needs more memory than can be addressed", n->tokens);
    char what[80], bytes[32];
    snprintf(what, sizeof what, "the activations of %d tokens", n->tokens);
    if (decoder_reserve(d, &d->block, &d->block_bytes, count.used, what, e))
        return err_prefix(e, "%s of memory for one batch (fewer tokens a batch, or recomputation, need less): ",
                          human_bytes(bytes, sizeof bytes, (double)count.used));
    struct carve place = {.base = d->block};
    lay_out(d, &place, n, keep);
    const int wants[] = {n->tokens, n->targets, n->scores, n->segments * (int)(sizeof *d->segments / sizeof *d->host_ids)};
    size_t n_ids = 0;
    for (size_t i = 0; i < sizeof wants / sizeof *wants; i++)
        n_ids = (size_t)wants[i] > n_ids ? (size_t)wants[i] : n_ids;
    if (n_ids > d->n_host_ids) {
        d->host_ids = mem_realloc(d->host_ids, n_ids, sizeof *d->host_ids);
        d->n_host_ids = n_ids;
    }
    d->n_tokens = n->tokens;
    d->n_targets = n->targets;
    d->n_scores = n->scores;
    d->n_segments = n->segments;
    d->longest = n->longest;
    return 0;
}

static enum dtype type_f32(const struct backend *b)
{
    return DTYPE_F32;
}

static enum dtype type_bf16(const struct backend *b)
{
    return DTYPE_BF16;
}

size_t decoder_plan(const struct arch *a, int rank, int n_tokens, int n_targets, bool bf16, bool keep, bool recompute)
{
    // Laying out asks of the model its architecture alone, and of the backend its type.
    const struct backend_ops ops = {.weights_type = bf16 ? type_bf16 : type_f32};
    struct model m = {.arch = *a, .ops = &ops};
    struct decoder d = {.parts = {.m = &m, .ops = &ops, .w = parts_widths(a, rank)}, .recompute = recompute};
    const struct decoder_sizes sizes = {.tokens = n_tokens, .targets = n_targets, .scores = n_targets ? 0 : 1};
    struct carve count = {0};
    d.layers = mem_alloc((size_t)a->n_layers, sizeof *d.layers);
    d.packed = bf16 ? mem_alloc((size_t)a->n_layers, sizeof *d.packed) : NULL;
    lay_out(&d, &count, &sizes, keep);
    free(d.layers);
    free(d.packed);
    return count.overflow ? SIZE_MAX : count.used;
}
