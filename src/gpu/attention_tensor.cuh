// Attention on tensor cores: what its forward, its backward and decoding share. Tiles stand in shared memory in bf16, those
// of f32 rounded as they are loaded; scores, the running softmax and all sums are f32, and of a tile's products weights and
// slopes alone are rounded on their way to the next product. A warp has 16 rows; lane l has rows l / 4 and l / 4 + 8
// of them and a quarter of their columns (tensor_core.cuh).
#pragma once

#include "gpu/attention.cuh"
#include "gpu/tensor_core.cuh"

enum {
    TENSOR_WARPS = 4,
    TENSOR_ROWS = TENSOR_WARPS * MMA_ROWS,
    TENSOR_THREADS = TENSOR_WARPS * (int)WARP,
    TENSOR_KEYS = 64, // in a tile of tensor_attend()
};
#define TENSOR_KERNEL __launch_bounds__(TENSOR_THREADS, 2) // all 255 registers may be used
#define LN_2 0.693147180559945309417f

// Kernels are compiled for these numbers a head; what is missing is zeros.
static inline int tensor_dim(int head_dim)
{
    const int dim = (head_dim + MMA_DEPTH - 1) / MMA_DEPTH * MMA_DEPTH;
    return dim < 32 ? 32 : dim > 96 ? 128 : dim;
}

// See mma_load_b() for the 8.
static inline size_t tensor_tile_bytes(int rows, int head_dim)
{
    return (size_t)rows * ((size_t)tensor_dim(head_dim) + 8) * sizeof(uint16_t);
}

// As ATTN_RUN, for kernels<numbers a head>.
#define TENSOR_RUN(b, kernel, head_dim, grid, tile_rows, ...)                                                          \
    do {                                                                                                               \
        const size_t bytes_ = tensor_tile_bytes(tile_rows, head_dim);                                                  \
        switch (tensor_dim(head_dim)) {                                                                                \
        case 32: ATTN_RUN_AS(b, kernel<32>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__); break;                         \
        case 48: ATTN_RUN_AS(b, kernel<48>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__); break;                         \
        case 64: ATTN_RUN_AS(b, kernel<64>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__); break;                         \
        case 80: ATTN_RUN_AS(b, kernel<80>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__); break;                         \
        case 96: ATTN_RUN_AS(b, kernel<96>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__); break;                         \
        default: ATTN_RUN_AS(b, kernel<128>, grid, TENSOR_THREADS, bytes_, __VA_ARGS__);                               \
        }                                                                                                              \
    } while (0)

// Four numbers of a row from `column` on, rounded; zeros behind the end. from: the row, or NULL for zeros.
__device__ static inline void tensor_put(uint16_t *to, const float *from, int column, int head_dim)
{
    float4 x = {0, 0, 0, 0};
    if (from && (head_dim | (int)((uintptr_t)from / 4)) % 4 == 0) {
        if (column < head_dim)
            x = *(const float4 *)(from + column);
    } else if (from) {
        x.x = column < head_dim ? from[column] : 0;
        x.y = column + 1 < head_dim ? from[column + 1] : 0;
        x.z = column + 2 < head_dim ? from[column + 2] : 0;
        x.w = column + 3 < head_dim ? from[column + 3] : 0;
    }
    *(uint2 *)to = {mma_pair(x.x, x.y), mma_pair(x.z, x.w)};
}

// Eight of those that are rounded already.
__device__ static inline void tensor_put(uint16_t *to, const uint16_t *from, int column, int head_dim)
{
    if (!from || (head_dim | (int)((uintptr_t)from / 2)) % 8 == 0) {
        *(uint4 *)to = from && column < head_dim ? *(const uint4 *)(from + column) : (uint4){0, 0, 0, 0};
        return;
    }
    ROLLED for (int i = 0; i < 8; i++)
        to[i] = column + i < head_dim ? from[column + i] : (uint16_t)0;
}

// What tensor_put() takes at once: 16 bytes.
template <class number>
constexpr int tensor_each = 16 / (int)sizeof(number);

// n rows of head_dim numbers, `ld` apart, into a tile of n_all; the whole block calls it. A thread has EACH columns and
// every STEP-th row, so that it keeps one address and not one for each row.
template <int DIM, class number>
__device__ static inline void tensor_load(uint16_t *tile, const number *from, size_t ld, int n, int n_all, int head_dim)
{
    constexpr int EACH = tensor_each<number>, STEP = TENSOR_THREADS / (DIM / EACH);
    const int first = (int)threadIdx.x / (DIM / EACH), column = (int)threadIdx.x % (DIM / EACH) * EACH;
    from += (size_t)first * ld;
    for (int row = first; first < STEP && row < n_all; row += STEP, from += STEP * ld)
        tensor_put(tile + row * (DIM + 8) + column, row < n ? from : NULL, column, head_dim);
}

template <int DIM, class number>
__device__ static inline void tensor_load_queries(uint16_t *tile, const struct attn_queries &rows, int head_dim)
{
    constexpr int EACH = tensor_each<number>;
    for (int i = (int)threadIdx.x; i < TENSOR_ROWS * (DIM / EACH); i += TENSOR_THREADS) {
        const int row = i / (DIM / EACH), column = i % (DIM / EACH) * EACH;
        const number *from = row < rows.n ? (const number *)rows.q + attn_row(rows, row) * head_dim : NULL;
        tensor_put(tile + row * (DIM + 8) + column, from, column, head_dim);
    }
}

// What a lane has of two rows; `sum` is of its own columns alone until the end.
template <int DIM>
struct tensor_running {
    float out[DIM / 8][4], top[2], sum[2];
    int position[2];
};

// Over the four lanes that share a row.
__device__ static inline float quad_max(float x)
{
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}
__device__ static inline float quad_sum(float x)
{
    x += __shfl_xor_sync(ALL_LANES, x, 1);
    return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

// Whether one of the lane's two rows sees some of the n keys from key_position on.
__device__ static inline bool tensor_sees(const int (&position)[2], int key_position, int n, int window)
{
    return attn_some_see(position[0], position[0], key_position, n, window) ||
           attn_some_see(position[1], position[1], key_position, n, window);
}

// Takes scores of the n keys from key_position on into the softmax; they become weights.
template <int DIM>
__device__ static inline void tensor_fold(struct tensor_running<DIM> &run, float (&scores)[TENSOR_KEYS / 8][4],
                                          int key_position, int n, int lane, const struct attn_shape &shape)
{
    float top[2] = {run.top[0], run.top[1]}, base[2];
    UNROLL for (int j = 0; j < TENSOR_KEYS / 8; j++)
        UNROLL for (int i = 0; i < 4; i++) {
            const int key = j * 8 + mma_column(lane, i);
            float score = shape.scale * scores[j][i];
            if (shape.cap > 0)
                score = shape.cap * tanhf(score / shape.cap);
            const bool seen = key < n && attn_sees(run.position[i / 2], key_position + key, shape.window);
            scores[j][i] = seen ? LOG2_E * score : -INFINITY;
            top[i / 2] = fmaxf(top[i / 2], scores[j][i]);
        }
    UNROLL for (int r = 0; r < 2; r++) {
        top[r] = quad_max(top[r]);
        base[r] = top[r] == -INFINITY ? 0 : top[r]; // a row that has seen nothing yet
        const float shrink = exp2f(run.top[r] - base[r]);
        run.top[r] = top[r];
        run.sum[r] *= shrink;
        UNROLL for (int j = 0; j < DIM / 8; j++) {
            run.out[j][2 * r] *= shrink;
            run.out[j][2 * r + 1] *= shrink;
        }
    }
    UNROLL for (int j = 0; j < TENSOR_KEYS / 8; j++)
        UNROLL for (int i = 0; i < 4; i++) {
            scores[j][i] = exp2f(scores[j][i] - base[i / 2]);
            run.sum[i / 2] += scores[j][i];
        }
}

template <int DIM>
__device__ static inline void tensor_store(const struct tensor_running<DIM> &run, const struct attn_queries &rows, int first,
                                           int lane, int head_dim)
{
    UNROLL for (int r = 0; r < 2; r++) {
        const float sum = quad_sum(run.sum[r]);
        const struct attn_result to = attn_result_of(rows, first + mma_row(lane, 2 * r), sum, head_dim);
        UNROLL for (int j = 0; j < DIM / 8; j++)
            UNROLL for (int i = 0; i < 2; i++)
                attn_put(to, j * 8 + mma_column(lane, i), run.out[j][2 * r + i]);
        if (lane % 4 == 0)
            attn_put_lse(to, LN_2 * run.top[r], sum);
    }
}

// attend() in bf16: TENSOR_ROWS queries, TENSOR_KEYS keys and as many values in the block's shared memory. Queries are
// of the same type as keys and values.
template <int DIM, class number>
__device__ static inline void tensor_attend(const struct attn_queries &rows, const number *k, const number *v, size_t kv_ld,
                                            const struct attn_shape &shape)
{
    constexpr int STRIDE = DIM + 8;
    DYN_SHARED(uint16_t, q_tile);
    uint16_t *k_tile = q_tile + TENSOR_ROWS * STRIDE, *v_tile = k_tile + TENSOR_KEYS * STRIDE;
    const int lane = (int)threadIdx.x % WARP, first = (int)threadIdx.x / WARP * MMA_ROWS, d = shape.head_dim;
    struct tensor_running<DIM> run = {};
    for (int r = 0; r < 2; r++) {
        run.top[r] = -INFINITY;
        run.position[r] = attn_position(rows, first + mma_row(lane, 2 * r));
    }
    tensor_load_queries<DIM, number>(q_tile, rows, d);
    const auto take = [&](size_t row, int n) {
        tensor_load<DIM>(k_tile, k + row * kv_ld, kv_ld, n, TENSOR_KEYS, d);
        tensor_load<DIM>(v_tile, v + row * kv_ld, kv_ld, n, TENSOR_KEYS, d);
    };
    const auto use = [&](int key_position, int n) {
        if (!__any_sync(ALL_LANES, tensor_sees(run.position, key_position, n, shape.window)))
            return; // the whole warp
        float scores[TENSOR_KEYS / 8][4] = {};
        mma_rows<TENSOR_KEYS, DIM>(scores, q_tile + first * STRIDE, k_tile, STRIDE, lane);
        tensor_fold<DIM>(run, scores, key_position, n, lane, shape);
        mma_weighted<DIM, TENSOR_KEYS>(run.out, scores, v_tile, STRIDE, lane);
    };
    attn_each_tile(rows.keys, rows.key_position, rows.first, rows.last, TENSOR_KEYS, shape.window, take, use);
    tensor_store<DIM>(run, rows, first, lane, d);
}
