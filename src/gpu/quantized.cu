// Quantized weights made numbers that products take (model/quantized.h): a number is value * scale, rounded once, as on the
// host. For many rows they are written to scratch and multiplied from there, some outputs of the product at a time: so many
// that the numbers of no piece are more than PIECE_BYTES, whatever the matrix has, and are still in the cache when they are
// read. A block of threads has TILE numbers that follow each other in a row, a thread EACH of them, all of one block of the
// format and so of one scale.
//
// For few rows, as decoding has them, they go to tensor cores at once and memory sees them as they lie: a block has OUTS
// outputs, each of its warps every N_WARPS-th stretch of QUANT_BLOCK inputs, and the warps' sums are added in their order.
#include "gpu/product.cuh"
#include "gpu/tensor_core.cuh"

extern "C" {
#include "model/quantized.h"
}

enum {
    THREADS = 256, EACH = 8, TILE = THREADS * EACH, MOST_GRID_Y = 65535,
    PIECE_BYTES = 32 << 20, // a 4096 x 4096 matrix in bf16; the second cache of an A100 has 40 MB, that of an H100 50
    PIECE_STEP = 128,       // a piece's outputs are a multiple of them, as tiles of products are
    LANE_EACH = QUANT_BLOCK / 4, // of an output's stretch: four lanes share it
    OUT_TILES = 4, OUTS = OUT_TILES * (int)MMA_COLUMNS,
    N_WARPS = 16, FEW_THREADS = N_WARPS * (int)WARP, STEP = N_WARPS * (int)QUANT_BLOCK,
    N_SUMS = (int)MMA_ROWS * OUTS, // of a block
    MOST_FEW = 2 * MMA_ROWS, // rows for which reading weights once for each MMA_ROWS of them is less than writing numbers
};
static_assert((int)FEW_THREADS == (int)N_SUMS, "a thread for each sum");

__device__ static const float values_of_nf4[16] = {NF4_VALUES};
__device__ static const float values_of_scales[256] = {QUANT_MAP_VALUES};

__device__ static void put(float *to, const float *x, bool aligned, int n)
{
    if (aligned && n == EACH) {
        ((float4 *)to)[0] = float4{x[0], x[1], x[2], x[3]};
        ((float4 *)to)[1] = float4{x[4], x[5], x[6], x[7]};
        return;
    }
    for (int i = 0; i < n; i++)
        to[i] = x[i];
}

__device__ static void put(uint16_t *to, const float *x, bool aligned, int n)
{
    if (aligned && n == EACH) {
        uint32_t pairs[EACH / 2];
        for (int i = 0; i < EACH / 2; i++)
            pairs[i] = (uint32_t)bf16_of_float(x[2 * i + 1]) << 16 | bf16_of_float(x[2 * i]);
        *(uint4 *)(void *)to = uint4{pairs[0], pairs[1], pairs[2], pairs[3]};
        return;
    }
    for (int i = 0; i < n; i++)
        to[i] = bf16_of_float(x[i]);
}

// N numbers of a group from its number `at` on, a multiple of N: of one block. values: those of nf4, any of which is in a
// bank of its own.
template <int N>
__device__ static inline void numbers_of(float (&x)[N], const struct nf4_group *g, int at, const float *values)
{
    const float scale = values_of_scales[g->scales[at / QUANT_BLOCK]] * g->most + g->mean;
    const uint32_t *eights = (const uint32_t *)__builtin_assume_aligned(&g->pairs[at / 2], N / 2);
    UNROLL for (int k = 0; k < N / 8; k++) // the rest of a short group is there as well
        UNROLL for (int i = 0; i < 8; i++)
            x[k * 8 + i] = values[eights[k] >> (i / 2 * 8 + (i % 2 ? 0 : 4)) & 15] * scale;
}

template <int N>
__device__ static inline void numbers_of(float (&x)[N], const struct int8_group *g, int at, const float *values)
{
    const float scale = g->scales[at / QUANT_BLOCK];
    const uint32_t *fours = (const uint32_t *)__builtin_assume_aligned(&g->numbers[at], N);
    UNROLL for (int k = 0; k < N / 4; k++)
        UNROLL for (int i = 0; i < 4; i++)
            x[k * 4 + i] = (float)(int8_t)(fours[k] >> (i * 8)) * scale;
}

__device__ static inline void put_values(float *values)
{
    if (threadIdx.x < 16)
        values[threadIdx.x] = values_of_nf4[threadIdx.x];
    __syncthreads();
}

// Numbers first + row ld + column of the weights, row by row. first is a multiple of EACH, and so are n_columns and ld where
// there are several rows.
struct part {
    size_t first, n_rows, n_columns, ld;
};

template <class group, class number>
__global__ static void dequantize_kernel(number *to, const group *from, struct part p, bool aligned)
{
    SHARED(float, values, [16]);
    const size_t column = ((size_t)blockIdx.x * THREADS + threadIdx.x) * EACH;
    put_values(values);
    for (size_t row = blockIdx.y; row < p.n_rows && column < p.n_columns; row += gridDim.y) {
        const size_t at = p.first + row * p.ld + column, left = p.n_columns - column;
        float x[EACH];
        numbers_of(x, from + at / QUANT_GROUP, (int)(at % QUANT_GROUP), values);
        put(to + row * p.n_columns + column, x, aligned, left < EACH ? (int)left : (int)EACH);
    }
}

template <class number>
static void run(struct backend *b, number *to, struct stored from, const struct part &p)
{
    const bool aligned = (uintptr_t)to % 16 == 0;
    const size_t n_rows = p.n_rows < MOST_GRID_Y ? p.n_rows : (size_t)MOST_GRID_Y;
    const dim3 grid((unsigned)gpu_blocks(p.n_columns, TILE), (unsigned)n_rows);
    if (from.type == DTYPE_NF4)
        GPU_RUN(b, (dequantize_kernel<struct nf4_group, number>), grid, THREADS, 0, to, (const struct nf4_group *)from.at,
                p, aligned);
    else
        GPU_RUN(b, (dequantize_kernel<struct int8_group, number>), grid, THREADS, 0, to,
                (const struct int8_group *)from.at, p, aligned);
}

static void dequantize_part(struct backend *b, void *to, enum dtype type, struct stored from, const struct part &p)
{
    if (type == DTYPE_F32)
        run(b, (float *)to, from, p);
    else if (type == DTYPE_BF16)
        run(b, (uint16_t *)to, from, p);
    else
        gpu_fail(b, ERR_UNSUPPORTED, "nothing is converted into f16");
}

void gpu_dequantize(struct backend *b, void *to, enum dtype type, struct stored from, size_t n)
{
    dequantize_part(b, to, type, from, part{0, 1, n, n});
}

// ---- many rows ----

// Outputs of a piece, each of k numbers: nearly as many in every one of the fewest pieces.
static size_t piece_of(size_t n, size_t k, enum dtype type)
{
    const size_t fit = PIECE_BYTES / (k * dtype_bytes(type)) / PIECE_STEP * PIECE_STEP;
    const size_t most = fit ? fit : (size_t)PIECE_STEP;
    const size_t piece = gpu_blocks(gpu_blocks(n, gpu_blocks(n, most)), PIECE_STEP) * PIECE_STEP;
    return piece < n ? piece : n;
}

// linear()'s outputs are rows of w(o, i), linear_dx()'s are columns. Where rows do not begin at whole EACHes all columns are
// one piece: only small models have such.
void gpu_multiply_quantized(struct backend *b, const struct product *whole, struct stored w, int i)
{
    const bool rows = whole->b.transposed;
    const size_t n = (size_t)whole->n, k = (size_t)whole->k;
    if (whole->n <= 0 || whole->k <= 0) {
        gpu_multiply(b, whole);
        return;
    }
    const size_t piece = !rows && i % EACH ? n : piece_of(n, k, whole->type);
    void *numbers = gpu_scratch(b, SCRATCH_W, piece * k * dtype_bytes(whole->type));
    struct product p = *whole;
    p.b.at = numbers;
    for (size_t first = 0; numbers && first < n; first += piece) {
        const size_t left = n - first, now = left < piece ? left : piece;
        const bool in_line = rows || now == n; // each row goes on where the one before ends
        const struct part part = in_line ? (struct part){first * k, 1, now * k, 0} : (struct part){first, k, now, (size_t)i};
        dequantize_part(b, numbers, p.type, w, part);
        p.n = (int)now;
        p.b.ld = rows ? i : (int)now;
        p.c = whole->c + first;
        p.bias = whole->bias ? whole->bias + first : NULL;
        gpu_multiply(b, &p);
    }
}

// ---- few rows ----

// y(t, o) = alpha x(t, i) w(o, i)^T + beta y + bias, t at most MMA_ROWS.
struct few_rows {
    float *y;
    const uint16_t *x;
    const void *w;
    const float *bias;
    int t, i, o;
    float alpha, beta;
};

// LANE_EACH numbers; zeros from NULL.
__device__ static inline void load_pairs(uint32_t (&pairs)[LANE_EACH / 2], const uint16_t *from)
{
    UNROLL for (int k = 0; k < LANE_EACH / 8; k++) {
        const uint4 x = from ? ((const uint4 *)(const void *)from)[k] : uint4{0, 0, 0, 0};
        pairs[4 * k] = x.x, pairs[4 * k + 1] = x.y, pairs[4 * k + 2] = x.z, pairs[4 * k + 3] = x.w;
    }
}

// Lane l has of the rows l / 4 and l / 4 + 8 of x, and of output l / 4 of each tile, the LANE_EACH numbers from place
// l % 4 * LANE_EACH on: which 16 a product takes, and in which order, is free as long as both factors have the same.
template <class group>
__global__ static void few_rows_kernel(struct few_rows p)
{
    SHARED(float, values, [16]);
    SHARED(float, sums, [N_WARPS][N_SUMS]);
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP, row = lane / 4, first = lane % 4 * LANE_EACH;
    const int first_out = (int)blockIdx.x * OUTS;
    float c[OUT_TILES][4] = {};
    put_values(values);
    for (int k = warp * QUANT_BLOCK; k < p.i; k += STEP) {
        uint32_t x[2][LANE_EACH / 2];
        for (int r = 0; r < 2; r++)
            load_pairs(x[r], row + 8 * r < p.t ? p.x + (size_t)(row + 8 * r) * p.i + k + first : NULL);
        UNROLL for (int tile = 0; tile < OUT_TILES; tile++) {
            const int out = first_out + tile * MMA_COLUMNS + row;
            const size_t at = (size_t)out * p.i + k + first;
            float w[LANE_EACH] = {};
            if (out < p.o)
                numbers_of(w, (const group *)p.w + at / QUANT_GROUP, (int)(at % QUANT_GROUP), values);
            UNROLL for (int m = 0; m < LANE_EACH / 4; m++) {
                const uint32_t a[4] = {x[0][2 * m], x[1][2 * m], x[0][2 * m + 1], x[1][2 * m + 1]};
                const uint32_t b[2] = {mma_pair(w[4 * m], w[4 * m + 1]), mma_pair(w[4 * m + 2], w[4 * m + 3])};
                mma(c[tile], a, b);
            }
        }
    }
    UNROLL for (int tile = 0; tile < OUT_TILES; tile++)
        UNROLL for (int i = 0; i < 4; i++)
            sums[warp][mma_row(lane, i) * OUTS + tile * MMA_COLUMNS + mma_column(lane, i)] = c[tile][i];
    __syncthreads(); // other warps' sums are read
    const int mine = (int)threadIdx.x / OUTS, out = first_out + (int)threadIdx.x % OUTS;
    if (mine >= p.t || out >= p.o)
        return;
    float sum = 0, *y = p.y + (size_t)mine * p.o + out;
    for (int i = 0; i < N_WARPS; i++)
        sum += sums[i][threadIdx.x];
    *y = p.alpha * sum + (p.beta == 0 ? 0 : p.beta * *y) + (p.bias ? p.bias[out] : 0);
}

bool gpu_takes_few_rows(const struct backend *b, struct stored w, int t, int i)
{
    return dtype_is_quantized(w.type) && gpu_product_type(b) == DTYPE_BF16 && t <= MOST_FEW && i % QUANT_BLOCK == 0;
}

void gpu_multiply_few_rows(struct backend *b, float *y, const uint16_t *x, struct stored w, const float *bias, int t, int i,
                           int o, float alpha, float beta)
{
    for (int row = 0; row < t && x; row += MMA_ROWS) {
        const int n = t - row < MMA_ROWS ? t - row : (int)MMA_ROWS;
        const struct few_rows p = {y + (size_t)row * o, x + (size_t)row * i, w.at, bias, n, i, o, alpha, beta};
        if (w.type == DTYPE_NF4)
            GPU_RUN(b, few_rows_kernel<struct nf4_group>, gpu_blocks((size_t)o, OUTS), FEW_THREADS, 0, p);
        else
            GPU_RUN(b, few_rows_kernel<struct int8_group>, gpu_blocks((size_t)o, OUTS), FEW_THREADS, 0, p);
    }
}
