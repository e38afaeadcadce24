// Packing of both sides of a matrix product, for files that define VW > 4: panels of B, (n_k, vectors * VW), and strips
// of A, (n_k, ROOM).
#include "cpu/gemm_tile_impl.h"

enum {
    PACK_TOGETHER = 4, // strips of a piece of A
    WIDENED_PLACES = 192, // of a quantized B at a time
};

// turned[k] holds element k of r[0 .. VW-1], which is used up.
#if VW == 16
V_INLINE void turn(vf turned[16], __m512 r[16])
{
    __m512 t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    // r[4 i + j]: element j of each quarter's four, of rows 4 i .. 4 i + 3
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m512d low0 = _mm512_castps_pd(t[4 * i]), high0 = _mm512_castps_pd(t[4 * i + 1]);
        __m512d low1 = _mm512_castps_pd(t[4 * i + 2]), high1 = _mm512_castps_pd(t[4 * i + 3]);
        r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(low0, low1));
        r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low0, low1));
        r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high0, high1));
        r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high0, high1));
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        __m512 a0 = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x88), a1 = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xdd);
        __m512 b0 = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x88);
        __m512 b1 = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xdd);
        turned[j] = _mm512_shuffle_f32x4(a0, b0, 0x88);
        turned[4 + j] = _mm512_shuffle_f32x4(a1, b1, 0x88);
        turned[8 + j] = _mm512_shuffle_f32x4(a0, b0, 0xdd);
        turned[12 + j] = _mm512_shuffle_f32x4(a1, b1, 0xdd);
    }
}
#else
V_INLINE void turn(vf turned[8], __m256 r[8])
{
    __m256 t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
        r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        turned[j] = _mm256_permute2f128_ps(r[j], r[4 + j], 0x20);
        turned[4 + j] = _mm256_permute2f128_ps(r[j], r[4 + j], 0x31);
    }
}
#endif

// turned[k] holds in[0 .. VW-1][k]: a (VW, VW) square with n_n rows and n_k columns, the rest zero.
V_INLINE void transpose(vf turned[VW], const float *in, size_t in_row, int n_n, int n_k)
{
    vf r[VW];
#pragma GCC unroll 16
    for (int i = 0; i < VW; i++) {
        const float *row = in + (size_t)i * in_row;
        r[i] = i >= n_n ? (vf){0} : n_k >= VW ? v_load(row) : v_load_n(row, (size_t)n_k);
    }
    turn(turned, r);
}

V_INLINE void transpose_halves(vf turned[VW], const uint16_t *in, size_t in_row, int n_n, int n_k, const bool is_bf16)
{
    vf r[VW];
#pragma GCC unroll 16
    for (int i = 0; i < VW; i++)
        r[i] = i < n_n ? v_load_halves(in + (size_t)i * in_row, (size_t)n_k, is_bf16) : (vf){0};
    turn(turned, r);
}

// The first n lanes; n is a constant.
V_INLINE void store_first(float *to, vf x, const int n)
{
    if (n == VW)
        v_store(to, x);
#if VW == 8
    else if (n == VW / 2)
        v_store_half(to, x);
#endif
    else
        v_store_n(to, x, (size_t)n);
}

// At most n_k rows of a turned square, `step` apart, n lanes of each.
V_INLINE void store_turned(float *to, size_t step, const vf turned[VW], int n_k, const int n)
{
    if (n_k >= VW) {
#pragma GCC unroll 16
        for (int x = 0; x < VW; x++)
            store_first(to + (size_t)x * step, turned[x], n);
    } else {
        for (int x = 0; x < n_k; x++)
            store_first(to + (size_t)x * step, turned[x], n);
    }
}

// pack_panel of a B of halves.
V_INLINE void pack_halves(float *packed, const struct gemm *g, int column, int n_columns, int vectors, int k, int n_k,
                          const bool is_bf16)
{
    const size_t row = (size_t)vectors * VW, ldb = (size_t)g->ldb;
    const uint16_t *b = g->b;
    if (g->trans_b) {
        b += (size_t)column * ldb + (size_t)k;
        for (int v = 0; v < vectors; v++)
            for (int i = 0; i < n_k; i += VW) {
                vf turned[VW];
                transpose_halves(turned, b + (size_t)(v * VW) * ldb + i, ldb, n_columns - v * VW, n_k - i, is_bf16);
                store_turned(packed + (size_t)i * row + v * VW, row, turned, n_k - i, VW);
            }
        return;
    }
    b += (size_t)k * ldb + (size_t)column;
    for (int i = 0; i < n_k; i++, b += ldb, packed += row) {
        __builtin_prefetch(b + 8 * ldb);
        for (int v = 0; v * VW < n_columns; v++)
            v_store(packed + v * VW, v_load_halves(b + v * VW, (size_t)(n_columns - v * VW), is_bf16));
    }
}

// pack_panel of a quantized B. What is turned is widened before, some places of VW rows at a time.
static void pack_quantized(float *packed, const struct gemm *g, int column, int n_columns, int vectors, int k, int n_k)
{
    const size_t row = (size_t)vectors * VW, ldb = (size_t)g->ldb;
    float wide[VW * WIDENED_PLACES];
    for (int i = 0; !g->trans_b && i < n_k; i++, packed += row) {
        k_dequantize(packed, g->b, g->b_type, g->b_first + (size_t)(k + i) * ldb + (size_t)column, (size_t)n_columns);
        memset(packed + n_columns, 0, (row - (size_t)n_columns) * sizeof *packed);
    }
    for (int v = 0; g->trans_b && v < vectors; v++)
        for (int i = 0; i < n_k; i += WIDENED_PLACES) {
            const int m = n_k - i < WIDENED_PLACES ? n_k - i : WIDENED_PLACES, left = n_columns - v * VW;
            for (int r = 0; r < VW && r < left; r++)
                k_dequantize(wide + r * WIDENED_PLACES, g->b, g->b_type,
                             g->b_first + (size_t)(column + v * VW + r) * ldb + (size_t)(k + i), (size_t)m);
            for (int j = 0; j < m; j += VW) {
                vf turned[VW];
                transpose(turned, wide + j, WIDENED_PLACES, left, m - j);
                store_turned(packed + (size_t)(i + j) * row + v * VW, row, turned, m - j, VW);
            }
        }
}

// packed (n_k, vectors * VW) = columns column.. of B, rows k..; what is past n_columns is zero.
static void pack_panel(float *packed, const struct gemm *g, int column, int n_columns, int vectors, int k, int n_k)
{
    size_t row = (size_t)vectors * VW, ldb = (size_t)g->ldb;
    if (dtype_is_quantized(g->b_type)) {
        pack_quantized(packed, g, column, n_columns, vectors, k, n_k);
        return;
    }
    if (g->b_type == DTYPE_BF16) {
        pack_halves(packed, g, column, n_columns, vectors, k, n_k, true);
        return;
    }
    if (g->b_type == DTYPE_F16) {
        pack_halves(packed, g, column, n_columns, vectors, k, n_k, false);
        return;
    }
    if (g->trans_b) {
        const float *b = (const float *)g->b + (size_t)column * ldb + (size_t)k;
        for (int v = 0; v < vectors; v++) {
            int n_n = n_columns - v * VW;
            for (int i = 0; i < n_k; i += VW) {
                vf turned[VW];
                float *to = packed + (size_t)i * row + v * VW;
                transpose(turned, b + (size_t)(v * VW) * ldb + i, ldb, n_n < VW ? n_n : VW, n_k - i);
                store_turned(to, row, turned, n_k - i, VW);
            }
        }
        return;
    }
    const float *b = (const float *)g->b + (size_t)k * ldb + (size_t)column;
    int whole = n_columns / VW, rest = n_columns % VW;
    for (int i = 0; i < n_k; i++, b += ldb, packed += row) {
        for (int v = 0; v < vectors; v++)
            __builtin_prefetch(b + 8 * ldb + v * VW); // rows are too far apart for the hardware to foresee
        for (int v = 0; v < whole; v++)
            v_store(packed + v * VW, v_load(b + v * VW));
        if (rest)
            v_store(packed + whole * VW, v_load_n(b + whole * VW, (size_t)rest));
    }
}

// packed (n, n_k, ROOM) = n strips of A from row `row`, of g->strip rows each, places k..; rows past the end are zero.
static void pack_rows(float *packed, const struct gemm *g, int row, int n, int k, int n_k)
{
    const size_t lda = (size_t)g->lda, strip = (size_t)n_k * ROOM;
    for (int s = 0; s < n; s++, row += g->strip, packed += strip) {
        const float *a = g->a + (size_t)row * lda + (size_t)k, *next = a + (size_t)g->strip * lda;
        int rows = g->m - row < g->strip ? g->m - row : g->strip;
        for (int i = 0; i < n_k; i += VW) {
            vf turned[VW];
            float *to = packed + (size_t)i * ROOM;
            for (int r = 0; s + 1 < n && r < g->strip; r++)
                __builtin_prefetch(next + (size_t)r * lda + i);
            transpose(turned, a + i, lda, rows, n_k - i);
            store_turned(to, ROOM, turned, n_k - i, ROOM);
        }
    }
}

// The same of a transposed A, whose lines lie along the rows.
static void pack_columns(float *packed, const struct gemm *g, int row, int n, int k, int n_k)
{
    const size_t lda = (size_t)g->lda, strip = (size_t)n_k * ROOM;
    const int rows = g->m - row < n * g->strip ? g->m - row : n * g->strip;
    const float *a = g->a + (size_t)k * lda + (size_t)row;
    for (int i = 0; i < n_k; i++, a += lda) {
        float *to = packed + (size_t)i * ROOM;
        for (int r = 0; r < rows; r += FETCH_LINE)
            __builtin_prefetch(a + 8 * lda + r); // as in pack_panel
        for (int r = 0; r < rows; r += g->strip, to += strip)
            store_first(to, v_load_n(a + r, (size_t)(rows - r < g->strip ? rows - r : g->strip)), ROOM);
    }
}

static void pack_strips(float *packed, const struct gemm *g, int row, int n, int k, int n_k)
{
    if (g->trans_a)
        pack_columns(packed, g, row, n, k, n_k);
    else
        pack_rows(packed, g, row, n, k, n_k);
}
