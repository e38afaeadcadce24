// The head, backward. For some rows and a stretch of the vocabulary at a time: (1) the tile of dlogits is made from
// the logits and lse (and the reference's, for the KL), (2) it is multiplied into dx (rows own it) and dw (tokens own
// it). Logits that the forward has not kept are made again. Tiles and packed copies of their rows are the only scratch,
// whatever the batch and the vocabulary; every sum runs over the stretches in order. Tiles are tall, so that weights
// and their gradients come from memory once for all of a usual batch's rows.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <string.h>

enum {
    ROWS = 2048,
    STRETCH = HEAD_STRETCH,
};

// A part of the scratch.
struct room {
    float *at;
    size_t n;
};

struct product {
    struct gemm g;
    struct gemm_cut cut;
};

struct backward_job {
    struct backend *b;
    const struct head_in *in;
    const struct head_slopes *slopes;
    int row, n_rows, token, n_tokens;
    float *tile;          // (n_rows, STRETCH), in slopes->kept or in own_tile
    struct room own_tile, ref_tile; // own_tile: empty where logits are kept
    struct room x, ref_x; // rows, packed for the logits
    struct product logits, ref_logits;
};

static void add_at(float *line, int token, int first, int n_tokens, float value)
{
    if (token >= first && token < first + n_tokens)
        line[token - first] += value;
}

// The logits of the row's set in this stretch, at its places: from there its slopes come, when the line is used up.
struct set_part {
    const int32_t *ids;
    int n;
    float slopes[STRETCH];
};

// To be called before the line's logits are used up.
static void take_set(const struct backward_job *j, struct set_part *set, const float *line, int row, int first, int n_tokens)
{
    const struct head_slopes *s = j->slopes;
    const int32_t *begin = j->in->set_starts + row;
    set->n = cpu_set_part(j->in->set_ids + begin[0], begin[1] - begin[0], first, n_tokens, &set->ids);
    for (int i = 0; i < set->n; i++)
        set->slopes[i] = line[set->ids[i] - first];
    j->b->k->exp_scaled(set->slopes, s->set_lse[row], -s->set_logprob[row] * j->in->inv_temperature, (size_t)set->n);
}

// Logits to their slopes, of one row; `first` is the line's first token.
static void slopes_of_row(const struct backward_job *j, float *line, float *ref_line, int row, int first, int n_tokens)
{
    const struct head_slopes *s = j->slopes;
    const struct cpu_kernels *k = j->b->k;
    const float temper = j->in->inv_temperature;
    const float own = s->set_logprob ? s->set_logprob[row] * temper : 0, kl = s->kl ? s->kl[row] * temper : 0;
    const bool has_set = own != 0 && j->in->set_starts && j->in->set_starts[row] != j->in->set_starts[row + 1];
    const float logprob = (s->logprob ? s->logprob[row] * temper : 0) + (has_set ? 0 : own);
    const float gap = s->gap ? s->gap[row] * temper : 0, cap = j->in->cap * temper; // of logits times temper
    float capped[STRETCH];
    struct set_part set;
    set.n = 0;
    if (has_set)
        take_set(j, &set, line, row, first, n_tokens);
    if (cap > 0)
        memcpy(capped, line, (size_t)n_tokens * sizeof *capped);
    k->exp_scaled(line, s->lse[row], kl - logprob, (size_t)n_tokens);
    if (kl != 0) {
        k->exp_scaled(ref_line, s->ref_lse[row], -kl, (size_t)n_tokens);
        k->add(line, line, ref_line, (size_t)n_tokens);
    }
    for (int i = 0; i < set.n; i++)
        line[set.ids[i] - first] += set.slopes[i];
    add_at(line, j->in->targets[row], first, n_tokens, logprob + gap + (has_set ? own : 0));
    if (gap != 0)
        add_at(line, s->rivals[row], first, n_tokens, -gap);
    if (cap > 0)
        k->soft_cap_backward(line, capped, cap, (size_t)n_tokens);
}

static void make_logits(const struct backward_job *j, const struct gemm *g, int thread)
{
    cpu_gemm_block(j->b, g, thread);
    for (int r = 0; j->in->cap > 0 && r < g->m; r++)
        j->b->k->soft_cap(g->c + (size_t)r * STRETCH, j->in->cap, (size_t)g->n);
    for (int r = 0; j->in->inv_temperature != 1 && r < g->m; r++)
        j->b->k->scale(g->c + (size_t)r * STRETCH, j->in->inv_temperature, (size_t)g->n);
}

static void dlogits_task(void *data, int block, int thread)
{
    const struct backward_job *j = data;
    int row, column;
    struct gemm g = cpu_gemm_cut_out(&j->logits.g, &j->logits.cut, block, &row, &column);
    if (!j->slopes->kept)
        make_logits(j, &g, thread);
    float *ref_line = NULL;
    if (j->slopes->kl) {
        struct gemm ref = cpu_gemm_cut_out(&j->ref_logits.g, &j->ref_logits.cut, block, &row, &column);
        make_logits(j, &ref, thread);
        ref_line = ref.c;
    }
    for (int r = 0; r < g.m; r++)
        slopes_of_row(j, g.c + (size_t)r * STRETCH, ref_line ? ref_line + (size_t)r * STRETCH : NULL, j->row + row + r,
                      j->token + column, g.n);
}

// The logits of the job's rows and the whole vocabulary, their rows packed once for all stretches.
static struct gemm row_logits(const struct backward_job *j, const float *x, struct stored w, struct room room)
{
    const struct head_in *in = j->in;
    struct gemm g = {.trans_b = true, .m = j->n_rows, .n = in->v, .k = in->c, .alpha = 1,
                     .a = x + (size_t)j->row * (size_t)in->c, .lda = in->c, .b = w.at,
                     .b_type = w.type, .ldb = in->c, .ldc = STRETCH};
    cpu_gemm_pack(j->b, &g, room.at, room.n);
    return g;
}

// The job's stretch of them.
static struct product stretch_of(const struct backward_job *j, struct gemm logits, float *tile)
{
    logits.n = j->n_tokens;
    gemm_move_b(&logits, (size_t)j->token * (size_t)logits.ldb);
    logits.c = tile;
    return (struct product){logits, cpu_gemm_cut(j->b, &logits)};
}

// dx += tile w
static void add_dx(const struct backward_job *j, float *dx)
{
    const struct head_in *in = j->in;
    const struct stored w = stored_from(in->w, (size_t)j->token * (size_t)in->c);
    cpu_gemm(j->b, &(struct gemm){.m = j->n_rows, .n = in->c, .k = j->n_tokens, .alpha = 1, .beta = j->token > 0,
                                  .a = j->tile, .lda = STRETCH, .b = w.at, .b_type = w.type,
                                  .ldb = in->c, .c = dx + (size_t)j->row * (size_t)in->c, .ldc = in->c});
}

// dw += tile^T x
static void add_dw(const struct backward_job *j, float *dw)
{
    const struct head_in *in = j->in;
    cpu_gemm(j->b, &(struct gemm){.trans_a = true, .m = j->n_tokens, .n = in->c, .k = j->n_rows, .alpha = 1, .beta = 1,
                                  .a = j->tile, .lda = STRETCH, .b = in->x + (size_t)j->row * (size_t)in->c,
                                  .ldb = in->c, .c = dw + (size_t)j->token * (size_t)in->c, .ldc = in->c});
}

static void take(struct room *room, float *base, size_t *used, size_t n)
{
    *room = (struct room){base ? base + *used : NULL, n};
    *used += n;
}

// Lays the job's rooms out for its n_rows and n_tokens, the most there will be; with base NULL it only counts.
static size_t lay_out(struct backward_job *j, float *base)
{
    const struct backend *b = j->b;
    const bool kl = j->slopes->kl, again = !j->slopes->kept;
    const struct gemm logits = {.trans_b = true, .m = j->n_rows, .n = j->n_tokens, .k = j->in->c};
    const size_t n_tile = (size_t)j->n_rows * STRETCH, n_x = cpu_gemm_packed(b, &logits);
    size_t used = 0;
    take(&j->own_tile, base, &used, again ? n_tile : 0);
    take(&j->x, base, &used, again ? n_x : 0);
    take(&j->ref_tile, base, &used, kl ? n_tile : 0);
    take(&j->ref_x, base, &used, kl ? n_x : 0);
    return used;
}

static void backward_rows(struct backward_job *j, float *dx, float *dw)
{
    const struct head_in *in = j->in;
    float *kept = j->slopes->kept;
    const bool kl = j->slopes->kl != NULL;
    const struct gemm logits = row_logits(j, in->x, in->w, j->x);
    const struct gemm ref = kl ? row_logits(j, in->ref_x, in->ref_w, j->ref_x) : (struct gemm){0};
    const double work = (double)((!kept + kl) * in->c + 8 * (1 + kl)) / 8; // of one logit
    for (j->token = 0; j->token < in->v; j->token += STRETCH) {
        j->n_tokens = cpu_min(STRETCH, in->v - j->token);
        j->tile = kept ? kept + (size_t)j->token * (size_t)in->n + (size_t)j->row * STRETCH : j->own_tile.at;
        j->logits = stretch_of(j, logits, j->tile);
        if (kl)
            j->ref_logits = stretch_of(j, ref, j->ref_tile.at);
        cpu_run(j->b, j->logits.cut.n_blocks, work * j->n_rows * j->n_tokens, dlogits_task, j);
        add_dx(j, dx);
        if (dw)
            add_dw(j, dw);
    }
}

void cpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in,
                       const struct head_slopes *slopes)
{
    if (in->n <= 0 || in->v <= 0)
        return;
    struct backward_job job = {.b = b, .in = in, .slopes = slopes, .n_rows = cpu_min(in->n, ROWS),
                               .n_tokens = cpu_min(in->v, STRETCH)};
    float *scratch = cpu_scratch(b, lay_out(&job, NULL));
    if (!scratch)
        return;
    lay_out(&job, scratch);
    for (; job.row < in->n; job.row += ROWS) {
        job.n_rows = cpu_min(ROWS, in->n - job.row);
        job.token = 0;
        job.n_tokens = cpu_min(in->v, STRETCH);
        backward_rows(&job, dx, dw);
    }
}
