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
    free(d->layers);
    free(d->host_ids);
    free(d);
}

size_t decoder_bytes(const struct decoder *d)
{
    return d->block_bytes + d->logit_bytes;
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

// Without a backward to come, or when it computes layers again, all layers use the same memory. Their inputs
// are kept for a backward in any case: they are what recomputation starts from.
static void lay_out_layers(struct decoder *d, struct carve *c, size_t t, bool keep)
{
    const struct widths *w = &d->parts.w;
    int n = d->parts.m->arch.n_layers;
    bool shared = !keep || d->recompute;
    for (int i = 0; i < n; i++) {
        struct layer_acts *a = &d->layers[i], *first = &d->layers[0];
        if (i == 0 || keep)
            a->x = carve_floats(c, t, w->c);
        if (i == 0 || !shared) {
            carve_layer(c, a, w, t);
        } else {
            float *x = keep ? a->x : first->x;
            *a = *first;
            a->x = x;
        }
    }
    d->out = keep ? carve_floats(c, t, w->c) : d->layers[n - 1].x;
}

static void lay_out_backward(struct decoder *d, struct carve *c, size_t t, size_t n, size_t s)
{
    const struct parts *p = &d->parts;
    d->coef = carve_floats(c, n, 3);
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

static void lay_out(struct decoder *d, struct carve *c, const struct seq_batch *batch, bool keep)
{
    struct parts *p = &d->parts;
    size_t t = (size_t)batch->n_tokens, n = (size_t)batch->n_targets, s = (size_t)seq_batch_scores(batch);
    d->tokens = carve_bytes(c, t, sizeof(int32_t));
    d->positions = carve_bytes(c, t, sizeof(int32_t));
    d->target_rows = carve_bytes(c, n, sizeof(int32_t));
    d->target_ids = carve_bytes(c, n, sizeof(int32_t));
    d->score_rows = carve_bytes(c, s, sizeof(int32_t));
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

int decoder_layout(struct decoder *d, const struct seq_batch *batch, bool keep, struct err *e)
{
    parts_init(&d->parts, d->parts.m); // an adapter may have come or gone
    struct carve count = {0};
    lay_out(d, &count, batch, keep);
    if (count.overflow)
        return err_set(e, ERR_LIMIT, "a batch of %d tokens needs more memory than can be addressed", batch->n_tokens);
    char what[80], bytes[32];
    snprintf(what, sizeof what, "the activations of %d tokens", batch->n_tokens);
    if (decoder_reserve(d, &d->block, &d->block_bytes, count.used, what, e))
        return err_prefix(e, "%s of memory for one batch (fewer tokens a batch, or recomputation, need less): ",
                          human_bytes(bytes, sizeof bytes, (double)count.used));
    struct carve place = {.base = d->block};
    lay_out(d, &place, batch, keep);
    const int n_scores = seq_batch_scores(batch);
    size_t n_ids = (size_t)(batch->n_tokens > n_scores ? batch->n_tokens : n_scores);
    if (n_ids > d->n_host_ids) {
        d->host_ids = mem_realloc(d->host_ids, n_ids, sizeof *d->host_ids);
        d->n_host_ids = n_ids;
    }
    return 0;
}
