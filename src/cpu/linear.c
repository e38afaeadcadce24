// Matrix products: blocks of rows and columns of the result, never of the summed dimension, so that every
// element is the same sum whoever computes it.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <cblas.h>
#include <string.h>

enum {
    LIBRARY_SHARES = 16, // where a library multiplies: its elements may depend on the cut
    LEAST = 64,          // rows or columns that are worth a thread of their own
    LEAST_HALF = 288,    // no share is halved below: each block packs for itself,
    LEAST_PACKED = 48,   // but where both sides are ready
    HALVINGS = 3,        // at most: threads are not equally fast
    UNIT = 32,           // columns are cut by, where a library multiplies
    BIAS_COLUMNS = 256,
    PACK_MOST = 8 << 20, // floats that are packed in advance
};

static int round_up(int n, int unit)
{
    return (n + unit - 1) / unit * unit;
}

static void start_block(const struct gemm *g)
{
    for (int r = 0; r < g->m; r++) {
        float *row = g->c + (size_t)r * (size_t)g->ldc;
        if (g->beta == 0)
            memset(row, 0, (size_t)g->n * sizeof *row);
        else if (g->beta != 1)
            for (int j = 0; j < g->n; j++)
                row[j] *= g->beta;
    }
}

static void add_bias(const struct backend *b, const struct gemm *g)
{
    for (int r = 0; r < g->m && g->bias; r++) {
        float *row = g->c + (size_t)r * (size_t)g->ldc;
        b->k->add(row, row, g->bias, (size_t)g->n);
    }
}

// A library takes f32 alone: some columns of B and places of k at a time are widened for it.
static void widened_gemm(struct backend *b, const struct gemm *g, int thread)
{
    float *wide = b->gemm_scratch + (size_t)thread * GEMM_SCRATCH;
    const int n_k = cpu_min(g->k, GEMM_SCRATCH), most = GEMM_SCRATCH / n_k;
    for (int column = 0; column < g->n; column += most)
        for (int k = 0; k < g->k; k += n_k) {
            struct gemm part = cpu_gemm_part(g, 0, g->m, column, most);
            part.k = cpu_min(n_k, g->k - k);
            part.a += g->trans_a ? (size_t)k * (size_t)g->lda : (size_t)k;
            gemm_move_b(&part, g->trans_b ? (size_t)k : (size_t)k * (size_t)g->ldb);
            part.beta = k ? 1 : g->beta;
            part.bias = k + part.k == g->k ? part.bias : NULL;
            const int lines = g->trans_b ? part.n : part.k, length = g->trans_b ? part.k : part.n;
            for (int i = 0; i < lines; i++)
                gemm_widen_b(b->k, wide + (size_t)i * (size_t)length, &part, (size_t)i * (size_t)g->ldb, (size_t)length);
            part.b = wide;
            part.b_type = DTYPE_F32;
            part.ldb = length;
            cpu_gemm_block(b, &part, thread);
        }
}

void cpu_gemm_block(struct backend *b, const struct gemm *g, int thread)
{
    if (g->m <= 0 || g->n <= 0)
        return;
    if (g->k <= 0) {
        start_block(g);
    } else if (b->bf16 && bf16_is_large(g)) {
        struct err fault;
        if (bf16_gemm(b->bf16, g, thread, &fault) != 0)
            cpu_fail(b, &fault);
    } else if (b->k->gemm) {
        b->k->gemm(g, b->gemm_scratch + (size_t)thread * GEMM_SCRATCH);
        return; // with its bias
    } else if (g->b_type != DTYPE_F32) {
        widened_gemm(b, g, thread);
        return;
    } else {
        cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans, g->trans_b ? CblasTrans : CblasNoTrans, g->m,
                    g->n, g->k, g->alpha, g->a, g->lda, g->b, g->ldb, g->beta, g->c, g->ldc);
    }
    add_bias(b, g);
}

// ---- rows packed once for many products ----

struct pack_job {
    const struct cpu_kernels *k;
    const struct gemm *g;
    float *packed;
};

static void pack_task(void *data, int block, int thread)
{
    const struct pack_job *job = data;
    job->k->gemm_pack(job->packed, job->g, block);
}

size_t cpu_gemm_packed(const struct backend *b, const struct gemm *g)
{
    const size_t n = b->k->gemm && !b->bf16 ? b->k->gemm_packed(g) : 0;
    return n <= PACK_MOST ? n : 0;
}

void cpu_gemm_pack(struct backend *b, struct gemm *g, float *room, size_t n_room)
{
    const size_t n = cpu_gemm_packed(b, g);
    if (n == 0 || n > n_room) // a smaller part may be worth what the largest one was not
        return;
    g->strip = b->k->gemm_strip(g->m);
    g->n_strips = cpu_blocks((size_t)g->m, (size_t)g->strip);
    g->first_strip = 0;
    struct pack_job job = {b->k, g, room};
    cpu_run(b, b->k->gemm_pieces(g), (double)g->m * g->k, pack_task, &job);
    g->packed_a = room;
}

// ---- products over the pool ----

struct gemm_job {
    struct backend *b;
    const struct gemm *g;
    struct gemm_cut cut;
};

struct gemm cpu_gemm_part(const struct gemm *whole, int row, int n_rows, int column, int n_columns)
{
    struct gemm part = *whole;
    BUG_IF(part.packed_a && row % part.strip);
    if (part.packed_b)
        part.packed_b += (size_t)column * (size_t)part.k;
    part.m = cpu_min(n_rows, part.m - row);
    part.n = cpu_min(n_columns, part.n - column);
    part.a += part.trans_a ? (size_t)row : (size_t)row * (size_t)part.lda;
    if (part.packed_a)
        part.first_strip += row / part.strip;
    gemm_move_b(&part, part.trans_b ? (size_t)column * (size_t)part.ldb : (size_t)column);
    if (part.bias)
        part.bias += column;
    if (part.c)
        part.c += (size_t)row * (size_t)part.ldc + (size_t)column;
    return part;
}

int cpu_gemm_rows(const struct backend *b, int m, int most)
{
    const int blocks = cpu_blocks((size_t)m, (size_t)most);
    return round_up((m + blocks - 1) / blocks, b->k->gemm ? b->k->gemm_strip(m) : 1);
}

// Every thread gets a share of `size`, whose first half is a block, and so on down to least_half: threads begin with
// large blocks, and nobody waits long for the last ones. (After the factoring of Hummel, Schonberg and Flynn 1992.)
static struct gemm_cut cut_in_blocks(int size, int unit, int n_shares, int least_half)
{
    struct gemm_cut c = {.size = size, .unit = unit, .n_shares = cpu_max(cpu_min(n_shares, size / LEAST), 1)};
    if (c.n_shares > 1)
        while (c.halvings < HALVINGS && size >> (c.halvings + 1) >= least_half * c.n_shares)
            c.halvings++;
    c.n_blocks = (c.halvings + 1) * c.n_shares;
    return c;
}

// Blocks of level l are 1 / 2^(l + 1) of a share; those of the last level are as large as those before. One level's
// blocks of all shares come after the other's.
static int begin_of(const struct gemm_cut *c, int block)
{
    const int level = block / c->n_shares, at = block % c->n_shares, smallest = 1 << c->halvings; // of them are a share
    const int before = (smallest - (smallest >> level)) * c->n_shares;
    const int each = level < c->halvings ? smallest >> (level + 1) : 1;
    if (block >= c->n_blocks)
        return c->size;
    const int64_t begin = (int64_t)c->size * (before + at * each) / (smallest * c->n_shares);
    return cpu_min(c->size, round_up((int)begin, c->unit));
}

// The cut may depend on the number of threads where elements do not depend on the cut (our own f32 kernels), else on
// the shape alone. Each block packs its part of both sides, although blocks beside each other pack the same of one:
// what another core has just packed would come more slowly. The longer side is cut, so that little is packed more than
// once, unless the other alone makes work for everybody.
struct gemm_cut cpu_gemm_cut(const struct backend *b, const struct gemm *g)
{
    const int least_half = g->packed_b && g->m <= LEAST ? LEAST_PACKED : LEAST_HALF;
    const int n_shares = b->k->gemm && !b->bf16 ? b->n_threads : LIBRARY_SHARES;
    const struct gemm_cut rows = cut_in_blocks(g->m, b->k->gemm ? b->k->gemm_strip(g->m) : 1, n_shares, least_half);
    struct gemm_cut c = cut_in_blocks(g->n, b->k->gemm ? b->k->panel_columns : UNIT, n_shares, least_half);
    if ((g->n <= g->m && rows.n_shares == n_shares) || rows.n_blocks > c.n_blocks) {
        c = rows;
        c.by_rows = true;
    }
    return c;
}

struct gemm cpu_gemm_cut_out(const struct gemm *whole, const struct gemm_cut *c, int block, int *row, int *column)
{
    const int first = begin_of(c, block), n = begin_of(c, block + 1) - first;
    *row = c->by_rows ? first : 0;
    *column = c->by_rows ? 0 : first;
    return cpu_gemm_part(whole, *row, c->by_rows ? n : whole->m, *column, c->by_rows ? whole->n : n);
}

static void gemm_task(void *data, int block, int thread)
{
    const struct gemm_job *job = data;
    int row, column;
    const struct gemm part = cpu_gemm_cut_out(job->g, &job->cut, block, &row, &column);
    cpu_gemm_block(job->b, &part, thread);
}

void cpu_gemm(struct backend *b, const struct gemm *g)
{
    if (g->m <= 0 || g->n <= 0)
        return;
    struct gemm_job job = {.b = b, .g = g, .cut = cpu_gemm_cut(b, g)};
    cpu_run(b, job.cut.n_blocks, (double)g->m * g->n * (g->k + 1) / 8, gemm_task, &job);
}

void cpu_linear(struct backend *b, float *y, const float *x, struct stored w, const float *bias, int t, int i, int o,
                float alpha, float beta)
{
    cpu_gemm(b, &(struct gemm){.trans_b = true, .m = t, .n = o, .k = i, .alpha = alpha, .beta = beta, .a = x, .lda = i,
                               .b = w.at, .b_type = w.type, .ldb = i, .c = y, .ldc = o, .bias = bias,
                               .packed_b = w.packed});
}

// ---- weights packed for many products ----

static struct gemm weights_product(struct stored w, int i, int o)
{
    return (struct gemm){.trans_b = true, .m = 1, .n = o, .k = i, .b = w.at, .b_type = w.type, .ldb = i};
}

size_t cpu_packed_bytes(struct backend *b, struct stored w, int i, int o)
{
    const struct gemm g = weights_product(w, i, o);
    return b->k->gemm && !b->bf16 && i > 0 && o > 0 ? b->k->gemm_packed_b(&g) * sizeof(float) : 0;
}

static void panel_task(void *data, int block, int thread)
{
    const struct pack_job *job = data;
    job->k->gemm_pack_b(job->packed, job->g, block * job->k->panel_columns);
}

void cpu_pack_weights(struct backend *b, void *packed, struct stored w, int i, int o)
{
    const struct gemm g = weights_product(w, i, o);
    struct pack_job job = {b->k, &g, packed};
    cpu_run(b, cpu_blocks((size_t)o, (size_t)b->k->panel_columns), (double)i * o, panel_task, &job);
}

void cpu_linear_dx(struct backend *b, float *dx, const float *dy, struct stored w, int t, int i, int o, float alpha,
                   float beta)
{
    cpu_gemm(b, &(struct gemm){.m = t, .n = i, .k = o, .alpha = alpha, .beta = beta, .a = dy, .lda = o,
                               .b = w.at, .b_type = w.type, .ldb = i, .c = dx, .ldc = i});
}

struct bias_job {
    const struct backend *b;
    float *dbias;
    const float *dy;
    int t, o;
};

static void bias_task(void *data, int block, int thread)
{
    const struct bias_job *job = data;
    int first = block * BIAS_COLUMNS, n = cpu_min(BIAS_COLUMNS, job->o - first);
    float sum[BIAS_COLUMNS] = {0};
    for (int r = 0; r < job->t; r++)
        job->b->k->add(sum, sum, job->dy + (size_t)r * (size_t)job->o + first, (size_t)n);
    job->b->k->add(job->dbias + first, job->dbias + first, sum, (size_t)n);
}

void cpu_linear_dw(struct backend *b, float *dw, float *dbias, const float *dy, const float *x, int t, int i, int o,
                   float alpha)
{
    if (t > 0)
        cpu_gemm(b, &(struct gemm){.trans_a = true, .m = o, .n = i, .k = t, .alpha = alpha, .beta = 1, .a = dy,
                                   .lda = o, .b = x, .ldb = i, .c = dw, .ldc = i});
    if (dbias && t > 0) {
        struct bias_job job = {b, dbias, dy, t, o};
        cpu_run(b, cpu_blocks((size_t)o, BIAS_COLUMNS), (double)t * o, bias_task, &job);
    }
}
