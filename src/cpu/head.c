// The head, forward: log-probabilities of the targets, and what else objectives ask of a row's logits. A block takes
// some rows and a chunk of the vocabulary, makes that tile of logits (and the reference's) in its thread's scratch and
// reduces it to a few numbers per row; the chunks of a row are then put together in order.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK_ROWS = 256,       // a block's, about: they, weights and logits fit into the second cache together
    CHUNK = HEAD_CHUNK,
    KEEP_BYTES = 128 << 20,
    PIECE_FLOATS = 4 << 20, // rows are taken in pieces whose reduced numbers need about so much memory
};
_Static_assert(HEAD_STRETCH % CHUNK == 0, "a chunk lies in one stretch of the kept logits");

// Of one row's logits in one chunk
struct chunk_sums {
    struct log_sum exps;
    float moment;  // of exp(logit - top) * (logit - top)
    float squares; // of exp(logit - top)^2
};
// The same of the reference's, and how far the two logits are apart.
struct reference_sums {
    float top, sum;
    float cross; // of exp(ref - top) * (ref - logit)
};

struct head_job {
    struct backend *b;
    const struct head_in *in;
    const struct head_out *out;
    int first, n; // the rows of this piece
    int n_chunks, block_rows, n_row_blocks, tile_rows;
    struct chunk_sums *sums;    // (n, n_chunks)
    struct log_sum *set_sums;   // (n, n_chunks) with out->set_logprobs
    struct reference_sums *ref; // (n, n_chunks) with out->kl
    struct rival *picks;        // (n, n_chunks, in->n_rivals) with out->rivals
    float *target_logit;        // (n)
    float *tiles, *ref_tiles;   // (n_threads, tile_rows, CHUNK)
    struct gemm logits, ref_logits; // of the piece's rows with all tokens; tiles take parts of it
    size_t n_packed;            // floats that the packed rows of one of them need
    float *packed, *ref_packed;
};

static void make_tile(const struct head_job *j, const struct gemm *logits, float *tile, int row, int token, int thread)
{
    struct gemm part = cpu_gemm_part(logits, row, j->block_rows, token, CHUNK);
    part.c = tile;
    cpu_gemm_block(j->b, &part, thread);
    for (int r = 0; j->in->cap > 0 && r < part.m; r++)
        j->b->k->soft_cap(tile + (size_t)r * CHUNK, j->in->cap, (size_t)part.n);
    for (int r = 0; j->in->inv_temperature != 1 && r < part.m; r++)
        j->b->k->scale(tile + (size_t)r * CHUNK, j->in->inv_temperature, (size_t)part.n);
}

// The same of logits that are known.
static void copy_tile(const struct head_job *j, float *tile, int row, int n_rows, int token, int n_tokens)
{
    const struct head_in *in = j->in;
    for (int r = 0; r < n_rows; r++, tile += CHUNK) {
        const size_t from = (size_t)in->logit_rows[j->first + row + r] * (size_t)in->v + (size_t)token;
        memcpy(tile, in->logits + from, (size_t)n_tokens * sizeof *tile);
        if (in->inv_temperature != 1)
            j->b->k->scale(tile, in->inv_temperature, (size_t)n_tokens);
    }
}

// at: the row's place in the piece.

// Puts a row's logits where the backward finds them.
static void keep_row(const struct head_job *j, const float *line, int at, int token, int n_tokens)
{
    const size_t stretch = (size_t)(token / HEAD_STRETCH), row = (size_t)(j->first + at);
    memcpy(j->out->kept + (stretch * (size_t)j->in->n + row) * HEAD_STRETCH + token % HEAD_STRETCH, line,
           (size_t)n_tokens * sizeof *line);
}

// The sum over what the row's set has in this chunk.
static void reduce_set(const struct head_job *j, const float *line, int at, int chunk, int n_tokens)
{
    const struct head_in *in = j->in;
    const int32_t *begin = in->set_starts + j->first + at, *ids;
    float taken[CHUNK];
    const int first = chunk * CHUNK;
    const int n = cpu_set_part(in->set_ids + begin[0], begin[1] - begin[0], first, n_tokens, &ids);
    for (int i = 0; i < n; i++)
        taken[i] = line[ids[i] - first];
    j->set_sums[(size_t)at * (size_t)j->n_chunks + (size_t)chunk] = cpu_sum_chunk(j->b->k, taken, n);
}

// Reduces one row of the tile, which is used up.
static void reduce_row(const struct head_job *j, float *line, const float *ref_line, int at, int chunk, int n_tokens)
{
    const struct head_out *out = j->out;
    const struct cpu_kernels *k = j->b->k;
    const size_t place = (size_t)at * (size_t)j->n_chunks + (size_t)chunk, n = (size_t)n_tokens;
    struct chunk_sums *s = &j->sums[place];
    const int first = chunk * CHUNK, target = j->in->targets[j->first + at];
    if (target >= first && target < first + n_tokens)
        j->target_logit[at] = line[target - first];
    if (out->rivals)
        cpu_head_pick_rivals(j->picks + place * (size_t)j->in->n_rivals, j->in->n_rivals, line, n_tokens, first,
                             target);
    if (out->kl) {
        struct reference_sums *r = &j->ref[place];
        r->top = k->max(ref_line, n);
        r->sum = k->exp_cross(ref_line, line, r->top, n, &r->cross);
    }
    if (j->set_sums)
        reduce_set(j, line, at, chunk, n_tokens);
    if (out->entropy) {
        s->exps = cpu_moment_chunk(k, line, n_tokens, &s->moment);
    }
    if (!out->entropy || out->sum_squares)
        s->exps = cpu_sum_chunk(k, line, n_tokens);
    if (out->sum_squares)
        s->squares = (float)k->sum_squares(line, n);
}

static void tile_task(void *data, int block, int thread)
{
    const struct head_job *j = data;
    const struct head_in *in = j->in;
    // All rows meet a chunk before the next one: the weights come from memory once.
    int row = block % j->n_row_blocks * j->block_rows, chunk = block / j->n_row_blocks, token = chunk * CHUNK;
    int n_rows = cpu_min(j->block_rows, j->n - row), n_tokens = cpu_min(CHUNK, in->v - token);
    const size_t tile_at = (size_t)thread * (size_t)j->tile_rows * CHUNK;
    float *tile = j->tiles + tile_at, *ref_tile = j->out->kl ? j->ref_tiles + tile_at : NULL;
    if (in->logits)
        copy_tile(j, tile, row, n_rows, token, n_tokens);
    else
        make_tile(j, &j->logits, tile, row, token, thread);
    if (ref_tile)
        make_tile(j, &j->ref_logits, ref_tile, row, token, thread);
    for (int r = 0; r < n_rows; r++) {
        float *line = tile + (size_t)r * CHUNK;
        if (j->out->kept)
            keep_row(j, line, row + r, token, n_tokens);
        reduce_row(j, line, ref_tile ? ref_tile + (size_t)r * CHUNK : NULL, row + r, chunk, n_tokens);
    }
}

// KL = E_ref[ref - logit] - lse(ref) + lse: equal logits give exactly 0, and rounding nothing below it.
static void combine_reference(const struct head_job *j, int at, double lse)
{
    const struct reference_sums *s = j->ref + (size_t)at * (size_t)j->n_chunks;
    double top = -INFINITY, sum = 0, cross = 0;
    for (int c = 0; c < j->n_chunks; c++)
        top = s[c].top > top ? s[c].top : top;
    for (int c = 0; c < j->n_chunks; c++) {
        double weight = exp(s[c].top - top);
        sum += weight * s[c].sum;
        cross += weight * s[c].cross;
    }
    double ref_lse = top + log(sum), kl = cross / sum - ref_lse + lse;
    j->out->ref_lse[j->first + at] = (float)ref_lse;
    j->out->kl[j->first + at] = kl < 0 ? 0 : (float)kl; // NaN stays
}

static void combine_set(const struct head_job *j, int at)
{
    const struct head_out *out = j->out;
    const int i = j->first + at;
    const int32_t *begin = j->in->set_starts ? j->in->set_starts + i : NULL;
    double top, sum;
    if (!begin || begin[0] == begin[1]) { // the whole vocabulary
        out->set_logprobs[i] = out->logprobs[i];
        out->set_lse[i] = out->lse[i];
        return;
    }
    const double lse =
        cpu_log_sum(j->set_sums + (size_t)at * (size_t)j->n_chunks, sizeof *j->set_sums, j->n_chunks, &top, &sum);
    out->set_logprobs[i] = (float)(j->target_logit[at] - lse);
    out->set_lse[i] = (float)lse;
}

static void combine_row(const struct head_job *j, int at)
{
    const struct head_out *out = j->out;
    const struct chunk_sums *s = j->sums + (size_t)at * (size_t)j->n_chunks;
    const int i = j->first + at, k = j->in->n_rivals;
    double top, sum, moment = 0, squares = 0;
    const double lse = cpu_log_sum(&s->exps, sizeof *s, j->n_chunks, &top, &sum);
    for (int c = 0; (out->entropy || out->sum_squares) && c < j->n_chunks; c++) {
        double weight = exp(s[c].exps.top - top);
        squares += weight * weight * s[c].squares;
        if (out->entropy)
            moment += cpu_moment(&s[c].exps, s[c].moment, top);
    }
    out->logprobs[i] = (float)(j->target_logit[at] - lse);
    out->lse[i] = (float)lse;
    if (out->set_logprobs)
        combine_set(j, at);
    if (out->entropy)
        out->entropy[i] = cpu_entropy(sum, moment);
    if (out->is_top)
        out->is_top[i] = j->target_logit[at] >= (float)top;
    if (out->sum_squares)
        out->sum_squares[i] = (float)(log(squares) - 2 * log(sum));
    if (out->rivals) {
        struct rival r = cpu_head_draw_rival(j->picks + (size_t)at * (size_t)j->n_chunks * (size_t)k, j->n_chunks, k,
                                             j->in->draws[i]);
        out->rivals[i] = r.token < 0 ? j->in->targets[i] : r.token;
        out->gaps[i] = r.token < 0 ? 0 : j->target_logit[at] - r.logit;
    }
    if (out->kl)
        combine_reference(j, at, lse);
}

static void combine_task(void *data, int block, int thread)
{
    const struct head_job *j = data;
    const int end = cpu_min(j->n, (block + 1) * j->block_rows);
    for (int at = block * j->block_rows; at < end; at++)
        combine_row(j, at);
}

// n floats of the scratch; with base NULL it only counts.
static float *carve(float *base, size_t *used, size_t n)
{
    float *at = base ? base + *used : NULL;
    *used += n;
    return at;
}

static size_t lay_out(struct head_job *j, float *base, size_t n)
{
    const size_t chunks = (size_t)j->n_chunks, tiles = (size_t)j->b->n_threads * (size_t)j->tile_rows * CHUNK;
    size_t used = 0;
    j->packed = carve(base, &used, j->in->logits ? 0 : j->n_packed);
    if (j->out->kl)
        j->ref_packed = carve(base, &used, j->n_packed);
    j->tiles = carve(base, &used, tiles);
    if (j->out->kl)
        j->ref_tiles = carve(base, &used, tiles);
    j->target_logit = carve(base, &used, n);
    j->sums = (struct chunk_sums *)(void *)carve(base, &used, n * chunks * (sizeof *j->sums / sizeof(float)));
    if (j->out->kl)
        j->ref = (struct reference_sums *)(void *)carve(base, &used, n * chunks * (sizeof *j->ref / sizeof(float)));
    if (j->out->set_logprobs && j->in->set_starts)
        j->set_sums = (struct log_sum *)(void *)carve(base, &used, n * chunks * (sizeof *j->set_sums / sizeof(float)));
    if (j->out->rivals)
        j->picks = (struct rival *)(void *)carve(base, &used, n * chunks * (size_t)j->in->n_rivals *
                                                              (sizeof *j->picks / sizeof(float)));
    return used;
}

// The product of the piece's rows with the vocabulary; its rows are packed once for all tiles.
static struct gemm piece_logits(const struct head_job *j, const float *x, struct stored w, float *packed)
{
    const struct head_in *in = j->in;
    struct gemm g = {.trans_b = true, .m = j->n, .n = in->v, .k = in->c, .alpha = 1,
                     .a = x + (size_t)j->first * (size_t)in->c, .lda = in->c, .b = w.at,
                     .b_type = w.type, .ldb = in->c, .ldc = CHUNK};
    cpu_gemm_pack(j->b, &g, packed, packed ? j->n_packed : 0);
    return g;
}

// In bf16 the product is faster than the memory that it would save reading.
size_t cpu_head_keeps(const struct backend *b)
{
    return b->bf16 ? 0 : KEEP_BYTES;
}

void cpu_head(struct backend *b, const struct head_out *out, const struct head_in *in)
{
    if (in->n <= 0)
        return;
    BUG_IF(out->rivals && (in->n_rivals < 1 || in->n_rivals > HEAD_MAX_RIVALS));
    // A small batch needs no full tile; rows of the tile stay CHUNK apart.
    struct head_job j = {.b = b, .in = in, .out = out, .n_chunks = cpu_blocks((size_t)in->v, CHUNK),
                         .tile_rows = cpu_min(in->n, BLOCK_ROWS + GEMM_MOST_STRIP)};
    const size_t per_row = lay_out(&j, NULL, 1) - lay_out(&j, NULL, 0);
    int piece = BLOCK_ROWS;
    while (piece < in->n && (size_t)piece * 2 * per_row <= PIECE_FLOATS)
        piece *= 2;
    j.n = piece = cpu_min(piece, in->n);
    j.logits = piece_logits(&j, in->x, in->w, NULL);
    j.n_packed = cpu_gemm_packed(b, &j.logits);
    float *scratch = cpu_scratch(b, lay_out(&j, NULL, (size_t)piece));
    if (!scratch)
        return;
    lay_out(&j, scratch, (size_t)piece);
    for (j.first = 0; j.first < in->n; j.first += piece) {
        j.n = cpu_min(piece, in->n - j.first);
        j.block_rows = cpu_gemm_rows(b, j.n, BLOCK_ROWS);
        j.n_row_blocks = cpu_blocks((size_t)j.n, (size_t)j.block_rows);
        const double products = (in->logits ? 0 : 1) + (out->kl ? 1 : 0);
        if (!in->logits)
            j.logits = piece_logits(&j, in->x, in->w, j.n_packed ? j.packed : NULL);
        if (out->kl)
            j.ref_logits = piece_logits(&j, in->ref_x, in->ref_w, j.n_packed ? j.ref_packed : NULL);
        cpu_run(b, j.n_row_blocks * j.n_chunks, (double)j.n * in->v * (products * in->c + 8) / 8, tile_task, &j);
        cpu_run(b, j.n_row_blocks, (double)j.n * j.n_chunks * 20, combine_task, &j);
    }
}
