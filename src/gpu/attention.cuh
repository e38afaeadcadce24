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

#define LOG2_E 1.44269504088896340736f

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

// In bf16 the wide heads that tensor cores do not take go through the same kernels, compiled for rounded numbers.
#define ATTN_RUN_WIDE(b, kernel, head_dim, grid, threads, tile_rows, ...)                                              \
    do {                                                                                                               \
        const auto wide_##kernel = kernel<8, uint16_t>;                                                                \
        ATTN_RUN_AS(b, wide_##kernel, grid, threads, attn_tile_bytes(tile_rows, head_dim), __VA_ARGS__);               \
    } while (0)

// attention_tensor.cu, attention_tensor_backward.cu: the same in bf16, on tensor cores. Wider heads would not fit the
// registers of a warp; they take the kernels for f32.
enum { ATTN_TENSOR_MOST_DIM = 128 };
static inline bool attn_on_tensor_cores(const struct backend *b, const struct attn_shape *shape)
{
    return b->precision == PRECISION_BF16 && shape->head_dim <= ATTN_TENSOR_MOST_DIM;
}
// What attention in bf16 reads: copies that are held, or made here. v NULL: a failure.
struct attn_rounded {
    const uint16_t *q, *k, *v;
};
struct attn_rounded attn_round(struct backend *b, const float *q, const float *k, const float *v, size_t n, size_t n_kv);
struct attn_backward; // attention_backward.cuh
void attn_tensor_forward(struct backend *b, struct twin out, float *lse, const uint16_t *q, const uint16_t *k,
                         const uint16_t *v, const struct attn_segment *segments, int n_segments, int longest,
                         const struct attn_shape *shape);
void attn_tensor_backward(struct backend *b, struct twin dq, struct twin dk, struct twin dv, const struct attn_backward *w,
                          int longest, int t);

__device__ static inline bool attn_sees(int position, int key_position, int window)
{
    return key_position <= position && (window == 0 || key_position > position - window);
}

// Whether some row at first .. last sees some of the n keys from key_position on.
__device__ static inline bool attn_some_see(int first, int last, int key_position, int n, int window)
{
    return key_position <= last && (window == 0 || key_position + n - 1 > first - window);
}

__device__ static inline float attn_float(float x)
{
    return x;
}
__device__ static inline float attn_float(uint16_t x)
{
    return float_of_bf16(x);
}

// n rows of head_dim numbers, `ld` apart, into a tile of n_all; the whole block calls it.
template <int PER_LANE, class number>
__device__ static inline void attn_load(float *tile, const number *from, size_t ld, int n, int n_all, int head_dim)
{
    constexpr int COLUMNS = PER_LANE * (int)WARP;
    for (int i = (int)threadIdx.x; i < n_all * COLUMNS; i += (int)blockDim.x) {
        const int row = i / COLUMNS, column = i % COLUMNS;
        tile[row * (COLUMNS + 1) + column] = row < n && column < head_dim ? attn_float(from[(size_t)row * ld + column]) : 0;
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

// The tile of at most `most` keys that begins with number `key`.
__device__ static inline struct attn_tile attn_tile_at(const struct kv_rows &keys, int key, int most)
{
    const int own = key - keys.n_shared, left = own < 0 ? -own : keys.n_own - own;
    struct attn_tile tile;
    tile.row = own < 0 ? keys.shared + key : keys.own + own;
    tile.n = left < most ? left : most;
    return tile;
}

// Goes through those tiles of at most `most` keys of which some row at first .. last sees some, the first key of all being
// at `position`: take(row, n) has the block bring a tile into shared memory, use(position, n) reads it.
template <class takes, class uses>
__device__ static inline void attn_each_tile(const struct kv_rows &keys, int position, int first, int last, int most,
                                             int window, takes take, uses use)
{
    for (int key = 0, n; key < keys.n_shared + keys.n_own; key += n) {
        const struct attn_tile tile = attn_tile_at(keys, key, most);
        n = tile.n;
        if (!attn_some_see(first, last, position + key, n, window))
            continue;
        __syncthreads(); // the tiles before have been read
        take((size_t)tile.row, n);
        __syncthreads();
        use(position + key, n);
    }
}

// A block's rows of a segment, from `row` on, and its head; n 0: it has none. The last rows, which see the most, come first.
struct attn_rows {
    struct attn_segment s;
    int row, n, head, kv_head;
};

__device__ static inline struct attn_rows attn_rows_of_block(const struct attn_segment *segments, int n_tiles, int most,
                                                             const struct attn_shape &shape)
{
    struct attn_rows r;
    r.s = segments[blockIdx.x / (unsigned)n_tiles];
    r.row = (n_tiles - 1 - (int)(blockIdx.x % (unsigned)n_tiles)) * most;
    r.n = r.s.len - r.row < most ? r.s.len - r.row : most;
    r.head = (int)blockIdx.y;
    r.kv_head = r.head / (shape.n_heads / shape.n_kv_heads);
    return r;
}

// Queries that go through the same keys: `per` heads of each of some texts. The keys are a shared piece, then an own one, as
// rows of k and v.
struct attn_queries {
    const void *q;   // the first's, of the keys' type
    struct twin out; // the first's; where one has its numbers in q, it has its `parts` outputs and lse beside each other
    float *lse;
    int n, n_heads, per, parts;
    int position;     // of the first text, and each further one stands one further on; or, where there are streams,
    const struct kv_rows *streams; // each stands at the last of its stream's keys
    int first, last;  // the lowest and the highest position
    struct kv_rows keys;
    int key_position; // of the first key
};

// Query number r among all (text, head), counted from the first query.
__device__ static inline size_t attn_row(const struct attn_queries &rows, int r)
{
    return (size_t)(r / rows.per) * rows.n_heads + r % rows.per;
}

// -1, which sees nothing, where there is no such query.
__device__ static inline int attn_position(const struct attn_queries &rows, int r)
{
    if (r >= rows.n)
        return -1;
    const int text = r / rows.per;
    return rows.streams ? rows.streams[text].n_shared + rows.streams[text].n_own - 1 : rows.position + text;
}

template <class number>
__device__ static inline struct attn_queries attn_queries_of(const struct attn_rows &r, const struct twin &out,
                                                             float *lse, const number *q, const struct attn_shape &shape)
{
    const size_t at = (size_t)(r.s.start + r.row) * shape.n_heads + r.head;
    struct attn_queries rows = {};
    rows.q = q + at * shape.head_dim;
    rows.out = twin_from(out, at * shape.head_dim);
    rows.lse = lse + at;
    rows.n = r.n;
    rows.n_heads = shape.n_heads;
    rows.per = rows.parts = 1;
    rows.position = rows.first = r.s.prefix_len + r.row;
    rows.last = rows.position + rows.n - 1;
    rows.keys = {r.s.prefix_start, r.s.prefix_len, r.s.start, r.s.len};
    return rows;
}

// Where the result of query `row` goes, and what its weighted sum is multiplied by; n 0: there is no such query.
struct attn_result {
    struct twin out;
    size_t at; // of its first number in `out`
    float *lse, share;
    int n;
};

__device__ static inline struct attn_result attn_result_of(const struct attn_queries &rows, int row, float sum, int head_dim)
{
    const size_t to = attn_row(rows, row) * rows.parts;
    struct attn_result r;
    r.out = rows.out;
    r.at = to * head_dim;
    r.lse = rows.lse + to;
    r.share = sum == 0 ? 0 : 1 / sum; // no keys at all: zero
    r.n = row < rows.n ? head_dim : 0;
    return r;
}

__device__ static inline void attn_put(const struct attn_result &r, int column, float x)
{
    if (column < r.n)
        put(r.out, r.at + column, x * r.share);
}

// top: the largest score, sum: of exp(score - top).
__device__ static inline void attn_put_lse(const struct attn_result &r, float top, float sum)
{
    if (r.n)
        *r.lse = top + logf(sum);
}

// All queries into a tile of ATTN_ROWS; the whole block calls it.
template <int PER_LANE, class number>
__device__ static inline void attn_load_queries(float *tile, const struct attn_queries &rows, int head_dim)
{
    constexpr int COLUMNS = PER_LANE * (int)WARP;
    const number *q = (const number *)rows.q;
    for (int i = (int)threadIdx.x; i < ATTN_ROWS * COLUMNS; i += (int)blockDim.x) {
        const int row = i / COLUMNS, column = i % COLUMNS;
        tile[row * (COLUMNS + 1) + column] =
            row < rows.n && column < head_dim ? attn_float(q[attn_row(rows, row) * head_dim + column]) : 0;
    }
}

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
    UNROLL for (int i = 0; i < PER_LANE; i++)
        run.out[r][i] *= shrink;
    return weight;
}

template <int PER_LANE>
__device__ static inline void attn_store(const struct attn_running<PER_LANE> &run, const struct attn_queries &rows,
                                         int head_dim)
{
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    UNROLL for (int r = 0; r < ATTN_WARP_ROWS; r++) {
        const struct attn_result to = attn_result_of(rows, r * ATTN_WARPS + warp, run.sum[r], head_dim);
        UNROLL for (int i = 0; i < PER_LANE; i++)
            attn_put(to, lane + i * WARP, run.out[r][i]);
        if (lane == 0)
            attn_put_lse(to, run.top[r], run.sum[r]);
    }
}

// A block of ATTN_WARPS warps and 16 rows of queries, 2 x 32 of keys and values in its shared memory. Row r of the tile is
// of warp r % ATTN_WARPS. k, v: of the first row and of this head, kv_ld numbers from one to the next.
template <int PER_LANE, class number>
__device__ static inline void attend(const struct attn_queries &rows, const number *k, const number *v, size_t kv_ld,
                                     const struct attn_shape &shape)
{
    constexpr int STRIDE = PER_LANE * (int)WARP + 1;
    DYN_SHARED(float, q_tile);
    SHARED(float, weights, [ATTN_ROWS][ATTN_KEYS]);
    float *k_tile = q_tile + ATTN_ROWS * STRIDE, *v_tile = k_tile + ATTN_KEYS * STRIDE;
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, d = shape.head_dim;
    int position[ATTN_WARP_ROWS];
    struct attn_running<PER_LANE> run = {};
    UNROLL for (int r = 0; r < ATTN_WARP_ROWS; r++) {
        run.top[r] = -INFINITY;
        position[r] = attn_position(rows, r * ATTN_WARPS + warp);
    }
    attn_load_queries<PER_LANE, number>(q_tile, rows, d);
    const auto take = [&](size_t row, int n) {
        attn_load<PER_LANE>(k_tile, k + row * kv_ld, kv_ld, n, ATTN_KEYS, d);
        attn_load<PER_LANE>(v_tile, v + row * kv_ld, kv_ld, n, ATTN_KEYS, d);
    };
    const auto use = [&](int key_position, int n) {
        UNROLL for (int r = 0; r < ATTN_WARP_ROWS; r++) {
            const int row = r * ATTN_WARPS + warp;
            const bool seen = lane < n && attn_sees(position[r], key_position + lane, shape.window);
            weights[row][lane] = attn_fold<PER_LANE>(run, r, q_tile + row * STRIDE, k_tile + lane * STRIDE, seen, shape);
        }
        __syncwarp(); // other lanes' weights are read
        for (int i = 0; i < n; i++)
            UNROLL for (int r = 0; r < ATTN_WARP_ROWS; r++)
                UNROLL for (int x = 0; x < PER_LANE; x++) {
                    const float weight = weights[r * ATTN_WARPS + warp][i];
                    run.out[r][x] = fmaf(weight, v_tile[i * STRIDE + lane + x * WARP], run.out[r][x]);
                }
    };
    attn_each_tile(rows.keys, rows.key_position, rows.first, rows.last, ATTN_KEYS, shape.window, take, use);
    attn_store<PER_LANE>(run, rows, d);
}
