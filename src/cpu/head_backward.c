// The head, backward. For some rows and a stretch of the vocabulary at a time: (1) the tile of dlogits is made
// again from the logits and lse, (2) it is multiplied into dx (rows own it) and dw (tokens own it). The tile is
// the only scratch, whatever the batch and the vocabulary; every sum runs over the stretches in order.
#include "config.h"

#include "cpu/backend_cpu.h"

enum {
    ROWS = 256,
    STRETCH = 2048,
    PART_ROWS = 128, // of the blocks that the tile is made and used in
    PART_TOKENS = 512,
    PART_COLUMNS = 384,
    PART_DW = 128,
};

struct backward_job {
    const struct backend *b;
    const struct head_in *in;
    float *dx, *dw;
    const float *lse, *coef;
    float *tile; // (ROWS, STRETCH)
    int row, n_rows, token, n_tokens;
    int n_columns; // blocks over c
    int n_dx;      // blocks that work on dx; those after work on dw
};

static void dlogits_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    const struct head_in *in = j->in;
    int n_parts = cpu_blocks((size_t)j->n_tokens, PART_TOKENS);
    int row = block / n_parts * PART_ROWS, token = block % n_parts * PART_TOKENS;
    int n_rows = cpu_min(PART_ROWS, j->n_rows - row), n_tokens = cpu_min(PART_TOKENS, j->n_tokens - token);
    float *tile = j->tile + (size_t)row * STRETCH + (size_t)token;
    size_t c = (size_t)in->c;
    row += j->row;
    token += j->token;
    cpu_gemm_block(j->b, &(struct gemm){.trans_b = true, .m = n_rows, .n = n_tokens, .k = in->c,
                                        .alpha = in->inv_temperature, .a = in->x + (size_t)row * c, .lda = in->c,
                                        .b = in->w + (size_t)token * c, .ldb = in->c, .c = tile, .ldc = STRETCH}, thread);
    for (int r = 0; r < n_rows; r++) {
        float *line = tile + (size_t)r * STRETCH, factor = j->coef[row + r] * in->inv_temperature;
        j->b->k->exp_scaled(line, j->lse[row + r], -factor, (size_t)n_tokens);
        int target = in->targets[row + r] - token;
        if (target >= 0 && target < n_tokens)
            line[target] += factor;
    }
}

static void products_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    const struct head_in *in = j->in;
    size_t c = (size_t)in->c, column = (size_t)(block % j->n_columns) * PART_COLUMNS;
    int n = cpu_min(PART_COLUMNS, in->c - (int)column);
    if (block < j->n_dx) {
        int row = block / j->n_columns * PART_ROWS;
        cpu_gemm_block(j->b, &(struct gemm){.m = cpu_min(PART_ROWS, j->n_rows - row), .n = n, .k = j->n_tokens,
                                            .alpha = 1, .beta = j->token > 0, .a = j->tile + (size_t)row * STRETCH,
                                            .lda = STRETCH, .b = in->w + (size_t)j->token * c + column, .ldb = in->c,
                                            .c = j->dx + (size_t)(j->row + row) * c + column, .ldc = in->c}, thread);
    } else {
        int token = (block - j->n_dx) / j->n_columns * PART_DW;
        cpu_gemm_block(j->b, &(struct gemm){.trans_a = true, .m = cpu_min(PART_DW, j->n_tokens - token), .n = n,
                                            .k = j->n_rows, .alpha = 1, .beta = 1, .a = j->tile + token,
                                            .lda = STRETCH, .b = in->x + (size_t)j->row * c + column, .ldb = in->c,
                                            .c = j->dw + (size_t)(j->token + token) * c + column, .ldc = in->c}, thread);
    }
}

void cpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in, const float *lse,
                       const float *coef)
{
    if (in->n <= 0)
        return;
    float *tile = cpu_scratch(b, (size_t)cpu_min(in->n, ROWS) * STRETCH);
    if (!tile)
        return;
    struct backward_job job = {.b = b, .in = in, .dx = dx, .dw = dw, .lse = lse, .coef = coef, .tile = tile,
                               .n_columns = cpu_blocks((size_t)in->c, PART_COLUMNS)};
    for (job.row = 0; job.row < in->n; job.row += ROWS) {
        job.n_rows = cpu_min(ROWS, in->n - job.row);
        for (job.token = 0; job.token < in->v; job.token += STRETCH) {
            job.n_tokens = cpu_min(STRETCH, in->v - job.token);
            double work = (double)job.n_rows * job.n_tokens * (in->c + 8) / 8;
            int row_parts = cpu_blocks((size_t)job.n_rows, PART_ROWS);
            cpu_run(b, row_parts * cpu_blocks((size_t)job.n_tokens, PART_TOKENS), work, dlogits_task, &job);
            job.n_dx = row_parts * job.n_columns;
            int n_dw = dw ? cpu_blocks((size_t)job.n_tokens, PART_DW) * job.n_columns : 0;
            cpu_run(b, job.n_dx + n_dw, work * (dw ? 2 : 1), products_task, &job);
        }
    }
}
