// Tiles of logits: the product of some rows with a part of the vocabulary, for the head's forward and backward.
#pragma once

#include "gpu/log_sums.cuh"
#include "gpu/product.cuh"

enum { HEAD_ROWS = 2048 }; // of a tile

// A tile as it lies, `ld` numbers from row to row, and how a product becomes logits.
struct tile {
    float *at;
    int ld;
};

// What is left of a product after the cap, at the temperature.
__device__ static inline float settled(float x, float cap, float inv_temperature)
{
    return (cap > 0 ? cap * tanhf(x / cap) : x) * inv_temperature;
}

// Bytes of a part of the scratch, so that each begins as aligned as all others: products of the same numbers are then made
// in the same way.
static inline size_t gpu_head_room(size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

// The type that products take, and bytes of n numbers that are rounded to it first; 0: they are taken as they are.
enum dtype gpu_head_type(const struct backend *b);
size_t gpu_head_rounded_bytes(const struct backend *b, size_t n);
// n numbers as products take them: x, or `room` with what is left of them.
const void *gpu_head_rounded(struct backend *b, void *room, const float *x, size_t n);
// The weights of n_tokens from `token` on as products take them; SCRATCH_W is used. NULL after a failure.
const void *gpu_head_weights(struct backend *b, struct stored w, int token, int n_tokens, int c);
// tile(n_rows, n_tokens) = rows(n_rows, c) weights(n_tokens, c)^T
void gpu_head_products(struct backend *b, struct tile tile, const void *rows, const void *weights, int n_rows, int n_tokens,
                       int c);
