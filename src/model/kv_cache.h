// Keys and values of a wave of streams: of each prompt once, shared by its samples, and of each stream's own
// tokens in a slot of fixed size. Device memory in one block.
#pragma once

#include "model/decoder_parts.h"

struct kv_cache {
    const struct backend_ops *ops;
    struct backend *b;
    size_t kv; // floats of one token's keys in one layer
    int n_layers;
    size_t n_prompt, n_slots, slot_tokens;
    float *block; // per layer: prompt keys, prompt values, slots' keys, slots' values
    size_t block_floats;
};

// Bytes that a token takes in all layers.
size_t kv_cache_token_bytes(const struct widths *w, int n_layers);
void kv_cache_init(struct kv_cache *c, const struct parts *p);
void kv_cache_fini(struct kv_cache *c);
// Room for these, content undefined; memory of an earlier, larger wave is used again.
int kv_cache_reserve(struct kv_cache *c, size_t n_prompt, size_t n_slots, size_t slot_tokens, struct err *e);
// The rows of all prompts together, (n_prompt, kv): the forward of the prompts writes there.
float *kv_cache_prompt_k(const struct kv_cache *c, int layer);
float *kv_cache_prompt_v(const struct kv_cache *c, int layer);
// Puts one row at `position` of a slot.
void kv_cache_put(const struct kv_cache *c, int layer, size_t slot, size_t position, const float *k, const float *v);
// What a stream sees: n_shared rows of its prompt from row `first`, n_own of its slot.
struct kv_view kv_cache_view(const struct kv_cache *c, int layer, size_t first, int n_shared, size_t slot, int n_own);
