// What the two files of attention's backward share: from products to slopes, a block's way through the rows that feel its
// keys, and where sums go.
#pragma once

#include "gpu/attention.cuh"

// What the kernels of the backward read; delta(t, n_heads) = dout . out.
struct attn_backward {
    const float *lse, *delta;
    const void *dout, *q, *k, *v; // in the precision bf16 that, else f32
    const struct attn_segment *segments;
    int n_segments;
    struct attn_shape shape;
};

// What a query has of the forward.
struct attn_felt {
    float lse, delta;
};

// at: number of (row, head).
__device__ static inline struct attn_felt attn_felt_at(const struct attn_backward &w, size_t at)
{
    return (struct attn_felt){w.lse[at], w.delta[at]};
}

// A key's weight in a row and the slope of its score before it was scaled, from q . k and dout . v. ROUNDED: what is rounded
// to bf16 next takes the device's shorter exponential.
template <bool ROUNDED>
__device__ static inline float2 attn_slope(float qk, float dout_v, struct attn_felt felt, const struct attn_shape &shape)
{
    float score = shape.scale * qk, slope = shape.scale;
    if (shape.cap > 0) {
        const float bent = tanhf(score / shape.cap);
        score = shape.cap * bent;
        slope *= 1 - bent * bent;
    }
    float2 s;
    s.x = ROUNDED ? exp2f(LOG2_E * (score - felt.lse)) : expf(score - felt.lse);
    s.y = s.x * (dout_v - felt.delta) * slope;
    return s;
}

// A block's keys, n from row `first` of the batch on, of which those from `low` to `high` - 1 are of a segment; number 0
// would stand at `position` of it.
struct attn_keys {
    int first, n, low, high, position;
};

__device__ static inline struct attn_keys attn_keys_of_block(int t, int most)
{
    struct attn_keys keys = {};
    keys.first = (int)blockIdx.x * most;
    keys.n = t - keys.first < most ? t - keys.first : most;
    return keys;
}

// n queries, from number `at` of all (row, head) on; they stand a row apart, the first at `position`.
struct attn_feeling {
    size_t at;
    int n, position;
};

// Goes through the queries of one key/value head that see some of the block's keys, in tiles of at most `most` rows:
// segments in their order, each as what continues a prefix and as what sees its own rows. take(queries) has the block
// bring a tile into shared memory, use(queries, keys) reads it.
template <class takes, class uses>
__device__ static inline void attn_each_feeling(const struct attn_backward &w, struct attn_keys keys, int kv_head, int most,
                                                takes take, uses use)
{
    const int group = w.shape.n_heads / w.shape.n_kv_heads;
    for (int i = 0; i < 2 * w.n_segments; i++) {
        const struct attn_segment s = w.segments[i / 2];
        const bool own = i % 2;
        const int start = own ? s.start : s.prefix_start, end = start + (own ? s.len : s.prefix_len);
        keys.position = keys.first - start + (own ? s.prefix_len : 0);
        keys.low = start > keys.first ? start - keys.first : 0;
        keys.high = end - keys.first < keys.n ? end - keys.first : keys.n;
        const int n_rows = keys.low < keys.high ? s.len : 0;
        for (int head = kv_head * group; head < (kv_head + 1) * group; head++)
            for (int row = 0; row < n_rows; row += most) {
                struct attn_feeling f;
                f.at = (size_t)(s.start + row) * w.shape.n_heads + head;
                f.n = s.len - row < most ? s.len - row : most;
                f.position = s.prefix_len + row;
                if (!attn_some_see(f.position, f.position + f.n - 1, keys.position + keys.low, keys.high - keys.low,
                                   w.shape.window))
                    continue;
                __syncthreads(); // the tiles before have been read
                take(f);
                __syncthreads();
                use(f, keys);
            }
    }
}

// Number `column` of the sum for row `row` of n, which stand `ld` apart.
__device__ static inline void attn_put_sum(const struct twin &to, size_t ld, int row, int n, int column, int head_dim,
                                           float x)
{
    if (row < n && column < head_dim)
        put(to, (size_t)row * ld + column, x);
}
