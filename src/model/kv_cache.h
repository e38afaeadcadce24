// Keys and values of the texts that are being sampled. Every layer has a row of keys and one of values for each token; texts
// have ranges of rows: a prompt's is shared by its samples, each sample has one for its own tokens. Device memory in one
// block, which stays for the next texts.
#pragma once

#include "model/decoder_parts.h"

struct kv_cache {
    const struct backend_ops *ops;
    struct backend *b;
    size_t kv; // floats of one token's keys in one layer
    int n_layers;
    size_t rows;  // per layer
    float *block; // per layer: keys, values
    // Ranges that are taken, in order.
    struct kv_range {
        size_t first, n;
    } *taken;
    int n_taken, cap_taken;
};

// Bytes that a token takes in all layers.
size_t kv_cache_token_bytes(const struct widths *w, int n_layers);
// Of as many layers: the network's own, or those of two networks, one behind the other.
void kv_cache_init(struct kv_cache *c, const struct parts *p, int n_layers);
void kv_cache_fini(struct kv_cache *c);
// At least so many rows; not while ranges are taken, for their content is lost.
int kv_cache_reserve(struct kv_cache *c, size_t rows, struct err *e);
// A range of n rows (at least 1) into *first; false when there is no room for it now.
bool kv_cache_take(struct kv_cache *c, size_t n, size_t *first);
void kv_cache_give(struct kv_cache *c, size_t first);
// A layer's rows, (rows, kv).
float *kv_cache_keys(const struct kv_cache *c, int layer);
float *kv_cache_values(const struct kv_cache *c, int layer);
