// What the files of attention share: which keys a row sees, tiles of rows in shared memory, and a tile of queries on its way
// through keys with the running softmax of Milakov & Gimelshein 2018, so that nothing of tokens x tokens exists.
//
// A lane has every 32nd number of a head and, where scores are made, one of the 32 keys of a tile. Kernels are compiled for
// 1, 2, 3, 4 and 8 numbers a lane; rows of a tile are filled up with zeros and one number longer than that, so that
// 32 keys stand in 32 banks.
#pragma once

#include "gpu/backend_cuda.cuh"

enum {
    ATTN_KEYS = (int)WARP,
    ATTN_ROWS = 16, // of queries, in attend()
    ATTN_WARPS = 4,
    ATTN_WARP_ROWS = ATTN_ROWS / ATTN_WARPS,
    ATTN_THREADS = ATTN_WARPS * (int)WARP,
    ATTN_TILE_ROWS = ATTN_ROWS + 2 * ATTN_KEYS, // of queries, keys and values
    ATTN_MOST_DIM = 256,
};

static inline int attn_per_lane(int head_dim)
{
    const int n = (head_dim + WARP - 1) / WARP;
    return n <= 4 ? n : 8;
}

static inline size_t attn_tile_bytes(int rows, int head_dim)
{
    return (size_t)rows * ((size_t)attn_per_lane(head_dim) * WARP + 1) * sizeof(float);
}

// false after a failure: there are no kernels for such heads.
static inline bool attn_takes(struct backend *b, const struct attn_shape *shape)
{
    if (shape->head_dim > ATTN_MOST_DIM)
        gpu_fail(b, ERR_UNSUPPORTED, "attention on the GPU takes heads of at most %d numbers, this model's have %d; "
                 "use --device cpu", (int)ATTN_MOST_DIM, shape->head_dim);
    return !b->failed;
}

// More than 48 KiB of shared memory is asked for.
#define ATTN_RUN_AS(b, kernel, grid, threads, bytes, ...)                                                              \
    do {                                                                                                               \
        if (gpu_check(b, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)(bytes)), #kernel)) \
            GPU_RUN(b, kernel, grid, threads, bytes, __VA_ARGS__);                                                     \
    } while (0)
// Queues the kernel that is compiled for such heads; tile_rows of them in shared memory.
#define ATTN_RUN(b, kernel, head_dim, grid, threads, tile_rows, ...)                                                   \
    do {                                                                                                               \
        const size_t bytes_ = attn_tile_bytes(tile_rows, head_dim);                                                    \
        switch (attn_per_lane(head_dim)) {                                                                             \
        case 1: ATTN_RUN_AS(b, kernel<1>, grid, threads, bytes_, __VA_ARGS__); break;                                  \
        case 2: ATTN_RUN_AS(b, kernel<2>, grid, threads, bytes_, __VA_ARGS__); break;                                  \
        case 3: ATTN_RUN_AS(b, kernel<3>, grid, threads, bytes_, __VA_ARGS__); break;                                  \
        case 4: ATTN_RUN_AS(b, kernel<4>, grid, threads, bytes_, __VA_ARGS__); break;                                  \
        default: ATTN_RUN_AS(b, kernel<8>, grid, threads, bytes_, __VA_ARGS__);                                        \
        }                                                                                                              \
    } while (0)

// The segments on the device; NULL after a failure or when there are none. *longest: rows of the longest.
struct attn_segment *attn_upload(struct backend *b, int *longest, const struct attn_segment *segments, int n_segments);

__device__ static inline bool attn_sees(int position, int key_position, int window)
{
    return key_position <= position && (window == 0 || key_position > position - window);
}

// Whether some row at first .. last sees some of the n keys from key_position on.
__device__ static inline bool attn_some_see(int first, int last, int key_position, int n, int window)
{
    return key_position <= last && (window == 0 || key_position + n - 1 > first - window);
}

// n rows of head_dim numbers, `ld` apart, into a tile of n_all; the whole block calls it.
template <int PER_LANE>
__device__ static inline void attn_load(float *tile, const float *from, size_t ld, int n, int n_all, int head_dim)
{
    constexpr int COLUMNS = PER_LANE * (int)WARP;
    for (int i = (int)threadIdx.x; i < n_all * COLUMNS; i += (int)blockDim.x) {
        const int row = i / COLUMNS, column = i % COLUMNS;
        tile[row * (COLUMNS + 1) + column] = row < n && column < head_dim ? from[(size_t)row * ld + column] : 0;
    }
}

__device__ static inline float attn_dot(const float *a, const float *b, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum = fmaf(a[i], b[i], sum);
    return sum;
}

// A tile of the keys of one piece: n of them, from row `row` of k and v on.
struct attn_tile {
    int row, n;
};

// The tile that begins with the key at this position.
__device__ static inline struct attn_tile attn_tile_at(const struct kv_rows &keys, int position)
{
    const int own = position - keys.n_shared, left = own < 0 ? -own : keys.n_own - own;
    struct attn_tile tile;
    tile.row = own < 0 ? keys.shared + position : keys.own + own;
    tile.n = left < ATTN_KEYS ? left : (int)ATTN_KEYS;
    return tile;
}

// Queries that go through the same keys: a shared piece, then an own one, as rows of k and v.
struct attn_queries {
    const float *q; // the first's; `ld` numbers from one to the next
    float *out, *lse; // lse: NULL, or lse_ld numbers from one to the next
    size_t ld, lse_ld;
    int n, position, step; // number r stands at position + r step
    struct kv_rows keys;
};

// What a warp knows of its rows: its lanes' numbers of the sums, the largest score so far, the sum of exp(score - top).
template <int PER_LANE>
struct attn_running {
    float out[ATTN_WARP_ROWS][PER_LANE], top[ATTN_WARP_ROWS], sum[ATTN_WARP_ROWS];
};

// Takes a tile of keys into row number r of the warp; returns the weight of the lane's key.
template <int PER_LANE>
__device__ static inline float attn_fold(struct attn_running<PER_LANE> &run, int r, const float *query, const float *key,
                                         bool seen, const struct attn_shape &shape)
{
    float score = seen ? shape.scale * attn_dot(query, key, shape.head_dim) : -INFINITY;
    if (seen && shape.cap > 0)
        score = shape.cap * tanhf(score / shape.cap);
    if (!__any_sync(ALL_LANES, seen))
        return 0;
    const float top = fmaxf(run.top[r], warp_max(score)), shrink = expf(run.top[r] - top);
    const float weight = seen ? expf(score - top) : 0;
    run.top[r] = top;
    run.sum[r] = fmaf(run.sum[r], shrink, warp_sum(weight));
    for (int i = 0; i < PER_LANE; i++)
        run.out[r][i] *= shrink;
    return weight;
}

template <int PER_LANE>
__device__ static inline void attn_store(const struct attn_running<PER_LANE> &run, const struct attn_queries &rows,
                                         int head_dim)
{
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    for (int r = 0; r < ATTN_WARP_ROWS; r++) {
        const int row = r * ATTN_WARPS + warp;
        if (row >= rows.n)
            continue;
        const float share = run.sum[r] == 0 ? 0 : 1 / run.sum[r]; // no keys at all: zero
        for (int i = 0; i < PER_LANE; i++)
            if (lane + i * WARP < head_dim)
                rows.out[(size_t)row * rows.ld + lane + i * WARP] = run.out[r][i] * share;
        if (rows.lse && lane == 0)
            rows.lse[(size_t)row * rows.lse_ld] = run.top[r] + logf(run.sum[r]);
    }
}

// A block of ATTN_WARPS warps and 16 rows of queries, 2 x 32 of keys and values in its shared memory. Row r of the tile is
// of warp r % ATTN_WARPS. k, v: of the first row and of this head, kv_ld numbers from one to the next.
template <int PER_LANE>
__device__ static inline void attend(const struct attn_queries &rows, const float *k, const float *v, size_t kv_ld,
                                     const struct attn_shape &shape)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, q_tile);
    SHARED(float, weights, [ATTN_ROWS][ATTN_KEYS]);
    float *k_tile = q_tile + ATTN_ROWS * STRIDE, *v_tile = k_tile + ATTN_KEYS * STRIDE;
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, d = shape.head_dim;
    const int last = rows.position + (rows.n - 1) * rows.step, n_all = rows.keys.n_shared + rows.keys.n_own;
    struct attn_running<PER_LANE> run = {};
    for (int r = 0; r < ATTN_WARP_ROWS; r++)
        run.top[r] = -INFINITY;
    attn_load<PER_LANE>(q_tile, rows.q, rows.ld, rows.n, ATTN_ROWS, d);
    for (int key = 0, n; key < n_all; key += n) {
        const struct attn_tile tile = attn_tile_at(rows.keys, key);
        const size_t at = (size_t)tile.row * kv_ld;
        n = tile.n;
        if (!attn_some_see(rows.position, last, key, n, shape.window))
            continue;
        __syncthreads(); // the tiles before have been read
        attn_load<PER_LANE>(k_tile, k + at, kv_ld, n, ATTN_KEYS, d);
        attn_load<PER_LANE>(v_tile, v + at, kv_ld, n, ATTN_KEYS, d);
        __syncthreads();
        for (int r = 0; r < ATTN_WARP_ROWS; r++) {
            const int row = r * ATTN_WARPS + warp;
            const int position = rows.position + row * rows.step;
            const bool seen = row < rows.n && lane < n && attn_sees(position, key + lane, shape.window);
            weights[row][lane] = attn_fold<PER_LANE>(run, r, q_tile + row * STRIDE, k_tile + lane * STRIDE, seen, shape);
        }
        __syncwarp(); // other lanes' weights are read
        for (int i = 0; i < n; i++)
            for (int r = 0; r < ATTN_WARP_ROWS; r++)
                for (int x = 0; x < PER_LANE; x++) {
                    const float weight = weights[r * ATTN_WARPS + warp][i];
                    run.out[r][x] = fmaf(weight, v_tile[i * STRIDE + lane + x * WARP], run.out[r][x]);
                }
    }
    attn_store<PER_LANE>(run, rows, d);
}
