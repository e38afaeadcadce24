// Backward of attention: scores are made again from q, k and lse. One kernel gives dq, a block for 8 rows of a segment and
// one head. Another gives dk and dv, a block for 32 rows of keys and one key/value head, which goes through all segments
// that see them in their order: a prefix's sums need no atomics.
#include "gpu/attention.cuh"

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

// delta(t, n_heads) = dout . out. rounded: to bf16, as tensor cores are given dout: then slopes of a row still sum to zero.
__global__ static void delta_kernel(float *delta, const float *dout, const float *out, size_t n, int d, bool rounded)
{
    const size_t i = (size_t)blockIdx.x * DELTA_WARPS + threadIdx.x / WARP;
    if (i >= n) // the whole warp
        return;
    float sum = 0;
    for (int x = (int)threadIdx.x % WARP; x < d; x += WARP) {
        const float felt = dout[i * d + x];
        sum = fmaf(rounded ? float_of_bf16(bf16_of_float(felt)) : felt, out[i * d + x], sum);
    }
    sum = warp_sum(sum);
    if (threadIdx.x % WARP == 0)
        delta[i] = sum;
}

// A key's weight in a row and the slope of its score before it was scaled, from q . k and dout . v.
__device__ static inline float2 slope(float qk, float dout_v, float lse, float delta, const struct attn_shape &shape)
{
    float score = shape.scale * qk, felt = shape.scale;
    if (shape.cap > 0) {
        const float bent = tanhf(score / shape.cap);
        score = shape.cap * bent;
        felt *= 1 - bent * bent;
    }
    float2 s;
    s.x = expf(score - lse);
    s.y = s.x * (dout_v - delta) * felt;
    return s;
}

// Of the tile's row and key; at: number of (row, head) in lse and delta.
__device__ static inline float2 tile_slope(const struct attn_backward &w, const float *query, const float *dout,
                                           const float *key, const float *value, size_t at)
{
    const int d = w.shape.head_dim;
    return slope(attn_dot(query, key, d), attn_dot(dout, value, d), w.lse[at], w.delta[at], w.shape);
}

template <int PER_LANE>
__global__ static void dq_kernel(float *dq, struct attn_backward w, int n_tiles)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, q_tile);
    SHARED(float, slopes, [ROWS][ATTN_KEYS]);
    float *dout_tile = q_tile + ROWS * STRIDE, *k_tile = dout_tile + ROWS * STRIDE, *v_tile = k_tile + ATTN_KEYS * STRIDE;
    const struct attn_segment s = w.segments[blockIdx.x / (unsigned)n_tiles];
    const int first = (int)(blockIdx.x % (unsigned)n_tiles) * ROWS, head = (int)blockIdx.y, d = w.shape.head_dim;
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, position = s.prefix_len + first;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d;
    const size_t from = (size_t)(head / (w.shape.n_heads / w.shape.n_kv_heads)) * d;
    if (first >= s.len)
        return;
    const int n_rows = s.len - first < ROWS ? s.len - first : (int)ROWS, n_all = s.prefix_len + s.len;
    const size_t at = (size_t)(s.start + first) * ld + (size_t)head * d;
    float sums[DQ_WARP_ROWS][PER_LANE] = {};
    attn_load<PER_LANE>(q_tile, w.q + at, ld, n_rows, ROWS, d);
    attn_load<PER_LANE>(dout_tile, w.dout + at, ld, n_rows, ROWS, d);
    for (int key = 0, n; key < n_all; key += n) {
        const struct attn_tile tile = attn_tile_at({s.prefix_start, s.prefix_len, s.start, s.len}, key, ATTN_KEYS);
        const size_t kv_at = (size_t)tile.row * kv_ld + from;
        n = tile.n;
        if (!attn_some_see(position, position + n_rows - 1, key, n, w.shape.window))
            continue;
        __syncthreads(); // the tiles before have been read
        attn_load<PER_LANE>(k_tile, w.k + kv_at, kv_ld, n, ATTN_KEYS, d);
        attn_load<PER_LANE>(v_tile, w.v + kv_at, kv_ld, n, ATTN_KEYS, d);
        __syncthreads();
        for (int r = warp; r < ROWS; r += DQ_WARPS) {
            const bool seen = r < n_rows && lane < n && attn_sees(position + r, key + lane, w.shape.window);
            slopes[r][lane] = !seen ? 0 : tile_slope(w, q_tile + r * STRIDE, dout_tile + r * STRIDE, k_tile + lane * STRIDE,
                                                     v_tile + lane * STRIDE,
                                                     (size_t)(s.start + first + r) * w.shape.n_heads + head).y;
        }
        __syncwarp(); // other lanes' slopes are read
        for (int i = 0; i < n; i++)
            for (int r = 0; r < DQ_WARP_ROWS; r++)
                for (int x = 0; x < PER_LANE; x++)
                    sums[r][x] = fmaf(slopes[r * DQ_WARPS + warp][i], k_tile[i * STRIDE + lane + x * WARP], sums[r][x]);
    }
    for (int r = 0; r < DQ_WARP_ROWS; r++)
        for (int x = 0; x < PER_LANE; x++)
            if (r * DQ_WARPS + warp < n_rows && lane + x * WARP < d)
                dq[at + (size_t)(r * DQ_WARPS + warp) * ld + lane + x * WARP] = sums[r][x];
}

// Keys of a block that a segment has as `len` rows from `start` on, of which the first stands at `position`.
struct part {
    int start, len, position;
};

template <int PER_LANE>
struct key_sums { // of a warp's keys, a lane's numbers
    float dk[WARP_KEYS][PER_LANE], dv[WARP_KEYS][PER_LANE];
};

// What the rows of a segment feel of the block's keys, n_keys from row first_key on, as far as they are of `part`.
template <int PER_LANE>
__device__ static inline void add_rows(struct key_sums<PER_LANE> &sums, const struct attn_backward &w,
                                       const struct attn_segment &s, struct part part, int first_key, int n_keys,
                                       int kv_head, float *tiles)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    SHARED(float2, slopes, [ROWS][ATTN_KEYS]);
    float *k_tile = tiles, *v_tile = k_tile + ATTN_KEYS * STRIDE, *q_tile = v_tile + ATTN_KEYS * STRIDE;
    float *dout_tile = q_tile + ROWS * STRIDE;
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, d = w.shape.head_dim;
    const int group = w.shape.n_heads / w.shape.n_kv_heads, base = part.position + first_key - part.start; // of key 0
    const int low = part.start > first_key ? part.start - first_key : 0; // keys low .. high - 1 are of the part
    const int high = part.start + part.len - first_key < n_keys ? part.start + part.len - first_key : n_keys;
    const size_t ld = (size_t)w.shape.n_heads * d;
    for (int head = kv_head * group; low < high && head < (kv_head + 1) * group; head++)
        for (int row = 0; row < s.len; row += ROWS) {
            const int n_rows = s.len - row < ROWS ? s.len - row : (int)ROWS, position = s.prefix_len + row;
            if (!attn_some_see(position, position + n_rows - 1, base + low, high - low, w.shape.window))
                continue;
            const size_t at = (size_t)(s.start + row) * ld + (size_t)head * d;
            __syncthreads(); // the tiles and slopes before have been read
            attn_load<PER_LANE>(q_tile, w.q + at, ld, n_rows, ROWS, d);
            attn_load<PER_LANE>(dout_tile, w.dout + at, ld, n_rows, ROWS, d);
            __syncthreads();
            float2 mine = {0, 0};
            if (warp < n_rows && lane >= low && lane < high && attn_sees(position + warp, base + lane, w.shape.window))
                mine = tile_slope(w, q_tile + warp * STRIDE, dout_tile + warp * STRIDE, k_tile + lane * STRIDE,
                                  v_tile + lane * STRIDE, (size_t)(s.start + row + warp) * w.shape.n_heads + head);
            slopes[warp][lane] = mine;
            __syncthreads(); // other warps' slopes are read
            for (int r = 0; r < n_rows; r++)
                for (int i = 0; i < WARP_KEYS; i++)
                    for (int x = 0; x < PER_LANE; x++) {
                        const float2 felt = slopes[r][warp * WARP_KEYS + i];
                        const int column = r * STRIDE + lane + x * WARP;
                        sums.dk[i][x] = fmaf(felt.y, q_tile[column], sums.dk[i][x]);
                        sums.dv[i][x] = fmaf(felt.x, dout_tile[column], sums.dv[i][x]);
                    }
        }
}

template <int PER_LANE>
__global__ static void dkv_kernel(float *dk, float *dv, struct attn_backward w, int t)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, tiles);
    const int first_key = (int)blockIdx.x * ATTN_KEYS, kv_head = (int)blockIdx.y, d = w.shape.head_dim;
    const int n_keys = t - first_key < ATTN_KEYS ? t - first_key : (int)ATTN_KEYS;
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    const size_t kv_ld = (size_t)w.shape.n_kv_heads * d, at = (size_t)first_key * kv_ld + (size_t)kv_head * d;
    struct key_sums<PER_LANE> sums = {};
    attn_load<PER_LANE>(tiles, w.k + at, kv_ld, n_keys, ATTN_KEYS, d);
    attn_load<PER_LANE>(tiles + ATTN_KEYS * STRIDE, w.v + at, kv_ld, n_keys, ATTN_KEYS, d);
    for (int i = 0; i < w.n_segments; i++) {
        const struct attn_segment s = w.segments[i];
        for (int own = 0; own < 2; own++) {
            const struct part part = own ? (struct part){s.start, s.len, s.prefix_len}
                                         : (struct part){s.prefix_start, s.prefix_len, 0};
            add_rows<PER_LANE>(sums, w, s, part, first_key, n_keys, kv_head, tiles);
        }
    }
    for (int i = 0; i < WARP_KEYS; i++)
        for (int x = 0; x < PER_LANE; x++) {
            const size_t to = at + (size_t)(warp * WARP_KEYS + i) * kv_ld + lane + x * WARP;
            if (warp * WARP_KEYS + i >= n_keys || lane + x * WARP >= d)
                continue;
            dk[to] = sums.dk[i][x];
            dv[to] = sums.dv[i][x];
        }
}

void gpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                            const float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_segments, int t, const struct attn_shape *shape)
{
    int longest;
    const int d = shape->head_dim;
    const size_t n = (size_t)t * shape->n_heads;
    const struct attn_segment *on_device = attn_takes(b, shape) ? attn_upload(b, &longest, segments, n_segments) : NULL;
    float *delta = on_device ? (float *)gpu_scratch(b, SCRATCH_SUMS, n * sizeof *delta) : NULL;
    if (!delta)
        return;
    const struct attn_backward w = {dout, lse, delta, q, k, v, on_device, n_segments, *shape};
    const int n_tiles = (int)gpu_blocks((size_t)longest, ROWS);
    const bool tensor = attn_on_tensor_cores(b, shape);
    GPU_RUN(b, delta_kernel, gpu_blocks(n, DELTA_WARPS), DELTA_THREADS, 0, delta, dout, out, n, d, tensor);
    if (tensor) {
        attn_tensor_backward(b, dq, dk, dv, &w, longest, t);
        return;
    }
    ATTN_RUN(b, dq_kernel, d, dim3((unsigned)n_segments * (unsigned)n_tiles, (unsigned)shape->n_heads), DQ_THREADS,
             TILE_ROWS, dq, w, n_tiles);
    ATTN_RUN(b, dkv_kernel, d, dim3((unsigned)gpu_blocks((size_t)t, ATTN_KEYS), (unsigned)shape->n_kv_heads), KEY_THREADS,
             TILE_ROWS, dk, dv, w, t);
}
