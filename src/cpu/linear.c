// Matrix products: blocks of rows and columns of the result, never of the summed dimension, so that every
// element is the same sum whoever computes it.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <cblas.h>
#include <string.h>

enum {
    FEW_THREADS = 4, // as if, where a library multiplies: its elements may depend on the cut
    BLOCKS = 8,      // for each thread: threads are not equally fast
    LEAST = 64,      // rows or columns of a block
    UNIT = 32,       // columns are cut by
    BIAS_COLUMNS = 256,
    SHARE_MOST = 8 << 20, // floats that are packed at once
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
    } else {
        cblas_sgemm(CblasRowMajor, g->trans_a ? CblasTrans : CblasNoTrans, g->trans_b ? CblasTrans : CblasNoTrans, g->m,
                    g->n, g->k, g->alpha, g->a, g->lda, g->b, g->ldb, g->beta, g->c, g->ldc);
    }
    add_bias(b, g);
}

// ---- a side packed once for all blocks ----

struct pack_job {
    const struct cpu_kernels *k;
    const struct gemm *g;
    enum gemm_side side;
    float *packed;
};

static void pack_task(void *data, int block, int thread)
{
    const struct pack_job *job = data;
    job->k->gemm_pack(job->packed, job->g, job->side, block);
}

size_t cpu_gemm_shared(const struct backend *b, const struct gemm *g, enum gemm_side side)
{
    const size_t n = b->k->gemm && !b->bf16 ? b->k->gemm_packed(g, side) : 0;
    return n <= SHARE_MOST ? n : 0;
}

void cpu_gemm_share(struct backend *b, struct gemm *g, enum gemm_side side, float *room, size_t n_room)
{
    const float **packed = side == GEMM_A ? &g->packed_a : &g->packed_b;
    const size_t n = cpu_gemm_shared(b, g, side);
    if (*packed || n == 0 || n > n_room) // a smaller part may be worth what the largest one was not
        return;
    if (side == GEMM_A) {
        g->strip = b->k->gemm_strip(g->m);
        g->n_strips = cpu_blocks((size_t)g->m, (size_t)g->strip);
        g->first_strip = 0;
    }
    struct pack_job job = {b->k, g, side, room};
    cpu_run(b, b->k->gemm_pieces(g, side), (double)(side == GEMM_A ? g->m : g->n) * g->k, pack_task, &job);
    *packed = room;
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
    BUG_IF(part.packed_b && (column > 0 || n_columns < part.n));
    BUG_IF(part.packed_a && row % part.strip);
    part.m = cpu_min(n_rows, part.m - row);
    part.n = cpu_min(n_columns, part.n - column);
    part.a += part.trans_a ? (size_t)row : (size_t)row * (size_t)part.lda;
    if (part.packed_a)
        part.first_strip += row / part.strip;
    part.b += part.trans_b ? (size_t)column * (size_t)part.ldb : (size_t)column;
    if (part.bias)
        part.bias += column;
    if (part.c)
        part.c += (size_t)row * (size_t)part.ldc + (size_t)column;
    return part;
}

static void gemm_task(void *data, int block, int thread)
{
    const struct gemm_job *job = data;
    const struct gemm_cut *c = &job->cut;
    struct gemm part = cpu_gemm_part(job->g, block / c->n_columns * c->rows, c->rows, block % c->n_columns * c->columns,
                                     c->columns);
    cpu_gemm_block(job->b, &part, thread);
}

int cpu_gemm_rows(const struct backend *b, int m, int most)
{
    const int blocks = cpu_blocks((size_t)m, (size_t)most);
    return round_up((m + blocks - 1) / blocks, b->k->gemm ? b->k->gemm_strip(m) : 1);
}

// Blocks of `n` rows or columns: no more than wanted, none too small, and as many for each thread.
static int blocks_of(int n, int wanted, int n_threads)
{
    const int most = cpu_min(wanted, n / LEAST);
    return most >= n_threads ? most / n_threads * n_threads : cpu_max(most, 1);
}

// The smaller side is packed once and shared, the larger one by the block that alone needs it. The cut may depend on
// the number of threads where elements do not depend on the cut (our own f32 kernels), else on the shape alone.
struct gemm_cut cpu_gemm_cut(const struct backend *b, int m, int n)
{
    const int n_threads = b->k->gemm && !b->bf16 ? b->n_threads : FEW_THREADS;
    const int wanted = n_threads > 1 ? BLOCKS * n_threads : 1;
    const int tall = blocks_of(m, wanted, n_threads), wide = blocks_of(n, wanted, n_threads);
    const bool by_rows = (n <= m && tall >= n_threads) || tall > wide;
    struct gemm_cut c = {.rows = m, .columns = n, .shared = by_rows ? GEMM_B : GEMM_A};
    if (by_rows)
        c.rows = cpu_gemm_rows(b, m, (m + tall - 1) / tall);
    else
        c.columns = round_up((n + wide - 1) / wide, UNIT);
    c.n_columns = cpu_blocks((size_t)n, (size_t)c.columns);
    c.n_blocks = c.n_columns * cpu_blocks((size_t)m, (size_t)c.rows);
    return c;
}

void cpu_gemm(struct backend *b, const struct gemm *g)
{
    if (g->m <= 0 || g->n <= 0)
        return;
    struct gemm shared = *g;
    struct gemm_job job = {.b = b, .g = &shared, .cut = cpu_gemm_cut(b, g->m, g->n)};
    size_t n_shared = job.cut.n_blocks > 1 ? cpu_gemm_shared(b, g, job.cut.shared) : 0;
    float *room = n_shared ? cpu_scratch(b, n_shared) : NULL;
    if (room)
        cpu_gemm_share(b, &shared, job.cut.shared, room, n_shared);
    cpu_run(b, job.cut.n_blocks, (double)g->m * g->n * (g->k + 1) / 8, gemm_task, &job);
}

void cpu_linear(struct backend *b, float *y, const float *x, const float *w, const float *bias, int t, int i, int o,
                float alpha, float beta)
{
    cpu_gemm(b, &(struct gemm){.trans_b = true, .m = t, .n = o, .k = i, .alpha = alpha, .beta = beta, .a = x, .lda = i,
                               .b = w, .ldb = i, .c = y, .ldc = o, .bias = bias});
}

void cpu_linear_dx(struct backend *b, float *dx, const float *dy, const float *w, int t, int i, int o, float alpha,
                   float beta)
{
    cpu_gemm(b, &(struct gemm){.m = t, .n = i, .k = o, .alpha = alpha, .beta = beta, .a = dy, .lda = o, .b = w,
                               .ldb = i, .c = dx, .ldc = i});
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
