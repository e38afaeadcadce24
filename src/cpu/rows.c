// Rows by index: embeddings, gathering and scattering, rotary positions. Where rows may repeat, a block
// owns a range of columns and walks the rows in order.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <string.h>

enum {
    BLOCK_ROWS = 32,
    BLOCK_COLUMNS = 128,
};

struct rows_job {
    const struct cpu_kernels *k;
    float *out, *out2;
    const float *x;
    struct stored table, table2; // embed_task's
    const int32_t *rows, *rows2;
    const float *shares; // mix_task's
    int n, c;
};

// out += the numbers of the second table from `at` on.
static void add_row(const struct rows_job *j, float *out, size_t at)
{
    float wide[BLOCK_COLUMNS];
    for (size_t i = 0, n; i < (size_t)j->c; i += n) {
        n = (size_t)j->c - i < BLOCK_COLUMNS ? (size_t)j->c - i : BLOCK_COLUMNS;
        j->k->widen(wide, stored_from(j->table2, at + i).at, j->table2.type, n);
        j->k->add(out + i, out + i, wide, n);
    }
}

static void embed_task(void *data, int block, int thread)
{
    const struct rows_job *j = data;
    size_t c = (size_t)j->c;
    int end = cpu_min(j->n, (block + 1) * BLOCK_ROWS);
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        float *out = j->out + (size_t)i * c;
        j->k->widen(out, stored_from(j->table, (size_t)j->rows[i] * c).at, j->table.type, c);
        if (j->table2.at)
            add_row(j, out, (size_t)j->rows2[i] * c);
    }
}

void cpu_embed(struct backend *b, float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
               const int32_t *positions, int t, int c)
{
    struct rows_job job = {.k = b->k, .out = out, .table = wte, .table2 = wpe, .rows = tokens, .rows2 = positions,
                           .n = t, .c = c};
    cpu_run(b, cpu_blocks((size_t)t, BLOCK_ROWS), (double)t * c / 2, embed_task, &job);
}

void cpu_gather_rows(struct backend *b, float *out, const float *x, const int32_t *rows, int n, int c)
{
    cpu_embed(b, out, stored_f32(x), (struct stored){0}, rows, NULL, n, c);
}

static void put_task(void *data, int block, int thread)
{
    const struct rows_job *j = data;
    const size_t c = (size_t)j->c;
    const int end = cpu_min(j->n, (block + 1) * BLOCK_ROWS);
    for (int i = block * BLOCK_ROWS; i < end; i++)
        memcpy(j->out + (size_t)j->rows[i] * c, j->x + (size_t)i * c, c * sizeof *j->out);
}

void cpu_put_rows(struct backend *b, float *to, const float *from, const int32_t *rows, int n, int c)
{
    struct rows_job job = {.k = b->k, .out = to, .x = from, .rows = rows, .n = n, .c = c};
    cpu_run(b, cpu_blocks((size_t)n, BLOCK_ROWS), (double)n * c / 4, put_task, &job);
}

static void mix_task(void *data, int block, int thread)
{
    const struct rows_job *j = data;
    for (int i = block * BLOCK_ROWS; i < (block + 1) * BLOCK_ROWS && i < j->n; i++) {
        const float share = j->shares[i], *x = j->x + (size_t)i * (size_t)j->c;
        float *y = j->out + (size_t)i * (size_t)j->c;
        if (share == 1)
            memcpy(y, x, (size_t)j->c * sizeof *y);
        for (int k = 0; k < j->c && share > 0 && share < 1; k++)
            y[k] = (1 - share) * y[k] + share * x[k];
    }
}

void cpu_mix_rows(struct backend *b, float *y, const float *x, const float *shares, int n, int c)
{
    struct rows_job job = {.k = b->k, .out = y, .x = x, .shares = shares, .n = n, .c = c};
    cpu_run(b, cpu_blocks((size_t)n, BLOCK_ROWS), (double)n * c / 4, mix_task, &job);
}

static void scatter_task(void *data, int block, int thread)
{
    const struct rows_job *j = data;
    size_t c = (size_t)j->c, at = (size_t)block * BLOCK_COLUMNS, n = c - at < BLOCK_COLUMNS ? c - at : BLOCK_COLUMNS;
    for (int i = 0; i < j->n; i++) {
        const float *from = j->x + (size_t)i * c + at;
        if (j->out) {
            float *to = j->out + (size_t)j->rows[i] * c + at;
            j->k->add(to, to, from, n);
        }
        if (j->out2) {
            float *to = j->out2 + (size_t)j->rows2[i] * c + at;
            j->k->add(to, to, from, n);
        }
    }
}

void cpu_embed_backward(struct backend *b, float *dwte, float *dwpe, const float *dout, const int32_t *tokens,
                        const int32_t *positions, int t, int c)
{
    struct rows_job job = {.k = b->k, .out = dwte, .out2 = dwpe, .x = dout, .rows = tokens, .rows2 = positions, .n = t,
                           .c = c};
    cpu_run(b, cpu_blocks((size_t)c, BLOCK_COLUMNS), (double)t * c / 2, scatter_task, &job);
}

void cpu_scatter_add_rows(struct backend *b, float *dx, const float *dout, const int32_t *rows, int n, int c)
{
    cpu_embed_backward(b, dx, NULL, dout, rows, NULL, n, c);
}

struct rope_job {
    const struct cpu_kernels *k;
    float *x;
    const float *cos, *sin;
    const int32_t *positions;
    int t, n_heads, head_dim;
    bool inverse;
};

static void rope_task(void *data, int block, int thread)
{
    const struct rope_job *j = data;
    int end = cpu_min(j->t, (block + 1) * BLOCK_ROWS);
    size_t half = (size_t)(j->head_dim / 2), width = (size_t)j->n_heads * (size_t)j->head_dim;
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        size_t at = (size_t)j->positions[i] * half;
        j->k->rope(j->x + (size_t)i * width, j->cos + at, j->sin + at, j->n_heads, j->head_dim, j->inverse);
    }
}

void cpu_rope(struct backend *b, float *x, const float *cos, const float *sin, const int32_t *positions, int t,
              int n_heads, int head_dim, bool inverse)
{
    struct rope_job job = {b->k, x, cos, sin, positions, t, n_heads, head_dim, inverse};
    cpu_run(b, cpu_blocks((size_t)t, BLOCK_ROWS), (double)t * n_heads * head_dim / 2, rope_task, &job);
}
