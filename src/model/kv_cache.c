#include "config.h"

#include "model/kv_cache.h"

#include "base/mem.h"

size_t kv_cache_token_bytes(const struct widths *w, int n_layers)
{
    return 2 * w->kv * (size_t)n_layers * sizeof(float);
}

void kv_cache_init(struct kv_cache *c, const struct parts *p)
{
    *c = (struct kv_cache){.ops = p->ops, .b = p->b, .kv = p->w.kv, .n_layers = p->m->arch.n_layers};
}

void kv_cache_fini(struct kv_cache *c)
{
    c->ops->free(c->b, c->block);
    c->block = NULL;
}

int kv_cache_reserve(struct kv_cache *c, size_t n_prompt, size_t n_slots, size_t slot_tokens, struct err *e)
{
    size_t n, bytes;
    bool fits = mem_mul(n_slots, slot_tokens, &n) && !__builtin_add_overflow(n, n_prompt, &n) &&
                mem_mul(n, 2 * c->kv * (size_t)c->n_layers, &n) && mem_mul(n, sizeof(float), &bytes);
    if (!fits)
        return err_set(e, ERR_LIMIT, "sampling %zu texts of %zu tokens at once needs more memory than can be addressed",
                       n_slots, slot_tokens);
    if (n > c->block_floats) {
        c->ops->free(c->b, c->block);
        c->block_floats = 0;
        c->block = c->ops->alloc(c->b, bytes, "the keys and values of the texts being sampled", e);
        if (!c->block)
            return ERR_LIMIT;
        c->block_floats = n;
    }
    c->n_prompt = n_prompt;
    c->n_slots = n_slots;
    c->slot_tokens = slot_tokens;
    return 0;
}

static float *layer_start(const struct kv_cache *c, int layer)
{
    return c->block + (size_t)layer * 2 * c->kv * (c->n_prompt + c->n_slots * c->slot_tokens);
}

float *kv_cache_prompt_k(const struct kv_cache *c, int layer)
{
    return layer_start(c, layer);
}

float *kv_cache_prompt_v(const struct kv_cache *c, int layer)
{
    return layer_start(c, layer) + c->n_prompt * c->kv;
}

static float *slot_k(const struct kv_cache *c, int layer, size_t slot)
{
    return layer_start(c, layer) + (2 * c->n_prompt + slot * c->slot_tokens) * c->kv;
}

static float *slot_v(const struct kv_cache *c, int layer, size_t slot)
{
    return slot_k(c, layer, slot) + c->n_slots * c->slot_tokens * c->kv;
}

void kv_cache_put(const struct kv_cache *c, int layer, size_t slot, size_t position, const float *k, const float *v)
{
    c->ops->copy(c->b, slot_k(c, layer, slot) + position * c->kv, k, c->kv * sizeof(float));
    c->ops->copy(c->b, slot_v(c, layer, slot) + position * c->kv, v, c->kv * sizeof(float));
}

struct kv_view kv_cache_view(const struct kv_cache *c, int layer, size_t first, int n_shared, size_t slot, int n_own)
{
    return (struct kv_view){
        .shared_k = kv_cache_prompt_k(c, layer) + first * c->kv,
        .shared_v = kv_cache_prompt_v(c, layer) + first * c->kv,
        .own_k = slot_k(c, layer, slot),
        .own_v = slot_v(c, layer, slot),
        .n_shared = n_shared,
        .n_own = n_own,
    };
}
