// Attention of one new row per stream to its prompt's keys and its own. Each of these two pieces is cut by its length alone,
// every CUT keys; a block gives what a part has, and a second kernel joins a stream's parts in their order. Nothing that a
// stream gets depends on its neighbours or on timing.
//
// Parts of a prompt are read once for several streams: of each `chunk` streams, so many as have their queries in one block,
// those beside each other that have the same prompt belong to the first one's block.
#include "gpu/attention_tensor.cuh"

enum { CUT = 256, JOIN_WARPS = 4, JOIN_THREADS = JOIN_WARPS * (int)WARP };

struct decode {
    float *out, *lse; // (n, n_heads, n_parts, head_dim) and without head_dim
    const float *q, *k, *v;
    const struct kv_rows *rows;
    int n, n_parts, n_tiles; // n_tiles: blocks for the queries of one key/value head
    struct attn_shape shape;
};

__device__ static inline int n_cuts(int n)
{
    return (n + CUT - 1) / CUT;
}

// How many streams from this one on are of its block, when that reads their prompt; 0: it is of another stream's.
__device__ static inline int sharing_streams(const struct decode &w, int stream, int chunk)
{
    const struct kv_rows *mine = w.rows + stream;
    const int most = chunk - stream % chunk < w.n - stream ? chunk - stream % chunk : w.n - stream;
    int n = 1;
    if (stream % chunk && mine[-1].shared == mine->shared && mine[-1].n_shared == mine->n_shared)
        return 0;
    while (n < most && mine[n].shared == mine->shared && mine[n].n_shared == mine->n_shared)
        n++;
    return n;
}

// The block's queries, `most` at most, and its part of their keys; n 0: it has nothing to do.
__device__ static inline struct attn_queries part_of_block(const struct decode &w, int most)
{
    const int stream = (int)blockIdx.x, kv_head = (int)blockIdx.y / w.n_tiles, group = w.shape.n_heads / w.shape.n_kv_heads;
    const int tile = (int)blockIdx.y % w.n_tiles * most, part = (int)blockIdx.z;
    const struct kv_rows keys = w.rows[stream];
    const bool own = part >= n_cuts(keys.n_shared);
    const int from = (own ? part - n_cuts(keys.n_shared) : part) * CUT, left = (own ? keys.n_own : keys.n_shared) - from;
    const size_t at = (size_t)stream * w.shape.n_heads + kv_head * group + tile;
    struct attn_queries rows = {};
    rows.q = w.q + at * w.shape.head_dim;
    rows.out = {w.out + (at * w.n_parts + part) * w.shape.head_dim, NULL};
    rows.lse = w.lse + at * w.n_parts + part;
    rows.n_heads = w.shape.n_heads;
    rows.per = group - tile < most ? group - tile : most;
    rows.parts = w.n_parts;
    rows.streams = w.rows + stream;
    rows.keys = {(own ? keys.own : keys.shared) + from, left < CUT ? left : (int)CUT, 0, 0};
    rows.key_position = (own ? keys.n_shared : 0) + from;
    const int n_streams = left <= 0 ? 0 : own ? 1 : sharing_streams(w, stream, group < most ? most / group : 1);
    rows.n = n_streams * rows.per;
    for (int i = 0; i < n_streams; i++) {
        const int position = rows.streams[i].n_shared + rows.streams[i].n_own - 1;
        rows.first = i == 0 || position < rows.first ? position : rows.first;
        rows.last = i == 0 || position > rows.last ? position : rows.last;
    }
    return rows;
}

template <int PER_LANE>
__global__ static void decode_kernel(struct decode w)
{
    const struct attn_queries rows = part_of_block(w, ATTN_ROWS);
    const size_t from = (size_t)(blockIdx.y / (unsigned)w.n_tiles) * w.shape.head_dim;
    if (rows.n > 0)
        attend<PER_LANE>(rows, w.k + from, w.v + from, (size_t)w.shape.n_kv_heads * w.shape.head_dim, w.shape);
}

template <int DIM>
__global__ static void TENSOR_KERNEL tensor_decode_kernel(struct decode w)
{
    const struct attn_queries rows = part_of_block(w, TENSOR_ROWS);
    const size_t from = (size_t)(blockIdx.y / (unsigned)w.n_tiles) * w.shape.head_dim;
    if (rows.n > 0)
        tensor_attend<DIM>(rows, w.k + from, w.v + from, (size_t)w.shape.n_kv_heads * w.shape.head_dim, w.shape);
}

// A warp for a stream's head. A part's weight is exp(its lse), which is minus infinity where it has seen no key.
__global__ static void join_kernel(struct twin to, float *all_lse, struct decode w)
{
    const size_t row = (size_t)blockIdx.x * JOIN_WARPS + threadIdx.x / WARP;
    const int heads = w.shape.n_heads, d = w.shape.head_dim;
    if (row >= (size_t)w.n * heads) // the whole warp
        return;
    const struct kv_rows keys = w.rows[row / heads];
    const int n = n_cuts(keys.n_shared) + n_cuts(keys.n_own);
    const float *lse = w.lse + row * w.n_parts, *out = w.out + row * w.n_parts * d;
    float top = -INFINITY, sum = 0;
    bool some = false;
    for (int i = 0; i < n; i++) {
        top = fmaxf(top, lse[i]);
        some |= lse[i] != -INFINITY; // and so what is not a number is handed on
    }
    for (int i = 0; i < n; i++)
        sum += expf(lse[i] - top);
    if (threadIdx.x % WARP == 0)
        all_lse[row] = some ? top + logf(sum) : -INFINITY;
    for (int x = (int)threadIdx.x % WARP; x < d; x += WARP) {
        float all = 0;
        for (int i = 0; i < n; i++)
            all = fmaf(expf(lse[i] - top), out[(size_t)i * d + x], all);
        put(to, row * d + x, some ? all / sum : 0);
    }
}

void gpu_attention_decode(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape)
{
    if (n <= 0 || !attn_takes(b, shape))
        return;
    const bool tensor = attn_on_tensor_cores(b, shape);
    const int n_parts = most_keys / CUT + 2; // of both pieces, each with a part that is not full
    const size_t n_rows = (size_t)n * shape->n_heads * n_parts, d = (size_t)shape->head_dim;
    const size_t most = tensor ? (size_t)TENSOR_ROWS : (size_t)ATTN_ROWS; // queries of a block
    const size_t n_tiles = gpu_blocks((size_t)(shape->n_heads / shape->n_kv_heads), most);
    float *parts = (float *)gpu_scratch(b, SCRATCH_SUMS, n_rows * (d + 1) * sizeof *parts);
    if (!parts)
        return;
    const struct decode w = {parts, parts + n_rows * d, q, k, v, rows, n, n_parts, (int)n_tiles, *shape};
    const dim3 grid((unsigned)n, (unsigned)shape->n_kv_heads * (unsigned)n_tiles, (unsigned)n_parts);
    if (tensor)
        TENSOR_RUN(b, tensor_decode_kernel, shape->head_dim, grid, TENSOR_ROWS + 2 * TENSOR_KEYS, w);
    else
        ATTN_RUN(b, decode_kernel, shape->head_dim, grid, ATTN_THREADS, ATTN_TILE_ROWS, w);
    GPU_RUN(b, join_kernel, gpu_blocks((size_t)n * shape->n_heads, JOIN_WARPS), JOIN_THREADS, 0,
            gpu_twin(b, out, (size_t)n * shape->n_heads * d), lse, w);
}
