// Backward of attention on tensor cores, cut as attention_backward.cu cuts it: dq by blocks of rows of a segment and one
// head; dk and dv by blocks of keys and one key/value head, which go through the segments that see them in their order.
// There everything is transposed, keys as rows and queries as columns, so that a warp's sums are those of 16 keys.
#include "gpu/attention_tensor.cuh"

enum {
    DQ_KEYS = 32, // in a tile
    DQ_TILE_ROWS = 2 * TENSOR_ROWS + 2 * DQ_KEYS, // of q, dout, k and v
    BLOCK_KEYS = TENSOR_ROWS, // of dk and dv
    KEY_ROWS = 32, // of queries, in a tile
    KEY_TILE_ROWS = 2 * BLOCK_KEYS + 2 * KEY_ROWS,
};

// What a query has of the forward.
struct felt {
    float lse, delta;
};

// From q . k and dout . v to a key's weight, and to the slope of its score before it was scaled.
__device__ static inline void tensor_slope(float *qk, float *dout_v, struct felt felt, bool seen,
                                           const struct attn_shape &shape)
{
    float score = shape.scale * *qk, slope = shape.scale;
    if (shape.cap > 0) {
        const float bent = tanhf(score / shape.cap);
        score = shape.cap * bent;
        slope *= 1 - bent * bent;
    }
    *qk = seen ? exp2f(LOG2_E * (score - felt.lse)) : 0;
    *dout_v = seen ? *qk * (*dout_v - felt.delta) * slope : 0;
}

// A warp's 16 rows of sums, the first of them row `first` of `to`, of which there are n.
template <int DIM>
__device__ static inline void tensor_store_sums(float *to, size_t ld, const float (&sums)[DIM / 8][4], int first, int n,
                                                int lane, int head_dim)
{
    UNROLL for (int r = 0; r < 2; r++) {
        const int row = first + mma_row(lane, 2 * r), left = row < n ? head_dim - mma_column(lane, 0) : 0;
        float *at = to + (size_t)row * ld + mma_column(lane, 0);
        UNROLL for (int j = 0; j < DIM / 8; j++)
            UNROLL for (int i = 0; i < 2; i++)
                if (j * 8 + i < left)
                    at[j * 8 + i] = sums[j][2 * r + i];
    }
}

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_dq_kernel(float *dq, struct attn_backward w, int n_tiles)
{
    constexpr int STRIDE = DIM + 8;
    DYN_SHARED(uint16_t, q_tile);
    uint16_t *dout_tile = q_tile + TENSOR_ROWS * STRIDE, *k_tile = dout_tile + TENSOR_ROWS * STRIDE;
    uint16_t *v_tile = k_tile + DQ_KEYS * STRIDE;
    const struct attn_segment s = w.segments[blockIdx.x / (unsigned)n_tiles];
    const int row = (n_tiles - 1 - (int)(blockIdx.x % (unsigned)n_tiles)) * TENSOR_ROWS, head = (int)blockIdx.y;
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS, d = w.shape.head_dim;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d;
    const size_t from = (size_t)(head / (w.shape.n_heads / w.shape.n_kv_heads)) * d;
    if (row >= s.len)
        return;
    const int n_rows = s.len - row < TENSOR_ROWS ? s.len - row : (int)TENSOR_ROWS, position = s.prefix_len + row;
    const size_t at = (size_t)(s.start + row) * ld + (size_t)head * d;
    float sums[DIM / 8][4] = {};
    struct felt felt[2] = {};
    int at_position[2];
    for (int r = 0; r < 2; r++) {
        const int mine = first + mma_row(lane, 2 * r);
        at_position[r] = mine < n_rows ? position + mine : -1;
        if (mine < n_rows)
            felt[r] = {w.lse[(size_t)(s.start + row + mine) * w.shape.n_heads + head],
                       w.delta[(size_t)(s.start + row + mine) * w.shape.n_heads + head]};
    }
    tensor_load<DIM>(q_tile, w.q + at, ld, n_rows, TENSOR_ROWS, d);
    tensor_load<DIM>(dout_tile, w.dout + at, ld, n_rows, TENSOR_ROWS, d);
    for (int key = 0, n; key < s.prefix_len + s.len; key += n) {
        const struct attn_tile tile = attn_tile_at({s.prefix_start, s.prefix_len, s.start, s.len}, key, DQ_KEYS);
        const size_t kv_at = (size_t)tile.row * kv_ld + from;
        n = tile.n;
        if (!attn_some_see(position, position + n_rows - 1, key, n, w.shape.window))
            continue;
        __syncthreads(); // the tiles before have been read
        tensor_load<DIM>(k_tile, w.k + kv_at, kv_ld, n, DQ_KEYS, d);
        tensor_load<DIM>(v_tile, w.v + kv_at, kv_ld, n, DQ_KEYS, d);
        __syncthreads();
        if (!__any_sync(ALL_LANES, tensor_sees(at_position, key, n, w.shape.window)))
            continue; // the whole warp
        float weights[DQ_KEYS / 8][4] = {}, slopes[DQ_KEYS / 8][4] = {};
        mma_rows<DQ_KEYS, DIM>(weights, q_tile + first * STRIDE, k_tile, STRIDE, lane);
        mma_rows<DQ_KEYS, DIM>(slopes, dout_tile + first * STRIDE, v_tile, STRIDE, lane);
        UNROLL for (int j = 0; j < DQ_KEYS / 8; j++)
            UNROLL for (int i = 0; i < 4; i++) {
                const int number = j * 8 + mma_column(lane, i);
                const bool seen = number < n && attn_sees(at_position[i / 2], key + number, w.shape.window);
                tensor_slope(&weights[j][i], &slopes[j][i], felt[i / 2], seen, w.shape);
            }
        mma_weighted<DIM, DQ_KEYS>(sums, slopes, k_tile, STRIDE, lane);
    }
    tensor_store_sums<DIM>(dq + at, ld, sums, first, n_rows, lane, d);
}

template <int DIM>
struct tensor_key_sums { // of a warp's keys
    float dk[DIM / 8][4], dv[DIM / 8][4];
};

// A block's keys, n from row `first` of the batch on, of which those from `low` to `high` - 1 are of a segment; number 0
// would stand at `position` of it.
struct block_keys {
    int first, n, low, high, position;
};

// What n_rows queries from `position` on feel of the warp's keys; tiles: of keys, values, queries and dout.
template <int DIM>
__device__ static inline void tensor_add_tile(struct tensor_key_sums<DIM> &sums, const uint16_t *tiles,
                                              const struct felt *felt, const struct block_keys &keys, int position,
                                              int n_rows, const struct attn_shape &shape)
{
    constexpr int STRIDE = DIM + 8;
    const uint16_t *v_tile = tiles + BLOCK_KEYS * STRIDE, *q_tile = v_tile + BLOCK_KEYS * STRIDE;
    const uint16_t *dout_tile = q_tile + KEY_ROWS * STRIDE;
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS;
    bool some = false, mine[2];
    for (int r = 0; r < 2; r++) {
        const int key = first + mma_row(lane, 2 * r);
        mine[r] = key >= keys.low && key < keys.high;
        some |= mine[r] && attn_some_see(position, position + n_rows - 1, keys.position + key, 1, shape.window);
    }
    if (!__any_sync(ALL_LANES, some))
        return;
    float weights[KEY_ROWS / 8][4] = {}, slopes[KEY_ROWS / 8][4] = {};
    mma_rows<KEY_ROWS, DIM>(weights, tiles + first * STRIDE, q_tile, STRIDE, lane);
    mma_rows<KEY_ROWS, DIM>(slopes, v_tile + first * STRIDE, dout_tile, STRIDE, lane);
    UNROLL for (int j = 0; j < KEY_ROWS / 8; j++)
        UNROLL for (int i = 0; i < 4; i++) {
            const int row = j * 8 + mma_column(lane, i), key = first + mma_row(lane, i);
            const bool seen = row < n_rows && mine[i / 2] && attn_sees(position + row, keys.position + key, shape.window);
            tensor_slope(&weights[j][i], &slopes[j][i], felt[row], seen, shape);
        }
    mma_weighted<DIM, KEY_ROWS>(sums.dv, weights, dout_tile, STRIDE, lane);
    mma_weighted<DIM, KEY_ROWS>(sums.dk, slopes, q_tile, STRIDE, lane);
}

// What all rows of a segment feel of the keys.
template <int DIM>
__device__ static inline void tensor_add_rows(struct tensor_key_sums<DIM> &sums, const struct attn_backward &w,
                                              const struct attn_segment &s, const struct block_keys &keys, int head,
                                              uint16_t *tiles)
{
    constexpr int STRIDE = DIM + 8;
    SHARED(struct felt, felt, [KEY_ROWS]);
    uint16_t *q_tile = tiles + 2 * BLOCK_KEYS * STRIDE, *dout_tile = q_tile + KEY_ROWS * STRIDE;
    const int d = w.shape.head_dim, thread = (int)threadIdx.x;
    const size_t ld = (size_t)w.shape.n_heads * d;
    for (int row = 0; row < s.len; row += KEY_ROWS) {
        const int n_rows = s.len - row < KEY_ROWS ? s.len - row : (int)KEY_ROWS, position = s.prefix_len + row;
        const size_t at = (size_t)(s.start + row) * ld + (size_t)head * d;
        if (!attn_some_see(position, position + n_rows - 1, keys.position + keys.low, keys.high - keys.low, w.shape.window))
            continue;
        __syncthreads(); // the tiles before have been read
        tensor_load<DIM>(q_tile, w.q + at, ld, n_rows, KEY_ROWS, d);
        tensor_load<DIM>(dout_tile, w.dout + at, ld, n_rows, KEY_ROWS, d);
        if (thread < KEY_ROWS) {
            const size_t mine = (size_t)(s.start + row + thread) * w.shape.n_heads + head;
            felt[thread] = thread < n_rows ? (struct felt){w.lse[mine], w.delta[mine]} : (struct felt){0, 0};
        }
        __syncthreads();
        tensor_add_tile<DIM>(sums, tiles, felt, keys, position, n_rows, w.shape);
    }
}

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_dkv_kernel(float *dk, float *dv, struct attn_backward w, int t)
{
    DYN_SHARED(uint16_t, tiles);
    struct block_keys keys = {};
    const int kv_head = (int)blockIdx.y, d = w.shape.head_dim, group = w.shape.n_heads / w.shape.n_kv_heads;
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS;
    keys.first = (int)blockIdx.x * BLOCK_KEYS;
    keys.n = t - keys.first < BLOCK_KEYS ? t - keys.first : (int)BLOCK_KEYS;
    const size_t kv_ld = (size_t)w.shape.n_kv_heads * d, at = (size_t)keys.first * kv_ld + (size_t)kv_head * d;
    struct tensor_key_sums<DIM> sums = {};
    tensor_load<DIM>(tiles, w.k + at, kv_ld, keys.n, BLOCK_KEYS, d);
    tensor_load<DIM>(tiles + BLOCK_KEYS * (DIM + 8), w.v + at, kv_ld, keys.n, BLOCK_KEYS, d);
    for (int i = 0; i < w.n_segments; i++) {
        const struct attn_segment s = w.segments[i];
        for (int own = 0; own < 2; own++) { // as its prefix, as its own rows
            const int start = own ? s.start : s.prefix_start, end = start + (own ? s.len : s.prefix_len);
            keys.position = keys.first - start + (own ? s.prefix_len : 0);
            keys.low = start > keys.first ? start - keys.first : 0;
            keys.high = end - keys.first < keys.n ? end - keys.first : keys.n;
            for (int head = kv_head * group; keys.low < keys.high && head < (kv_head + 1) * group; head++)
                tensor_add_rows<DIM>(sums, w, s, keys, head, tiles);
        }
    }
    tensor_store_sums<DIM>(dk + at, kv_ld, sums.dk, first, keys.n, lane, d);
    tensor_store_sums<DIM>(dv + at, kv_ld, sums.dv, first, keys.n, lane, d);
}

void attn_tensor_backward(struct backend *b, float *dq, float *dk, float *dv, const struct attn_backward *w, int longest,
                          int t)
{
    const int n_tiles = (int)gpu_blocks((size_t)longest, TENSOR_ROWS), d = w->shape.head_dim;
    TENSOR_RUN(b, tensor_dq_kernel, d, dim3((unsigned)w->n_segments * (unsigned)n_tiles, (unsigned)w->shape.n_heads),
               DQ_TILE_ROWS, dq, *w, n_tiles);
    TENSOR_RUN(b, tensor_dkv_kernel, d, dim3((unsigned)gpu_blocks((size_t)t, BLOCK_KEYS), (unsigned)w->shape.n_kv_heads),
               KEY_TILE_ROWS, dk, dv, *w, t);
}
