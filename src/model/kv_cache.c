#include "config.h"

#include "model/kv_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

size_t kv_cache_token_bytes(const struct widths *w, int n_layers)
{
    return 2 * w->kv * (size_t)n_layers * sizeof(float);
}

void kv_cache_init(struct kv_cache *c, const struct parts *p, int n_layers)
{
    *c = (struct kv_cache){.ops = p->ops, .b = p->b, .kv = p->w.kv, .n_layers = n_layers};
}

void kv_cache_fini(struct kv_cache *c)
{
    c->ops->free(c->b, c->block);
    free(c->taken);
    c->block = NULL;
    c->taken = NULL;
}

int kv_cache_reserve(struct kv_cache *c, size_t rows, struct err *e)
{
    size_t n, bytes;
    BUG_IF(c->n_taken);
    if (rows <= c->rows)
        return 0;
    if (!mem_mul(rows, 2 * c->kv * (size_t)c->n_layers, &n) || !mem_mul(n, sizeof(float), &bytes))
        return err_set(e, ERR_LIMIT, "sampling texts of %zu tokens at once needs more memory than can be addressed", rows);
    c->ops->free(c->b, c->block);
    c->rows = 0;
    c->block = c->ops->alloc(c->b, bytes, "the keys and values of the texts being sampled", e);
    if (!c->block)
        return ERR_LIMIT;
    c->rows = rows;
    return 0;
}

bool kv_cache_take(struct kv_cache *c, size_t n, size_t *first)
{
    size_t at = 0;
    int i = 0;
    for (; i < c->n_taken && c->taken[i].first - at < n; i++)
        at = c->taken[i].first + c->taken[i].n;
    if (c->rows < at + n)
        return false;
    MEM_GROW(c->taken, c->n_taken, c->cap_taken);
    memmove(c->taken + i + 1, c->taken + i, (size_t)(c->n_taken - i) * sizeof *c->taken);
    c->taken[i] = (struct kv_range){at, n};
    c->n_taken++;
    *first = at;
    return true;
}

void kv_cache_give(struct kv_cache *c, size_t first)
{
    int i = 0;
    while (i < c->n_taken && c->taken[i].first != first)
        i++;
    BUG_IF(i == c->n_taken);
    memmove(c->taken + i, c->taken + i + 1, (size_t)(c->n_taken - i - 1) * sizeof *c->taken);
    c->n_taken--;
}

float *kv_cache_keys(const struct kv_cache *c, int layer)
{
    return c->block + (size_t)layer * 2 * c->kv * c->rows;
}

float *kv_cache_values(const struct kv_cache *c, int layer)
{
    return kv_cache_keys(c, layer) + c->rows * c->kv;
}
