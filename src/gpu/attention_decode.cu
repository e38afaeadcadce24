// Attention of one new row per stream to its prompt's keys and its own. A block is a stream and a key/value head, whose
// queries go through the keys together.
#include "gpu/attention.cuh"

template <int PER_LANE>
__global__ static void decode_kernel(float *out, const float *q, const float *k, const float *v, const struct kv_rows *rows,
                                     struct attn_shape shape)
{
    const int group = shape.n_heads / shape.n_kv_heads, first = (int)blockIdx.z * ATTN_ROWS;
    const size_t at = ((size_t)blockIdx.x * shape.n_heads + blockIdx.y * group + first) * shape.head_dim;
    const struct kv_rows keys = rows[blockIdx.x];
    const struct attn_queries queries = {
        .q = q + at,
        .out = out + at,
        .lse = NULL,
        .ld = (size_t)shape.head_dim,
        .lse_ld = 0,
        .n = group - first < ATTN_ROWS ? group - first : (int)ATTN_ROWS,
        .position = keys.n_shared + keys.n_own - 1,
        .step = 0,
        .keys = keys,
    };
    const size_t from = (size_t)blockIdx.y * shape.head_dim;
    attend<PER_LANE>(queries, k + from, v + from, (size_t)shape.n_kv_heads * shape.head_dim, shape);
}

void gpu_attention_decode(struct backend *b, float *out, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape)
{
    const size_t n_tiles = gpu_blocks((size_t)(shape->n_heads / shape->n_kv_heads), ATTN_ROWS);
    if (n <= 0 || !attn_takes(b, shape))
        return;
    ATTN_RUN(b, decode_kernel, shape->head_dim, dim3((unsigned)n, (unsigned)shape->n_kv_heads, (unsigned)n_tiles),
             ATTN_THREADS, ATTN_TILE_ROWS, out, q, k, v, rows, *shape);
}
