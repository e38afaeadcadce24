// Matrix products: blocks of rows and columns of the result, never of the summed dimension, so that every
// element is the same sum whoever computes it.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <cblas.h>
#include <string.h>

enum {
    FEW_THREADS = 4, // as if, where a library multiplies: its elements may depend on the cut
    LEAST = 64,      // rows or columns that are worth a thread of their own
    USUAL = 288,     // of a block: fewer make the packing, which each block does for itself, dear
    HALVINGS = 3,    // of blocks: threads are not equally fast
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
    return n <= SHARE_MOST ? n : 0;
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

int cpu_gemm_rows(const struct backend *b, int m, int most)
{
    const int blocks = cpu_blocks((size_t)m, (size_t)most);
    return round_up((m + blocks - 1) / blocks, b->k->gemm ? b->k->gemm_strip(m) : 1);
}

// Every thread's share of `size` is halved, its first half a block, and so on down to USUAL: threads begin with large
// blocks, and nobody waits long for the last ones. (Factoring: Hummel, Schonberg and Flynn 1992.)
static struct gemm_cut cut_in_blocks(int size, int unit, int n_threads)
{
    struct gemm_cut c = {.size = size, .unit = unit, .n_threads = cpu_max(cpu_min(n_threads, size / LEAST), 1)};
    if (c.n_threads > 1)
        while (c.halvings < HALVINGS && size >> (c.halvings + 1) >= USUAL * c.n_threads)
            c.halvings++;
    c.n_blocks = (c.halvings + 1) * c.n_threads;
    return c;
}

static int begin_of(const struct gemm_cut *c, int block)
{
    const int level = block / c->n_threads, at = block % c->n_threads, n = c->n_threads;
    const int shares = 1 << c->halvings; // of a thread
    int before = (shares - (shares >> level)) * n + at * (level < c->halvings ? shares >> (level + 1) : 1);
    if (block >= c->n_blocks)
        return c->size;
    return cpu_min(c->size, round_up((int)((int64_t)c->size * before / (shares * n)), c->unit));
}

// The cut may depend on the number of threads where elements do not depend on the cut (our own f32 kernels), else on
// the shape alone.
struct gemm_cut cpu_gemm_cut(const struct backend *b, int m, int n)
{
    const int n_threads = b->k->gemm && !b->bf16 ? b->n_threads : FEW_THREADS;
    const struct gemm_cut rows = cut_in_blocks(m, b->k->gemm ? b->k->gemm_strip(m) : 1, n_threads);
    struct gemm_cut c = cut_in_blocks(n, UNIT, n_threads);
    if ((n <= m && rows.n_threads == n_threads) || rows.n_blocks > c.n_blocks) {
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
    struct gemm_job job = {.b = b, .g = g, .cut = cpu_gemm_cut(b, g->m, g->n)};
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
