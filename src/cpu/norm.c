// RMSNorm and LayerNorm. The backward's weight gradients are summed in blocks of rows, then over the blocks
// in order.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <string.h>

enum {
    BLOCK_ROWS = 32,
    BLOCK_COLUMNS = 256,
};

struct norm_job {
    const struct cpu_kernels *k;
    bool layer;
    float *y, *mean, *rstd;       // forward
    const float *x, *w, *bias;
    float eps;
    float *dx, *dw, *dbias;       // backward
    const float *dy, *mean_in, *rstd_in;
    bool accumulate;
    float *partial; // (n_blocks, 2, c): sums for dw and dbias
    int t, c, n_blocks;
};

static void forward_task(void *data, int block, int thread)
{
    const struct norm_job *j = data;
    size_t c = (size_t)j->c;
    int end = cpu_min(j->t, (block + 1) * BLOCK_ROWS);
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        float *y = j->y + (size_t)i * c;
        const float *x = j->x + (size_t)i * c;
        if (j->layer)
            j->k->layernorm(y, j->mean + i, j->rstd + i, x, j->w, j->bias, j->eps, j->c);
        else
            j->k->rmsnorm(y, j->rstd + i, x, j->w, j->eps, j->c);
    }
}

static void backward_task(void *data, int block, int thread)
{
    const struct norm_job *j = data;
    size_t c = (size_t)j->c;
    float *dw = NULL, *dbias = NULL;
    if (j->partial) {
        dw = j->partial + (size_t)block * 2 * c;
        dbias = dw + c;
        memset(dw, 0, 2 * c * sizeof *dw);
    }
    int end = cpu_min(j->t, (block + 1) * BLOCK_ROWS);
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        size_t at = (size_t)i * c;
        if (j->layer)
            j->k->layernorm_backward(j->dx + at, dw, dbias, j->dy + at, j->x + at, j->w, j->mean_in[i], j->rstd_in[i],
                                     j->c, j->accumulate);
        else
            j->k->rmsnorm_backward(j->dx + at, dw, j->dy + at, j->x + at, j->w, j->rstd_in[i], j->c, j->accumulate);
    }
}

static void reduce_task(void *data, int block, int thread)
{
    const struct norm_job *j = data;
    size_t c = (size_t)j->c, at = (size_t)block * BLOCK_COLUMNS, n = c - at < BLOCK_COLUMNS ? c - at : BLOCK_COLUMNS;
    for (int i = 0; i < j->n_blocks; i++) {
        const float *sums = j->partial + (size_t)i * 2 * c + at;
        if (j->dw)
            j->k->add(j->dw + at, j->dw + at, sums, n);
        if (j->dbias)
            j->k->add(j->dbias + at, j->dbias + at, sums + c, n);
    }
}

static void run_backward(struct backend *b, struct norm_job *job)
{
    double work = (double)job->t * job->c;
    job->n_blocks = cpu_blocks((size_t)job->t, BLOCK_ROWS);
    if (job->dw || job->dbias) {
        job->partial = cpu_scratch(b, (size_t)job->n_blocks * 2 * (size_t)job->c);
        if (!job->partial)
            return;
    }
    cpu_run(b, job->n_blocks, 2 * work, backward_task, job);
    if (job->partial)
        cpu_run(b, cpu_blocks((size_t)job->c, BLOCK_COLUMNS), work / BLOCK_ROWS, reduce_task, job);
}

void cpu_rmsnorm(struct backend *b, float *y, float *rstd, const float *x, const float *w, float eps, int t, int c)
{
    struct norm_job job = {.k = b->k, .y = y, .rstd = rstd, .x = x, .w = w, .eps = eps, .t = t, .c = c};
    cpu_run(b, cpu_blocks((size_t)t, BLOCK_ROWS), (double)t * c, forward_task, &job);
}

void cpu_rmsnorm_backward(struct backend *b, float *dx, float *dw, const float *dy, const float *x, const float *w,
                          const float *rstd, int t, int c, bool accumulate)
{
    struct norm_job job = {.k = b->k, .dx = dx, .dw = dw, .dy = dy, .x = x, .w = w, .rstd_in = rstd, .t = t, .c = c,
                           .accumulate = accumulate};
    run_backward(b, &job);
}

void cpu_layernorm(struct backend *b, float *y, float *mean, float *rstd, const float *x, const float *w,
                   const float *bias, float eps, int t, int c)
{
    struct norm_job job = {.k = b->k, .layer = true, .y = y, .mean = mean, .rstd = rstd, .x = x, .w = w, .bias = bias,
                           .eps = eps, .t = t, .c = c};
    cpu_run(b, cpu_blocks((size_t)t, BLOCK_ROWS), (double)t * c, forward_task, &job);
}

void cpu_layernorm_backward(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                            const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate)
{
    struct norm_job job = {.k = b->k, .layer = true, .dx = dx, .dw = dw, .dbias = dbias, .dy = dy, .x = x, .w = w,
                           .mean_in = mean, .rstd_in = rstd, .t = t, .c = c, .accumulate = accumulate};
    run_backward(b, &job);
}
