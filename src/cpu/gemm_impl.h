// Matrix product on one thread, for files that define VW > 4 (see vec.h).
//
// Every element is c = beta c + sum over stretches of k of alpha (a[0] b[0] + a[1] b[1] + ...), each stretch
// one chain of fused multiply-adds in the order of k; stretches depend on k alone. So an element's bits
// depend neither on its place, nor on m and n, nor on how callers cut the result in blocks.
//
// B is packed a panel at a time, (n_k, a few vectors), to be read from the first cache by all strips of A. A is packed
// in strips of up to STRIP rows, (n_k, ROOM); narrow products read it where it lies. Where k is short, or rows are few, a
// panel goes through all of k while its columns of c stay in the cache; else some stretches of A stay there while all
// panels pass.
#include "cpu/gemm_pack_impl.h"

enum {
    MOST_PANEL = FLAT_VECTORS * VW,
    KC = 192,
    DEPTH = 2 * KC,                      // of k: up to this it is short
    MC = 528,                            // rows that one packed panel serves
    SLAB = VW == 16 ? DEPTH * MC : 1 << 17, // floats of A that the second cache has room for
    PACK_COLUMNS = VW == 16 ? 64 : 192,  // up to so many are not worth packing A for
    FLAT_ROWS = VW == 16 ? 0 : 64,       // nor so many rows
    PACK_ROWS = 64,                      // up to so many are not worth packing B for
};
_Static_assert(SLAB <= DEPTH * MC && KC * MOST_PANEL + DEPTH * ROOM * (MC / STRIP + 1) <= GEMM_SCRATCH,
               "the packed panel and strips fit");

// The panel at these columns and places, for tiles that pass `chunks` times.
static struct fetch fetch_panel(const struct gemm *g, int column, int n_columns, int k, int n_k, int chunks)
{
    if (dtype_is_quantized(g->b_type)) // a line or less of each row of the panel, and their scales elsewhere
        return (struct fetch){0};
    const size_t ldb = (size_t)g->ldb, each = dtype_bytes(g->b_type); // lines are counted in floats
    const size_t across = (size_t)(g->trans_b ? column : k), along = (size_t)(g->trans_b ? k : column);
    const int rows = g->trans_b ? n_columns : n_k, length = (g->trans_b ? n_k : n_columns) * (int)each / 4;
    const int lines = (length + FETCH_LINE - 1) / FETCH_LINE;
    return (struct fetch){.at = gemm_b(g, across * ldb + along), .lines = lines, .lines_left = lines,
                          .skip = ldb * each / 4 - (size_t)lines * FETCH_LINE,
                          .per_chunk = (rows * lines + chunks - 1) / chunks};
}

// The next stretch of a packed B, whose n_k lines of `vectors` vectors follow each other.
static struct fetch fetch_packed(const float *at, int n_k, int vectors, int chunks)
{
    const int lines = n_k * vectors * VW / FETCH_LINE;
    return (struct fetch){.at = at, .lines = lines + 1, .lines_left = lines + 1, .per_chunk = (lines + chunks - 1) / chunks};
}

// A slab of A, rows row.. and places k.. below end, that stays in the cache, and how its stretches lie.
struct slab {
    int row, n_rows, k, end, stretch;
    const float *packed; // of its places, n_strips strips of which its own begin with first_strip; NULL: read in g->a
    size_t n_strips, first_strip;
    int strip; // rows of one
};

static void multiply_panel(const struct gemm *g, const struct slab *slab, float *panel, int column, int n_columns,
                           int vectors)
{
    const int kind = slab->packed ? PACKED : g->trans_a ? BY_COLUMNS : BY_ROWS;
    const tile_function compute = tile_functions[kind][vectors - 1];
    const int n_strips = (slab->n_rows + slab->strip - 1) / slab->strip, n_next = g->n - column - n_columns;
    const bool in_place = !g->packed_b && !g->trans_b && g->b_type == DTYPE_F32 && n_columns == vectors * VW &&
                          slab->n_rows <= PACK_ROWS;
    const size_t b_row = (size_t)vectors * VW;
    const float *ready = g->packed_b ? g->packed_b + (size_t)column * (size_t)g->k : NULL;
    float *c = g->c + (size_t)slab->row * (size_t)g->ldc + column;
    for (int k = slab->k; k < slab->end; k += slab->stretch) {
        int n_k = slab->end - k < slab->stretch ? slab->end - k : slab->stretch;
        struct fetch fetch = {0};
        const int chunks = n_strips * ((n_k + CHUNK - 1) / CHUNK);
        if (g->packed_b)
            fetch = fetch_packed(ready + (size_t)(k + n_k) * b_row, n_k, vectors, chunks);
        else if (!in_place && k + n_k < slab->end)
            fetch = fetch_panel(g, column, n_columns, k + n_k, n_k, chunks);
        else if (!in_place && n_next > 0)
            fetch = fetch_panel(g, column + n_columns, n_next < n_columns ? n_next : n_columns, slab->k, slab->stretch,
                                chunks);
        struct tile t = {.b = panel, .b_step = b_row, .n_k = n_k, .c_row = (size_t)g->ldc,
                         .n_columns = n_columns, .alpha = g->alpha, .beta = k == 0 ? g->beta : 1,
                         .bias = g->bias && k + n_k == g->k ? g->bias + column : NULL, .fetch = &fetch};
        if (g->packed_b) {
            t.b = ready + (size_t)k * b_row;
        } else if (in_place) {
            t.b = (const float *)g->b + (size_t)k * (size_t)g->ldb + (size_t)column;
            t.b_step = (size_t)g->ldb;
        } else {
            pack_panel(panel, g, column, n_columns, vectors, k, n_k);
        }
        t.a_step = slab->packed ? ROOM : (size_t)g->lda;
        for (int s = 0; s < n_strips; s++) {
            int r = s * slab->strip, row = slab->row + r;
            if (slab->packed)
                t.a = slab->packed + (size_t)(k - slab->k) * slab->n_strips * ROOM +
                      (slab->first_strip + (size_t)s) * (size_t)n_k * ROOM;
            else
                t.a = g->a + (g->trans_a ? (size_t)k * t.a_step + (size_t)row : (size_t)row * t.a_step + (size_t)k);
            t.c = c + (size_t)r * t.c_row;
            t.next_c = s + 1 < n_strips ? t.c + (size_t)slab->strip * t.c_row : k + n_k < slab->end ? c : c + n_columns;
            compute(&t, slab->n_rows - r < slab->strip ? slab->n_rows - r : slab->strip);
        }
    }
}

static int k_gemm_strip(int m)
{
    int strips = (m + STRIP - 1) / STRIP;
    return (m + strips - 1) / strips;
}

static void multiply_slab(const struct gemm *g, struct slab *slab, float *scratch)
{
    float *panel = scratch, *strips = scratch + KC * MOST_PANEL;
    slab->packed = NULL;
    if (g->packed_a) {
        slab->strip = g->strip;
        slab->n_strips = (size_t)g->n_strips;
        slab->first_strip = (size_t)(g->first_strip + slab->row / g->strip);
        slab->packed = g->packed_a + (size_t)slab->k * slab->n_strips * ROOM;
    } else if (g->n > PACK_COLUMNS && slab->n_rows > FLAT_ROWS) {
        struct gemm own = *g;
        own.m = slab->row + slab->n_rows;
        own.strip = slab->strip = k_gemm_strip(slab->n_rows);
        slab->n_strips = (size_t)((slab->n_rows + slab->strip - 1) / slab->strip);
        slab->first_strip = 0;
        for (int k = slab->k; k < slab->end; k += slab->stretch)
            pack_strips(strips + (size_t)(k - slab->k) * slab->n_strips * ROOM, &own, slab->row, (int)slab->n_strips, k,
                        slab->end - k < slab->stretch ? slab->end - k : slab->stretch);
        slab->packed = strips;
    } else {
        slab->strip = FLAT_STRIP;
    }
    const int most = slab->packed || g->packed_b ? PANEL_VECTORS : FLAT_VECTORS;
    int vectors_left = (g->n + VW - 1) / VW, panels_left = (vectors_left + most - 1) / most;
    for (int column = 0; column < g->n; panels_left--) { // vectors are dealt out evenly, unless B is packed already
        int vectors = (vectors_left + panels_left - 1) / panels_left;
        if (g->packed_b)
            vectors = vectors_left < most ? vectors_left : most;
        int n_columns = g->n - column < vectors * VW ? g->n - column : vectors * VW;
        multiply_panel(g, slab, panel, column, n_columns, vectors);
        column += n_columns;
        vectors_left -= vectors;
    }
}

// The stretches of k: they decide the order of every sum, and depend on k alone.
static int stretch_of(int k)
{
    int stretches = (k + KC - 1) / KC;
    return (k + stretches - 1) / stretches;
}

// Of k, what a slab of so many rows goes through at once: whole stretches, as many as stay in the cache.
static int depth_of(int k, int rows, int stretch)
{
    const int fit = SLAB / rows / stretch * stretch;
    if (k <= DEPTH || fit >= k)
        return k;
    return fit > stretch ? fit : stretch;
}

static void k_gemm(const struct gemm *g, float *scratch)
{
    const int stretch = stretch_of(g->k), parts = (g->m + MC - 1) / MC, strip = g->packed_a ? g->strip : STRIP;
    const int rows = ((g->m + parts - 1) / parts + strip - 1) / strip * strip, depth = depth_of(g->k, rows, stretch);
    for (int row = 0; row < g->m; row += rows)
        for (int k = 0; k < g->k; k += depth) {
            struct slab slab = {.row = row, .n_rows = g->m - row < rows ? g->m - row : rows, .k = k,
                                .end = g->k - k < depth ? g->k : k + depth, .stretch = stretch};
            multiply_slab(g, &slab, scratch);
        }
}

static int k_gemm_pieces(const struct gemm *g)
{
    return (g->n_strips + PACK_TOGETHER - 1) / PACK_TOGETHER;
}

static void k_gemm_pack(float *packed, const struct gemm *g, int piece)
{
    const int stretch = stretch_of(g->k), first = piece * PACK_TOGETHER;
    const int n = g->n_strips - first < PACK_TOGETHER ? g->n_strips - first : PACK_TOGETHER;
    for (int k = 0; k < g->k; k += stretch) {
        const int n_k = g->k - k < stretch ? g->k - k : stretch;
        const size_t strip = (size_t)n_k * ROOM, all = (size_t)k * (size_t)g->n_strips * ROOM;
        pack_rows(packed + all + (size_t)first * strip, g, first * g->strip, n, k, n_k);
    }
}

static size_t k_gemm_packed(const struct gemm *g)
{
    if (g->m <= FLAT_ROWS || g->n <= PACK_COLUMNS || g->trans_a)
        return 0;
    const int strip = k_gemm_strip(g->m);
    return (size_t)((g->m + strip - 1) / strip * ROOM) * (size_t)g->k;
}

static size_t k_gemm_packed_b(const struct gemm *g)
{
    return (size_t)((g->n + VW - 1) / VW * VW) * (size_t)g->k;
}

static void k_gemm_pack_b(float *packed, const struct gemm *g, int column)
{
    const int most = PANEL_VECTORS * VW, n = g->n - column < most ? g->n - column : most;
    pack_panel(packed + (size_t)column * (size_t)g->k, g, column, n, (n + VW - 1) / VW, 0, g->k);
}
