// The head, backward. For some rows and a stretch of the vocabulary at a time: (1) the tile of dlogits is made
// again from the logits and lse (and the reference's, for the KL), (2) it is multiplied into dx (rows own it) and dw
// (tokens own it). The tile and packed copies of it, of its rows and of its weights are the only scratch, whatever the
// batch and the vocabulary; every sum runs over the stretches in order. Tiles are tall, so that weights and their
// gradients come from memory once for all of a usual batch's rows.
#include "config.h"

#include "cpu/backend_cpu.h"

enum {
    ROWS = 2048,
    STRETCH = 768,
};

// A part of the scratch.
struct room {
    float *at;
    size_t n;
};

struct backward_job {
    struct backend *b;
    const struct head_in *in;
    const struct head_slopes *slopes;
    int row, n_rows, token, n_tokens;
    float *tile;                 // (ROWS, STRETCH)
    struct room other;           // the reference's tile, and when that is used up what the tile's products pack
    struct room x, ref_x;        // rows, packed for the logits
    struct room w, ref_w;        // a stretch of the weights, packed for the logits
    struct room x_of_dw;         // rows, packed for dw
    const float *x_of_dw_packed; // the same when they are; NULL: they are not
    struct product {
        struct gemm g;
        struct gemm_cut cut;
    } logits, ref_logits, product; // product: of the tile, into dx or dw
};

static struct gemm block_of(const struct product *p, int block, int *row, int *column)
{
    *row = block / p->cut.n_columns * p->cut.rows;
    *column = block % p->cut.n_columns * p->cut.columns;
    return cpu_gemm_part(&p->g, *row, p->cut.rows, *column, p->cut.columns);
}

static void add_at(float *line, int token, int first, int n_tokens, float value)
{
    if (token >= first && token < first + n_tokens)
        line[token - first] += value;
}

// Logits to their slopes, of one row; `first` is the line's first token.
static void slopes_of_row(const struct backward_job *j, float *line, float *ref_line, int row, int first, int n_tokens)
{
    const struct head_slopes *s = j->slopes;
    const struct cpu_kernels *k = j->b->k;
    const float temper = j->in->inv_temperature;
    const float logprob = s->logprob ? s->logprob[row] * temper : 0, kl = s->kl ? s->kl[row] * temper : 0;
    const float gap = s->gap ? s->gap[row] * temper : 0;
    k->exp_scaled(line, s->lse[row], kl - logprob, (size_t)n_tokens);
    if (kl != 0) {
        k->exp_scaled(ref_line, s->ref_lse[row], -kl, (size_t)n_tokens);
        k->add(line, line, ref_line, (size_t)n_tokens);
    }
    add_at(line, j->in->targets[row], first, n_tokens, logprob + gap);
    if (gap != 0)
        add_at(line, s->rivals[row], first, n_tokens, -gap);
}

static void dlogits_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    int row, column;
    struct gemm g = block_of(&j->logits, block, &row, &column);
    cpu_gemm_block(j->b, &g, thread);
    float *ref_line = NULL;
    if (j->slopes->kl) {
        struct gemm ref = block_of(&j->ref_logits, block, &row, &column);
        cpu_gemm_block(j->b, &ref, thread);
        ref_line = ref.c;
    }
    for (int r = 0; r < g.m; r++)
        slopes_of_row(j, g.c + (size_t)r * STRETCH, ref_line ? ref_line + (size_t)r * STRETCH : NULL, j->row + row + r,
                      j->token + column, g.n);
}

static void product_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    int row, column;
    struct gemm g = block_of(&j->product, block, &row, &column);
    cpu_gemm_block(j->b, &g, thread);
}

// Cuts the product in blocks and packs what they share, where that pays; b_packed: it may be packed already.
static void make_product(struct backend *b, struct product *p, struct gemm g, const float *b_packed, struct room room)
{
    p->cut = cpu_gemm_cut(b, g.m, g.n);
    p->g = g;
    if (p->cut.shared == GEMM_B)
        p->g.packed_b = b_packed;
    if (p->cut.n_blocks > 1)
        cpu_gemm_share(b, &p->g, p->cut.shared, room.at, room.n);
}

// The logits of the job's rows and the whole vocabulary, their rows packed once for all stretches.
static struct gemm row_logits(const struct backward_job *j, const float *x, const float *w, float *tile,
                              struct room room)
{
    const struct head_in *in = j->in;
    struct gemm g = {.trans_b = true, .m = j->n_rows, .n = in->v, .k = in->c, .alpha = in->inv_temperature,
                     .a = x + (size_t)j->row * (size_t)in->c, .lda = in->c, .b = w, .ldb = in->c, .c = tile,
                     .ldc = STRETCH};
    cpu_gemm_share(j->b, &g, GEMM_A, room.at, room.n);
    return g;
}

static struct gemm stretch_of(struct gemm logits, int token, int n_tokens)
{
    logits.n = n_tokens;
    logits.b += (size_t)token * (size_t)logits.ldb;
    return logits;
}

static void multiply_tile(struct backward_job *j, struct gemm g, const float *b_packed)
{
    make_product(j->b, &j->product, g, b_packed, j->other);
    cpu_run(j->b, j->product.cut.n_blocks, (double)g.m * g.n * (g.k + 8) / 8, product_task, j);
}

// dx += tile w
static struct gemm product_for_dx(const struct backward_job *j, float *dx)
{
    const struct head_in *in = j->in;
    return (struct gemm){.m = j->n_rows, .n = in->c, .k = j->n_tokens, .alpha = 1, .beta = j->token > 0, .a = j->tile,
                         .lda = STRETCH, .b = in->w + (size_t)j->token * (size_t)in->c, .ldb = in->c,
                         .c = dx + (size_t)j->row * (size_t)in->c, .ldc = in->c};
}

// dw += tile^T x
static struct gemm product_for_dw(const struct backward_job *j, float *dw)
{
    const struct head_in *in = j->in;
    return (struct gemm){.trans_a = true, .m = j->n_tokens, .n = in->c, .k = j->n_rows, .alpha = 1, .beta = 1,
                         .a = j->tile, .lda = STRETCH, .b = in->x + (size_t)j->row * (size_t)in->c, .ldb = in->c,
                         .c = dw + (size_t)j->token * (size_t)in->c, .ldc = in->c};
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void take(struct room *room, float *base, size_t *used, size_t n)
{
    *room = (struct room){base ? base + *used : NULL, n};
    *used += n;
}

// Lays the job's rooms out for its n_rows and n_tokens, the most there will be; with base NULL it only counts.
static size_t lay_out(struct backward_job *j, float *base, bool kl, bool dw)
{
    const struct backend *b = j->b;
    const struct gemm logits = {.trans_b = true, .m = j->n_rows, .n = j->n_tokens, .k = j->in->c};
    const struct gemm of_dx = {.m = j->n_rows, .n = j->in->c, .k = j->n_tokens};
    const struct gemm of_dw = {.trans_a = true, .m = j->n_tokens, .n = j->in->c, .k = j->n_rows};
    const size_t n_tile = (size_t)j->n_rows * STRETCH, n_x = cpu_gemm_shared(b, &logits, GEMM_A);
    const size_t n_w = cpu_gemm_shared(b, &logits, GEMM_B);
    const size_t for_dx = larger(cpu_gemm_shared(b, &of_dx, GEMM_A), cpu_gemm_shared(b, &of_dx, GEMM_B));
    const size_t for_dw = dw ? cpu_gemm_shared(b, &of_dw, GEMM_A) : 0;
    struct room tile;
    size_t used = 0;
    take(&tile, base, &used, n_tile);
    j->tile = tile.at;
    take(&j->other, base, &used, larger(kl ? n_tile : 0, larger(for_dx, for_dw)));
    take(&j->x, base, &used, n_x);
    take(&j->w, base, &used, n_w);
    take(&j->ref_x, base, &used, kl ? n_x : 0);
    take(&j->ref_w, base, &used, kl ? n_w : 0);
    const bool shares_x = dw && cpu_gemm_cut(b, of_dw.m, of_dw.n).shared == GEMM_B;
    take(&j->x_of_dw, base, &used, shares_x ? cpu_gemm_shared(b, &of_dw, GEMM_B) : 0);
    return used;
}

static void backward_rows(struct backward_job *j, float *dx, float *dw)
{
    const struct head_in *in = j->in;
    const bool kl = j->slopes->kl != NULL;
    const struct gemm logits = row_logits(j, in->x, in->w, j->tile, j->x);
    const struct gemm ref = kl ? row_logits(j, in->ref_x, in->ref_w, j->other.at, j->ref_x) : (struct gemm){0};
    if (dw) {
        struct gemm g = product_for_dw(j, dw);
        cpu_gemm_share(j->b, &g, GEMM_B, j->x_of_dw.at, j->x_of_dw.n);
        j->x_of_dw_packed = g.packed_b;
    }
    for (j->token = 0; j->token < in->v; j->token += STRETCH) {
        j->n_tokens = cpu_min(STRETCH, in->v - j->token);
        make_product(j->b, &j->logits, stretch_of(logits, j->token, j->n_tokens), NULL, j->w);
        if (kl)
            make_product(j->b, &j->ref_logits, stretch_of(ref, j->token, j->n_tokens), NULL, j->ref_w);
        const double work = (double)j->n_rows * j->n_tokens * (in->c + 8) / 8;
        cpu_run(j->b, j->logits.cut.n_blocks, (kl ? 2 : 1) * work, dlogits_task, j);
        multiply_tile(j, product_for_dx(j, dx), NULL);
        if (dw)
            multiply_tile(j, product_for_dw(j, dw), j->x_of_dw_packed);
    }
}

void cpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in,
                       const struct head_slopes *slopes)
{
    if (in->n <= 0 || in->v <= 0)
        return;
    const bool kl = slopes->kl != NULL;
    struct backward_job job = {.b = b, .in = in, .slopes = slopes, .n_rows = cpu_min(in->n, ROWS),
                               .n_tokens = cpu_min(in->v, STRETCH)};
    float *scratch = cpu_scratch(b, lay_out(&job, NULL, kl, dw != NULL));
    if (!scratch)
        return;
    lay_out(&job, scratch, kl, dw != NULL);
    for (; job.row < in->n; job.row += ROWS) {
        job.n_rows = cpu_min(ROWS, in->n - job.row);
        job.token = 0;
        job.n_tokens = cpu_min(in->v, STRETCH);
        backward_rows(&job, dx, dw);
    }
}
