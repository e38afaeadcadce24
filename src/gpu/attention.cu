// Causal attention over packed segments, forward. A block is 16 rows of a segment and one head; rows depend on nobody else.
// Blocks beyond a segment's end, which is shorter than the longest, leave at once.
#include "gpu/attention.cuh"

struct attn_rounded attn_round(struct backend *b, const float *q, const float *k, const float *v, size_t n, size_t n_kv)
{
    struct attn_rounded r = {};
    r.q = gpu_rounded(b, q, n, SCRATCH_X);
    r.k = gpu_rounded(b, k, n_kv, SCRATCH_W);
    r.v = r.q && r.k ? gpu_rounded(b, v, n_kv, SCRATCH_HEAD) : NULL;
    return r;
}

template <int PER_LANE, class number = float>
__global__ static void attention_kernel(struct twin out, float *lse, const number *q, const number *k, const number *v,
                                        const struct attn_segment *segments, int n_tiles, struct attn_shape shape)
{
    const struct attn_rows r = attn_rows_of_block(segments, n_tiles, ATTN_ROWS, shape);
    const size_t from = (size_t)r.kv_head * shape.head_dim;
    if (r.n > 0)
        attend<PER_LANE>(attn_queries_of(r, out, lse, q, shape), k + from, v + from,
                         (size_t)shape.n_kv_heads * shape.head_dim, shape);
}

void gpu_attention(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                   const struct attn_segment *segments, int n_segments, int longest, int t, const struct attn_shape *shape)
{
    if (!attn_takes(b, shape))
        return;
    const size_t n = (size_t)t * shape->n_heads * shape->head_dim, n_kv = (size_t)t * shape->n_kv_heads * shape->head_dim;
    const struct twin to = gpu_twin(b, out, n);
    const int n_tiles = (int)gpu_blocks((size_t)longest, ATTN_ROWS);
    const dim3 grid((unsigned)n_segments * (unsigned)n_tiles, (unsigned)shape->n_heads);
    if (b->precision != PRECISION_BF16) {
        ATTN_RUN(b, attention_kernel, shape->head_dim, grid, ATTN_THREADS, ATTN_TILE_ROWS, to, lse, q, k, v, segments,
                 n_tiles, *shape);
        return;
    }
    const struct attn_rounded r = attn_round(b, q, k, v, n, n_kv);
    if (r.v && attn_on_tensor_cores(b, shape))
        attn_tensor_forward(b, to, lse, r.q, r.k, r.v, segments, n_segments, longest, shape);
    else if (r.v)
        ATTN_RUN_WIDE(b, attention_kernel, shape->head_dim, grid, ATTN_THREADS, ATTN_TILE_ROWS, to, lse, r.q, r.k, r.v,
                      segments, n_tiles, *shape);
}
