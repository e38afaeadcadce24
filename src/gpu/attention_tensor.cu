// Causal attention over packed segments on tensor cores, forward. A block is 64 rows of a segment and one head; the last
// rows of segments, which see the most, come first.
#include "gpu/attention_tensor.cuh"

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_attention_kernel(float *out, float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_tiles, struct attn_shape shape)
{
    const struct attn_segment s = segments[blockIdx.x / (unsigned)n_tiles];
    const int row = (n_tiles - 1 - (int)(blockIdx.x % (unsigned)n_tiles)) * TENSOR_ROWS, head = (int)blockIdx.y;
    const size_t from = (size_t)(head / (shape.n_heads / shape.n_kv_heads)) * shape.head_dim;
    if (row >= s.len)
        return;
    const struct attn_queries rows = attn_segment_rows(out, lse, q, s, row, TENSOR_ROWS, head, shape);
    tensor_attend<DIM>(rows, k + from, v + from, (size_t)shape.n_kv_heads * shape.head_dim, shape);
}

void attn_tensor_forward(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                         const struct attn_segment *segments, int n_segments, int longest, const struct attn_shape *shape)
{
    const int n_tiles = (int)gpu_blocks((size_t)longest, TENSOR_ROWS);
    TENSOR_RUN(b, tensor_attention_kernel, shape->head_dim,
               dim3((unsigned)n_segments * (unsigned)n_tiles, (unsigned)shape->n_heads), TENSOR_ROWS + 2 * TENSOR_KEYS, out,
               lse, q, k, v, segments, n_tiles, *shape);
}
