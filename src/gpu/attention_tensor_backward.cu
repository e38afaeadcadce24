// Backward of attention on tensor cores, cut as attention_backward.cu cuts it: dq by blocks of rows of a segment and one
// head; dk and dv by blocks of keys and one key/value head, which go through the segments that see them in their order.
// There everything is transposed, keys as rows and queries as columns, so that a warp's sums are those of 16 keys.
#include "gpu/attention_backward.cuh"
#include "gpu/attention_tensor.cuh"

enum {
    DQ_KEYS = 32, // in a tile
    DQ_TILE_ROWS = 2 * TENSOR_ROWS + 2 * DQ_KEYS, // of q, dout, k and v
    BLOCK_KEYS = TENSOR_ROWS, // of dk and dv
    KEY_ROWS = 32, // of queries, in a tile
    KEY_TILE_ROWS = 2 * BLOCK_KEYS + 2 * KEY_ROWS,
};

// Of a product's numbers qk and dout_v, which become the weight and the slope.
__device__ static inline void tensor_slope(float *qk, float *dout_v, struct attn_felt felt, bool seen,
                                           const struct attn_shape &shape)
{
    const float2 s = attn_slope<true>(*qk, *dout_v, felt, shape);
    *qk = seen ? s.x : 0;
    *dout_v = seen ? s.y : 0;
}

// A warp's 16 rows of sums, the first of them row `first` of `to`, of which there are n.
template <int DIM>
__device__ static inline void tensor_store_sums(struct twin to, size_t ld, const float (&sums)[DIM / 8][4], int first, int n,
                                                int lane, int head_dim)
{
    UNROLL for (int j = 0; j < DIM / 8; j++)
        UNROLL for (int i = 0; i < 4; i++)
            attn_put_sum(to, ld, first + mma_row(lane, i), n, j * 8 + mma_column(lane, i), head_dim, sums[j][i]);
}

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_dq_kernel(struct twin dq, struct attn_backward w, int n_tiles)
{
    constexpr int STRIDE = DIM + 8;
    DYN_SHARED(uint16_t, q_tile);
    uint16_t *dout_tile = q_tile + TENSOR_ROWS * STRIDE, *k_tile = dout_tile + TENSOR_ROWS * STRIDE;
    uint16_t *v_tile = k_tile + DQ_KEYS * STRIDE;
    const struct attn_rows rows = attn_rows_of_block(w.segments, n_tiles, TENSOR_ROWS, w.shape);
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS, d = w.shape.head_dim;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d, from = (size_t)rows.kv_head * d;
    if (rows.n <= 0)
        return;
    const int position = rows.s.prefix_len + rows.row;
    const size_t at = (size_t)(rows.s.start + rows.row) * w.shape.n_heads + rows.head;
    float sums[DIM / 8][4] = {};
    struct attn_felt felt[2] = {};
    int at_position[2];
    for (int r = 0; r < 2; r++) {
        const int mine = first + mma_row(lane, 2 * r);
        at_position[r] = mine < rows.n ? position + mine : -1;
        if (mine < rows.n)
            felt[r] = attn_felt_at(w, at + (size_t)mine * w.shape.n_heads);
    }
    tensor_load<DIM>(q_tile, (const uint16_t *)w.q + at * d, ld, rows.n, TENSOR_ROWS, d);
    tensor_load<DIM>(dout_tile, (const uint16_t *)w.dout + at * d, ld, rows.n, TENSOR_ROWS, d);
    const auto take = [&](size_t row, int n) {
        tensor_load<DIM>(k_tile, (const uint16_t *)w.k + from + row * kv_ld, kv_ld, n, DQ_KEYS, d);
        tensor_load<DIM>(v_tile, (const uint16_t *)w.v + from + row * kv_ld, kv_ld, n, DQ_KEYS, d);
    };
    const auto use = [&](int key, int n) {
        if (!__any_sync(ALL_LANES, tensor_sees(at_position, key, n, w.shape.window)))
            return; // the whole warp
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
    };
    attn_each_tile({rows.s.prefix_start, rows.s.prefix_len, rows.s.start, rows.s.len}, 0, position, position + rows.n - 1,
                   DQ_KEYS, w.shape.window, take, use);
    tensor_store_sums<DIM>(twin_from(dq, at * d), ld, sums, first, rows.n, lane, d);
}

template <int DIM>
struct tensor_key_sums { // of a warp's keys
    float dk[DIM / 8][4], dv[DIM / 8][4];
};

// What a tile of queries feels of the warp's keys; tiles: of keys, values, queries and dout.
template <int DIM>
__device__ static inline void tensor_add_tile(struct tensor_key_sums<DIM> &sums, const uint16_t *tiles,
                                              const struct attn_felt *felt, const struct attn_keys &keys,
                                              const struct attn_feeling &f, const struct attn_shape &shape)
{
    constexpr int STRIDE = DIM + 8;
    const uint16_t *v_tile = tiles + BLOCK_KEYS * STRIDE, *q_tile = v_tile + BLOCK_KEYS * STRIDE;
    const uint16_t *dout_tile = q_tile + KEY_ROWS * STRIDE;
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS;
    bool some = false, mine[2];
    for (int r = 0; r < 2; r++) {
        const int key = first + mma_row(lane, 2 * r);
        mine[r] = key >= keys.low && key < keys.high;
        some |= mine[r] && attn_some_see(f.position, f.position + f.n - 1, keys.position + key, 1, shape.window);
    }
    if (!__any_sync(ALL_LANES, some))
        return;
    float weights[KEY_ROWS / 8][4] = {}, slopes[KEY_ROWS / 8][4] = {};
    mma_rows<KEY_ROWS, DIM>(weights, tiles + first * STRIDE, q_tile, STRIDE, lane);
    mma_rows<KEY_ROWS, DIM>(slopes, v_tile + first * STRIDE, dout_tile, STRIDE, lane);
    UNROLL for (int j = 0; j < KEY_ROWS / 8; j++)
        UNROLL for (int i = 0; i < 4; i++) {
            const int row = j * 8 + mma_column(lane, i), key = first + mma_row(lane, i);
            const bool seen = row < f.n && mine[i / 2] && attn_sees(f.position + row, keys.position + key, shape.window);
            tensor_slope(&weights[j][i], &slopes[j][i], felt[row], seen, shape);
        }
    mma_weighted<DIM, KEY_ROWS>(sums.dv, weights, dout_tile, STRIDE, lane);
    mma_weighted<DIM, KEY_ROWS>(sums.dk, slopes, q_tile, STRIDE, lane);
}

template <int DIM>
__global__ static void TENSOR_KERNEL
    tensor_dkv_kernel(struct twin dk, struct twin dv, struct attn_backward w, int t)
{
    constexpr int STRIDE = DIM + 8;
    DYN_SHARED(uint16_t, tiles);
    SHARED(struct attn_felt, felt, [KEY_ROWS]);
    uint16_t *q_tile = tiles + 2 * BLOCK_KEYS * STRIDE, *dout_tile = q_tile + KEY_ROWS * STRIDE;
    const struct attn_keys all = attn_keys_of_block(t, BLOCK_KEYS);
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS, d = w.shape.head_dim;
    const size_t ld = (size_t)w.shape.n_heads * d, kv_ld = (size_t)w.shape.n_kv_heads * d;
    const size_t at = (size_t)all.first * kv_ld + (size_t)blockIdx.y * d;
    struct tensor_key_sums<DIM> sums = {};
    tensor_load<DIM>(tiles, (const uint16_t *)w.k + at, kv_ld, all.n, BLOCK_KEYS, d);
    tensor_load<DIM>(tiles + BLOCK_KEYS * STRIDE, (const uint16_t *)w.v + at, kv_ld, all.n, BLOCK_KEYS, d);
    const auto take = [&](const struct attn_feeling &f) {
        const int thread = (int)threadIdx.x;
        tensor_load<DIM>(q_tile, (const uint16_t *)w.q + f.at * d, ld, f.n, KEY_ROWS, d);
        tensor_load<DIM>(dout_tile, (const uint16_t *)w.dout + f.at * d, ld, f.n, KEY_ROWS, d);
        if (thread < KEY_ROWS)
            felt[thread] = thread < f.n ? attn_felt_at(w, f.at + (size_t)thread * w.shape.n_heads)
                                        : (struct attn_felt){0, 0};
    };
    const auto use = [&](const struct attn_feeling &f, const struct attn_keys &keys) {
        tensor_add_tile<DIM>(sums, tiles, felt, keys, f, w.shape);
    };
    attn_each_feeling(w, all, (int)blockIdx.y, KEY_ROWS, take, use);
    tensor_store_sums<DIM>(twin_from(dk, at), kv_ld, sums.dk, first, all.n, lane, d);
    tensor_store_sums<DIM>(twin_from(dv, at), kv_ld, sums.dv, first, all.n, lane, d);
}

void attn_tensor_backward(struct backend *b, struct twin dq, struct twin dk, struct twin dv, const struct attn_backward *w,
                          int longest, int t)
{
    const int n_tiles = (int)gpu_blocks((size_t)longest, TENSOR_ROWS), d = w->shape.head_dim;
    TENSOR_RUN(b, tensor_dq_kernel, d, dim3((unsigned)w->n_segments * (unsigned)n_tiles, (unsigned)w->shape.n_heads),
               DQ_TILE_ROWS, dq, *w, n_tiles);
    TENSOR_RUN(b, tensor_dkv_kernel, d, dim3((unsigned)gpu_blocks((size_t)t, BLOCK_KEYS), (unsigned)w->shape.n_kv_heads),
               KEY_TILE_ROWS, dk, dv, *w, t);
}
