// Backward of attention: scores are made again from q, k and lse. One kernel gives dq, a block for 8 rows of a segment and
// one head. Another gives dk and dv, a block for 32 rows of keys and one key/value head, which goes through all segments
// that see them in their order: a prefix's sums need no atomics.
#include "gpu/attention_backward.cuh"

enum {
    ROWS = 8, // of queries, in a tile
    TILE_ROWS = 2 * ROWS + 2 * (int)ATTN_KEYS, // of q, dout, k and v
    DELTA_WARPS = 4,
    DELTA_THREADS = DELTA_WARPS * (int)WARP,
    DQ_WARPS = 4,
    DQ_WARP_ROWS = ROWS / DQ_WARPS,
    DQ_THREADS = DQ_WARPS * (int)WARP,
    KEY_WARPS = ROWS, // each makes the slopes of a row, and then sums for
    WARP_KEYS = (int)ATTN_KEYS / KEY_WARPS,
    KEY_THREADS = KEY_WARPS * (int)WARP,
};

// delta(t, n_heads) = dout . out, of the numbers that the kernels below are given: then slopes of a row sum to zero.
__global__ static void delta_kernel(float *delta, struct stored dout, struct stored out, size_t n, int d)
{
    const size_t i = (size_t)blockIdx.x * DELTA_WARPS + threadIdx.x / WARP;
    if (i >= n) // the whole warp
        return;
    float sum = 0;
    for (int x = (int)threadIdx.x % WARP; x < d; x += WARP)
        sum = fmaf(load_stored(dout, i * d + x), load_stored(out, i * d + x), sum);
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0)
        delta[i] = sum;
}

// Of the tile's row and key; at: number of (row, head).
__device__ static inline float2 tile_slope(const struct attn_backward &w, const float *query, const float *dout,
                                           const float *key, const float *value, size_t at)
{
    const int d = w.shape.head_dim;
    return attn_slope<false>(attn_dot(query, key, d), attn_dot(dout, value, d), attn_felt_at(w, at), w.shape);
}

template <int PER_LANE, class number = float>
__global__ static void dq_kernel(struct twin dq, struct attn_backward w, int n_tiles)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, q_tile);
    SHARED(float, slopes, [ROWS][ATTN_KEYS]);
    float *dout_tile = q_tile + ROWS * STRIDE, *k_tile = dout_tile + ROWS * STRIDE, *v_tile = k_tile + ATTN_KEYS * STRIDE;
    const struct attn_rows rows = attn_rows_of_block(w.segments, n_tiles, ROWS, w.shape);
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, d = w.shape.head_dim;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d, from = (size_t)rows.kv_head * d;
    if (rows.n <= 0)
        return;
    const int position = rows.s.prefix_len + rows.row;
    const size_t at = (size_t)(rows.s.start + rows.row) * w.shape.n_heads + rows.head;
    float sums[DQ_WARP_ROWS][PER_LANE] = {};
    attn_load<PER_LANE>(q_tile, (const number *)w.q + at * d, ld, rows.n, ROWS, d);
    attn_load<PER_LANE>(dout_tile, (const number *)w.dout + at * d, ld, rows.n, ROWS, d);
    const auto take = [&](size_t row, int n) {
        attn_load<PER_LANE>(k_tile, (const number *)w.k + from + row * kv_ld, kv_ld, n, ATTN_KEYS, d);
        attn_load<PER_LANE>(v_tile, (const number *)w.v + from + row * kv_ld, kv_ld, n, ATTN_KEYS, d);
    };
    const auto use = [&](int key, int n) {
        for (int r = warp; r < ROWS; r += DQ_WARPS) {
            const bool seen = r < rows.n && lane < n && attn_sees(position + r, key + lane, w.shape.window);
            slopes[r][lane] = !seen ? 0 : tile_slope(w, q_tile + r * STRIDE, dout_tile + r * STRIDE, k_tile + lane * STRIDE,
                                                     v_tile + lane * STRIDE, at + (size_t)r * w.shape.n_heads).y;
        }
        __syncwarp(); // other lanes' slopes are read
        for (int i = 0; i < n; i++)
            UNROLL for (int r = 0; r < DQ_WARP_ROWS; r++)
                UNROLL for (int x = 0; x < PER_LANE; x++)
                    sums[r][x] = fmaf(slopes[r * DQ_WARPS + warp][i], k_tile[i * STRIDE + lane + x * WARP], sums[r][x]);
    };
    attn_each_tile({rows.s.prefix_start, rows.s.prefix_len, rows.s.start, rows.s.len}, 0, position, position + rows.n - 1,
                   ATTN_KEYS, w.shape.window, take, use);
    UNROLL for (int r = 0; r < DQ_WARP_ROWS; r++)
        UNROLL for (int x = 0; x < PER_LANE; x++)
            attn_put_sum(twin_from(dq, at * d), ld, r * DQ_WARPS + warp, rows.n, lane + x * WARP, d, sums[r][x]);
}

template <int PER_LANE, class number = float>
__global__ static void dkv_kernel(struct twin dk, struct twin dv, struct attn_backward w, int t)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, k_tile);
    SHARED(float2, slopes, [ROWS][ATTN_KEYS]);
    float *v_tile = k_tile + ATTN_KEYS * STRIDE, *q_tile = v_tile + ATTN_KEYS * STRIDE, *dout_tile = q_tile + ROWS * STRIDE;
    const struct attn_keys all = attn_keys_of_block(t, ATTN_KEYS);
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, d = w.shape.head_dim;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d;
    const size_t at = (size_t)all.first * kv_ld + (size_t)blockIdx.y * d;
    float dk_sums[WARP_KEYS][PER_LANE] = {}, dv_sums[WARP_KEYS][PER_LANE] = {};
    attn_load<PER_LANE>(k_tile, (const number *)w.k + at, kv_ld, all.n, ATTN_KEYS, d);
    attn_load<PER_LANE>(v_tile, (const number *)w.v + at, kv_ld, all.n, ATTN_KEYS, d);
    const auto take = [&](const struct attn_feeling &f) {
        attn_load<PER_LANE>(q_tile, (const number *)w.q + f.at * d, ld, f.n, ROWS, d);
        attn_load<PER_LANE>(dout_tile, (const number *)w.dout + f.at * d, ld, f.n, ROWS, d);
    };
    const auto use = [&](const struct attn_feeling &f, const struct attn_keys &keys) {
        float2 mine = {0, 0};
        if (warp < f.n && lane >= keys.low && lane < keys.high &&
            attn_sees(f.position + warp, keys.position + lane, w.shape.window))
            mine = tile_slope(w, q_tile + warp * STRIDE, dout_tile + warp * STRIDE, k_tile + lane * STRIDE,
                              v_tile + lane * STRIDE, f.at + (size_t)warp * w.shape.n_heads);
        slopes[warp][lane] = mine;
        __syncthreads(); // other warps' slopes are read
        for (int r = 0; r < f.n; r++)
            UNROLL for (int i = 0; i < WARP_KEYS; i++)
                UNROLL for (int x = 0; x < PER_LANE; x++) {
                    const float2 felt = slopes[r][warp * WARP_KEYS + i];
                    const int column = r * STRIDE + lane + x * WARP;
                    dk_sums[i][x] = fmaf(felt.y, q_tile[column], dk_sums[i][x]);
                    dv_sums[i][x] = fmaf(felt.x, dout_tile[column], dv_sums[i][x]);
                }
    };
    attn_each_feeling(w, all, (int)blockIdx.y, ROWS, take, use);
    UNROLL for (int i = 0; i < WARP_KEYS; i++)
        UNROLL for (int x = 0; x < PER_LANE; x++) {
            attn_put_sum(twin_from(dk, at), kv_ld, warp * WARP_KEYS + i, all.n, lane + x * WARP, d, dk_sums[i][x]);
            attn_put_sum(twin_from(dv, at), kv_ld, warp * WARP_KEYS + i, all.n, lane + x * WARP, d, dv_sums[i][x]);
        }
}

void gpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                            const float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_segments, int longest, int t,
                            const struct attn_shape *shape)
{
    const int d = shape->head_dim;
    const size_t n = (size_t)t * shape->n_heads;
    float *delta = attn_takes(b, shape) ? (float *)gpu_scratch(b, SCRATCH_SUMS, n * sizeof *delta) : NULL;
    if (!delta)
        return;
    struct attn_backward w = {lse, delta, dout, q, k, v, segments, n_segments, *shape};
    const size_t n_kv = (size_t)t * shape->n_kv_heads;
    const struct stored result = gpu_stored(b, out, n * d);
    const struct twin to_q = gpu_twin(b, dq, n * d), to_k = gpu_twin(b, dk, n_kv * d), to_v = gpu_twin(b, dv, n_kv * d);
    const bool rounded = b->precision == PRECISION_BF16;
    struct stored felt = stored_f32(dout);
    if (rounded) {
        const struct attn_rounded r = attn_round(b, q, k, v, n * d, n_kv * d);
        w.q = r.q, w.k = r.k, w.v = r.v;
        w.dout = felt.at = gpu_rounded(b, dout, n * d, SCRATCH_DOUT);
        felt.type = DTYPE_BF16;
    }
    if (!w.v || !w.dout)
        return;
    GPU_RUN(b, delta_kernel, gpu_blocks(n, DELTA_WARPS), DELTA_THREADS, 0, delta, felt, result, n, d);
    const int n_tiles = (int)gpu_blocks((size_t)longest, ROWS);
    const dim3 rows((unsigned)n_segments * (unsigned)n_tiles, (unsigned)shape->n_heads);
    const dim3 keys((unsigned)gpu_blocks((size_t)t, ATTN_KEYS), (unsigned)shape->n_kv_heads);
    if (attn_on_tensor_cores(b, shape)) {
        attn_tensor_backward(b, to_q, to_k, to_v, &w, longest, t);
    } else if (rounded) {
        ATTN_RUN_WIDE(b, dq_kernel, d, rows, DQ_THREADS, TILE_ROWS, to_q, w, n_tiles);
        ATTN_RUN_WIDE(b, dkv_kernel, d, keys, KEY_THREADS, TILE_ROWS, to_k, to_v, w, t);
    } else {
        ATTN_RUN(b, dq_kernel, d, rows, DQ_THREADS, TILE_ROWS, to_q, w, n_tiles);
        ATTN_RUN(b, dkv_kernel, d, keys, KEY_THREADS, TILE_ROWS, to_k, to_v, w, t);
    }
}
