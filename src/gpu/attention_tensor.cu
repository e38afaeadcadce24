// Causal attention over packed segments on tensor cores, forward. A block is 64 rows of a segment and one head.
#include "gpu/attention_tensor.cuh"

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_attention_kernel(struct twin out, float *lse, const uint16_t *q, const uint16_t *k, const uint16_t *v,
                            const struct attn_segment *segments, int n_tiles, struct attn_shape shape)
{
    const struct attn_rows r = attn_rows_of_block(segments, n_tiles, TENSOR_ROWS, shape);
    const size_t from = (size_t)r.kv_head * shape.head_dim;
    if (r.n > 0)
        tensor_attend<DIM>(attn_queries_of(r, out, lse, q, shape), k + from, v + from,
                           (size_t)shape.n_kv_heads * shape.head_dim, shape);
}

void attn_tensor_forward(struct backend *b, struct twin out, float *lse, const uint16_t *q, const uint16_t *k,
                         const uint16_t *v, const struct attn_segment *segments, int n_segments, int longest,
                         const struct attn_shape *shape)
{
    const int n_tiles = (int)gpu_blocks((size_t)longest, TENSOR_ROWS);
    TENSOR_RUN(b, tensor_attention_kernel, shape->head_dim,
               dim3((unsigned)n_segments * (unsigned)n_tiles, (unsigned)shape->n_heads), TENSOR_ROWS + 2 * TENSOR_KEYS, out,
               lse, q, k, v, segments, n_tiles, *shape);
}
