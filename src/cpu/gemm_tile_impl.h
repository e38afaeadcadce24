// Register tiles of a matrix product, for files that define VW > 4: some rows of A times a panel of B, over a stretch
// of k.
//
// Tiles fetch what comes next into the caches (c of the tile after them, B of the panel after theirs), a few lines
// at a time between multiply-adds: the processor would foresee neither, and many at once would keep it waiting.
#include "cpu/kernels.h"
#include "cpu/vec.h"

enum {
    STRIP = VW == 16 ? 15 : 4,        // most rows of a register tile
    ROOM = VW == 16 ? 16 : 4,         // places of a packed strip's rows
    PANEL_VECTORS = VW == 16 ? 2 : 3, // columns of it, in vectors
    FLAT_STRIP = VW == 16 ? 6 : 4,    // the same of tiles that read A where it lies, by rows or by columns
    FLAT_VECTORS = VW == 16 ? 4 : 3,
    CHUNK = VW == 16 ? 16 : 64,       // of k, between two fetches
    FETCH_ROWS = VW == 16 ? 2 : 4,    // of c, fetched at once
    FETCH_LINE = 16,                  // floats of a cache line
};
_Static_assert((int)STRIP <= (int)GEMM_MOST_STRIP, "blocks leave room for a whole strip");

// Lines of B on their way to the second cache
struct fetch {
    const float *at;
    int lines, lines_left; // of a row
    size_t skip;           // from the end of a row to the next one
    int per_chunk;
};

struct tile {
    const float *a; // row r, place k: a[r * a_step + k], or by columns a[k * a_step + r]
    size_t a_step;
    const float *b; // (n_k, vectors * VW), rows b_step apart
    size_t b_step;
    int n_k;
    float *c;
    size_t c_row;
    int n_columns;
    float alpha, beta;
    const float *bias;
    const float *next_c;
    struct fetch *fetch;
};

V_INLINE void store_edge(const struct tile *t, vf sum[STRIP][FLAT_VECTORS], const int rows, const int vectors)
{
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) {
            int left = t->n_columns - v * VW;
            if (left <= 0)
                break;
            size_t n = left < VW ? (size_t)left : VW;
            float *c = t->c + (size_t)r * t->c_row + v * VW;
            vf x = sum[r][v] * t->alpha;
            if (t->beta != 0)
                x += (n == VW ? v_load(c) : v_load_n(c, n)) * t->beta;
            if (t->bias)
                x += n == VW ? v_load(t->bias + v * VW) : v_load_n(t->bias + v * VW, n);
            if (n == VW)
                v_store(c, x);
            else
                v_store_n(c, x, n);
        }
}

// Without branches that would be guessed wrong; it may run past the panel, which does no harm.
V_INLINE void fetch_some(struct fetch *f)
{
    const float *at = f->at;
    int left = f->lines_left;
    for (int i = f->per_chunk; i > 0; i--) {
        __builtin_prefetch(at, 0, 2);
        left--;
        at += FETCH_LINE + (left == 0 ? f->skip : 0);
        left = left == 0 ? f->lines : left;
    }
    f->at = at;
    f->lines_left = left;
}

// The other arguments are constants at every call: all of `sum` lives in registers.
V_INLINE void compute_tile(const struct tile *t, const int rows, const int vectors, const bool by_columns,
                         const bool spread)
{
    vf sum[STRIP][FLAT_VECTORS];
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = (vf){0};
    const float *a = t->a, *b = t->b, *next_c = t->next_c;
    const size_t row_step = by_columns ? 1 : t->a_step, k_step = by_columns ? t->a_step : 1, b_step = t->b_step;
    int rows_left = rows;
    for (int left = t->n_k; left > 0; left -= CHUNK) {
        for (int i = 0; i < FETCH_ROWS && rows_left > 0; i++, rows_left--, next_c += t->c_row)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                __builtin_prefetch(next_c + v * VW, 1);
        fetch_some(t->fetch);
        for (int k = left < CHUNK ? left : CHUNK; k > 0; k--, a += k_step, b += b_step) {
            vf row_b[FLAT_VECTORS];
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                row_b[v] = v_load(b + v * VW);
#pragma GCC unroll 16
            for (int r = 0; r < rows; r++) {
                const float *x = a + (size_t)r * row_step;
#pragma GCC unroll 4
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = spread ? v_fma_spread(x, row_b[v], sum[r][v]) : v_fma(v_set(*x), row_b[v], sum[r][v]);
            }
        }
    }
    if (t->n_columns < vectors * VW || t->bias || (t->beta != 0 && t->beta != 1)) {
        vf stored[STRIP][FLAT_VECTORS]; // a copy, so that `sum` itself need not be in memory
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                stored[r][v] = sum[r][v];
        store_edge(t, stored, rows, vectors);
        return;
    }
    float *c = t->c;
    vf alpha = v_set(t->alpha);
    if (t->beta == 0) {
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++, c += t->c_row)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                v_store(c + v * VW, sum[r][v] * alpha);
    } else {
#pragma GCC unroll 16
        for (int r = 0; r < rows; r++, c += t->c_row)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                v_store(c + v * VW, sum[r][v] * alpha + v_load(c + v * VW));
    }
}

#define ROWS_CASE(rows, ...)                                                                                           \
    case rows:                                                                                                         \
        compute_tile(t, rows, __VA_ARGS__);                                                                            \
        break
#define FOUR_ROWS(...)                                                                                                 \
    ROWS_CASE(1, __VA_ARGS__);                                                                                         \
    ROWS_CASE(2, __VA_ARGS__);                                                                                         \
    ROWS_CASE(3, __VA_ARGS__);                                                                                         \
    ROWS_CASE(4, __VA_ARGS__)
#if VW == 16
#define FLAT_ROWS(...)                                                                                                 \
    FOUR_ROWS(__VA_ARGS__);                                                                                            \
    ROWS_CASE(5, __VA_ARGS__);                                                                                         \
    ROWS_CASE(6, __VA_ARGS__)
#define STRIP_ROWS(...)                                                                                                \
    FLAT_ROWS(__VA_ARGS__);                                                                                            \
    ROWS_CASE(7, __VA_ARGS__);                                                                                         \
    ROWS_CASE(8, __VA_ARGS__);                                                                                         \
    ROWS_CASE(9, __VA_ARGS__);                                                                                         \
    ROWS_CASE(10, __VA_ARGS__);                                                                                        \
    ROWS_CASE(11, __VA_ARGS__);                                                                                        \
    ROWS_CASE(12, __VA_ARGS__);                                                                                        \
    ROWS_CASE(13, __VA_ARGS__);                                                                                        \
    ROWS_CASE(14, __VA_ARGS__);                                                                                        \
    ROWS_CASE(15, __VA_ARGS__)
#else
#define FLAT_ROWS FOUR_ROWS
#define STRIP_ROWS FOUR_ROWS
#endif
#define TILE_FUNCTION(name, ROWS, ...)                                                                                 \
    static void name(const struct tile *t, int rows)                                                                   \
    {                                                                                                                  \
        switch (rows) {                                                                                                \
            ROWS(__VA_ARGS__);                                                                                         \
        }                                                                                                              \
    }
TILE_FUNCTION(packed_1, STRIP_ROWS, 1, true, true)
TILE_FUNCTION(packed_2, STRIP_ROWS, 2, true, true)
TILE_FUNCTION(by_rows_1, FLAT_ROWS, 1, false, false)
TILE_FUNCTION(by_rows_2, FLAT_ROWS, 2, false, false)
TILE_FUNCTION(by_rows_3, FLAT_ROWS, 3, false, false)
TILE_FUNCTION(by_columns_1, FLAT_ROWS, 1, true, false)
TILE_FUNCTION(by_columns_2, FLAT_ROWS, 2, true, false)
TILE_FUNCTION(by_columns_3, FLAT_ROWS, 3, true, false)
#if VW == 8
TILE_FUNCTION(packed_3, STRIP_ROWS, 3, true, true)
#else
TILE_FUNCTION(by_rows_4, FLAT_ROWS, 4, false, false)
TILE_FUNCTION(by_columns_4, FLAT_ROWS, 4, true, false)
#endif

typedef void (*tile_function)(const struct tile *t, int rows);
enum { PACKED, BY_ROWS, BY_COLUMNS };
static const tile_function tile_functions[][FLAT_VECTORS] = {
#if VW == 16
    [PACKED] = {packed_1, packed_2},
    [BY_ROWS] = {by_rows_1, by_rows_2, by_rows_3, by_rows_4},
    [BY_COLUMNS] = {by_columns_1, by_columns_2, by_columns_3, by_columns_4},
#else
    [PACKED] = {packed_1, packed_2, packed_3},
    [BY_ROWS] = {by_rows_1, by_rows_2, by_rows_3},
    [BY_COLUMNS] = {by_columns_1, by_columns_2, by_columns_3},
#endif
};
