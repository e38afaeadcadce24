// A warp's product on tensor cores: c(16, 8) += a(16, 16) b(16, 8), a and b in bf16, c in f32 (PTX: mma.m16n8k16). Who has
// which numbers is the PTX ISA's layout; for lane l, with g = l / 4 and t = l % 4, and in each register the earlier of two
// numbers in the lower half:
//
//   a[0] a(g, 2t) a(g, 2t+1)       a[1] a(g+8, 2t) ...       a[2] a(g, 2t+8) ...       a[3] a(g+8, 2t+8) ...
//   b[0] b(2t, g) b(2t+1, g)       b[1] b(2t+8, g) b(2t+9, g)
//   c[0] c(g, 2t)   c[1] c(g, 2t+1)   c[2] c(g+8, 2t)   c[3] c(g+8, 2t+1)
//
// So c of two neighbours, rounded, is the a of the next product, without a detour through memory.
//
// For the host the same tile is plain C: lanes show each other their registers. Its sums run over the 16 products in order;
// the hardware's order, and how it rounds between them, are its own.
#pragma once

#include "gpu/device.cuh"

enum { MMA_ROWS = 16, MMA_COLUMNS = 8, MMA_DEPTH = 16 };

// Where number i (0 .. 3) of a lane's c stands.
__device__ static inline int mma_row(int lane, int i)
{
    return lane / 4 + i / 2 * 8;
}
__device__ static inline int mma_column(int lane, int i)
{
    return lane % 4 * 2 + i % 2;
}

#ifdef ATTUNE_CUDA_ON_HOST
// Two numbers as bf16, to nearest, ties to even.
static inline uint32_t mma_pair(float low, float high)
{
    return (uint32_t)bf16_of_float(high) << 16 | bf16_of_float(low);
}

static inline float mma_half(uint32_t pair, int i)
{
    return float_of_bf16((uint16_t)(pair >> i * 16));
}

static inline void mma(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    struct mine {
        const uint32_t *a, *b;
    };
    const struct mine mine = {a, b};
    const uint64_t *all = cuda_host_gather((uint64_t)(uintptr_t)&mine);
    const int lane = cuda_host_lane();
    for (int i = 0; i < 4; i++)
        for (int pair = 0; pair < MMA_DEPTH / 2; pair++) { // of terms, which a register holds
            const struct mine *row = (const struct mine *)(uintptr_t)all[mma_row(lane, i) % 8 * 4 + pair % 4];
            const struct mine *column = (const struct mine *)(uintptr_t)all[mma_column(lane, i) * 4 + pair % 4];
            const uint32_t x = row->a[pair / 4 * 2 + i / 2], y = column->b[pair / 4];
            for (int k = 0; k < 2; k++)
                c[i] += mma_half(x, k) * mma_half(y, k); // a product of two bf16 has room in f32: one rounding
        }
    __syncwarp(); // everybody has read what is on the others' stacks
}

// Four 8x8 matrices from shared memory; lane l says where row l % 8 of matrix l / 8 is (16 bytes, aligned to as many). It
// gets of matrix m, in out[m], row l / 4 and the columns 2 (l % 4) and the next, or transposed: rows and columns swapped.
static inline void mma_load(uint32_t out[4], const uint16_t *row, bool transposed)
{
    const uint64_t *all = cuda_host_gather((uint64_t)(uintptr_t)row);
    const int g = cuda_host_lane() / 4, t = cuda_host_lane() % 4;
    for (int m = 0; m < 4; m++) {
        uint32_t half[2];
        for (int i = 0; i < 2; i++) {
            const int from = transposed ? 2 * t + i : g, column = transposed ? g : 2 * t + i;
            half[i] = ((const uint16_t *)(uintptr_t)all[m * 8 + from])[column];
        }
        out[m] = half[1] << 16 | half[0];
    }
}
#else
__device__ static inline uint32_t mma_pair(float low, float high)
{
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

__device__ static inline void mma(float c[4], const uint32_t a[4], const uint32_t b[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ static inline void mma_load(uint32_t out[4], const uint16_t *row, bool transposed)
{
    const uint32_t at = (uint32_t)__cvta_generic_to_shared(row);
    if (transposed)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3]) : "r"(at) : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3]) : "r"(at) : "memory");
}
#endif

// Tiles in shared memory: rows of bf16, `stride` apart. A stride of a multiple of 16 numbers and 8 more puts the eight rows
// that are read at a time into all 32 banks.

// a from the 16 rows and 16 columns that begin at `tile`.
__device__ static inline void mma_load_a(uint32_t a[4], const uint16_t *tile, int stride, int lane)
{
    mma_load(a, tile + lane % 16 * stride + lane / 16 * 8, false);
}

// Two neighbours' b, four registers, from a tile that has b's columns as its rows: 16 rows, 16 deep.
__device__ static inline void mma_load_b(uint32_t b[4], const uint16_t *tile, int stride, int lane)
{
    mma_load(b, tile + (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8, false);
}

// The same from a tile that has b as it is: 16 rows deep, 16 columns.
__device__ static inline void mma_load_b_as_it_is(uint32_t b[4], const uint16_t *tile, int stride, int lane)
{
    mma_load(b, tile + lane % 16 * stride + lane / 16 * 8, true);
}

// c(16, N) += a b^T: a has 16 rows, b N, of DEPTH numbers; both are tiles of this stride.
template <int N, int DEPTH>
__device__ static inline void mma_rows(float (&c)[N / 8][4], const uint16_t *a, const uint16_t *b, int stride, int lane)
{
    UNROLL for (int k = 0; k < DEPTH; k += MMA_DEPTH) {
        uint32_t rows[4], columns[4];
        mma_load_a(rows, a + k, stride, lane);
        UNROLL for (int n = 0; n < N; n += 2 * MMA_COLUMNS) {
            mma_load_b(columns, b + n * stride + k, stride, lane);
            mma(c[n / 8], rows, columns);
            mma(c[n / 8 + 1], rows, columns + 2);
        }
    }
}

// c(16, N) += a b: a(16, DEPTH) in the registers of an earlier c, which is rounded; b a tile of DEPTH rows of N numbers.
template <int N, int DEPTH>
__device__ static inline void mma_weighted(float (&c)[N / 8][4], const float (&a)[DEPTH / 8][4], const uint16_t *b,
                                           int stride, int lane)
{
    UNROLL for (int k = 0; k < DEPTH; k += MMA_DEPTH) {
        const float *left = a[k / 8], *right = a[k / 8 + 1];
        const uint32_t rows[4] = {mma_pair(left[0], left[1]), mma_pair(left[2], left[3]), mma_pair(right[0], right[1]),
                                  mma_pair(right[2], right[3])};
        uint32_t columns[4];
        UNROLL for (int n = 0; n < N; n += 2 * MMA_COLUMNS) {
            mma_load_b_as_it_is(columns, b + k * stride + n, stride, lane);
            mma(c[n / 8], rows, columns);
            mma(c[n / 8 + 1], rows, columns + 2);
        }
    }
}
