// The head, forward: log-probabilities of the targets. A block takes some rows and a chunk of the vocabulary,
// makes that tile of logits in its thread's scratch and reduces it to a few numbers per row; the chunks of a
// row are then put together in order.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <math.h>

enum {
    BLOCK_ROWS = 256, // a block's rows, weights and logits fit into the second cache together
    CHUNK = 384,      // of the vocabulary
};

// Of one row's logits in one chunk
struct chunk_sums {
    float top;    // maximum
    float sum;    // of exp(logit - top)
    float moment; // of exp(logit - top) * (logit - top)
};

struct head_job {
    struct backend *b;
    const struct head_in *in;
    const struct head_out *out;
    int n_chunks, n_row_blocks;
    struct chunk_sums *sums; // (n, n_chunks)
    float *target_logit;     // (n)
    float *logits;           // (n_threads, BLOCK_ROWS, CHUNK)
};

static void logits_task(void *data, int block, int thread)
{
    const struct head_job *j = data;
    const struct head_in *in = j->in;
    const struct cpu_kernels *k = j->b->k;
    // All rows meet a chunk before the next one: the weights come from memory once.
    int row = block % j->n_row_blocks * BLOCK_ROWS, chunk = block / j->n_row_blocks, token = chunk * CHUNK;
    int n_rows = cpu_min(BLOCK_ROWS, in->n - row), n_tokens = cpu_min(CHUNK, in->v - token);
    float *logits = j->logits + (size_t)thread * BLOCK_ROWS * CHUNK;
    size_t c = (size_t)in->c;
    cpu_gemm_block(j->b, &(struct gemm){.trans_b = true, .m = n_rows, .n = n_tokens, .k = in->c,
                                        .alpha = in->inv_temperature, .a = in->x + (size_t)row * c, .lda = in->c,
                                        .b = in->w + (size_t)token * c, .ldb = in->c, .c = logits, .ldc = CHUNK}, thread);
    for (int r = 0; r < n_rows; r++) {
        float *line = logits + (size_t)r * CHUNK;
        struct chunk_sums *s = &j->sums[(size_t)(row + r) * (size_t)j->n_chunks + (size_t)chunk];
        int target = in->targets[row + r] - token;
        if (target >= 0 && target < n_tokens)
            j->target_logit[row + r] = line[target];
        s->top = k->max(line, (size_t)n_tokens);
        if (j->out->entropy)
            s->sum = k->exp_moment(line, s->top, (size_t)n_tokens, &s->moment);
        else
            s->sum = k->exp_sum(line, s->top, (size_t)n_tokens);
    }
}

static void combine_task(void *data, int block, int thread)
{
    const struct head_job *j = data;
    const struct head_out *out = j->out;
    int end = cpu_min(j->in->n, (block + 1) * BLOCK_ROWS);
    for (int i = block * BLOCK_ROWS; i < end; i++) {
        const struct chunk_sums *s = j->sums + (size_t)i * (size_t)j->n_chunks;
        double top = -INFINITY, sum = 0, moment = 0;
        for (int c = 0; c < j->n_chunks; c++)
            top = s[c].top > top ? s[c].top : top;
        for (int c = 0; c < j->n_chunks; c++) {
            double weight = exp(s[c].top - top);
            sum += weight * s[c].sum;
            if (out->entropy && weight > 0)
                moment += weight * (s[c].moment + (s[c].top - top) * s[c].sum);
        }
        double lse = top + log(sum);
        out->logprobs[i] = (float)(j->target_logit[i] - lse);
        out->lse[i] = (float)lse;
        if (out->entropy)
            out->entropy[i] = (float)(log(sum) - moment / sum);
        if (out->is_top)
            out->is_top[i] = j->target_logit[i] >= (float)top;
    }
}

void cpu_head(struct backend *b, const struct head_out *out, const struct head_in *in)
{
    if (in->n <= 0)
        return;
    int n_chunks = cpu_blocks((size_t)in->v, CHUNK), n_rows = cpu_min(BLOCK_ROWS, in->n);
    size_t n_logits = (size_t)b->n_threads * BLOCK_ROWS * CHUNK, n = (size_t)in->n;
    if (n_rows < BLOCK_ROWS) // a small batch needs no full tile; rows of the tile stay CHUNK apart
        n_logits = ((size_t)(b->n_threads - 1) * BLOCK_ROWS + (size_t)n_rows) * CHUNK;
    float *scratch = cpu_scratch(b, n_logits + n + n * (size_t)n_chunks * (sizeof(struct chunk_sums) / sizeof(float)));
    if (!scratch)
        return;
    int row_blocks = cpu_blocks(n, BLOCK_ROWS);
    struct head_job job = {b, in, out, n_chunks, row_blocks, (struct chunk_sums *)(void *)(scratch + n_logits + n),
                           scratch + n_logits, scratch};
    cpu_run(b, row_blocks * n_chunks, (double)in->n * in->v * (in->c + 8) / 8, logits_task, &job);
    cpu_run(b, row_blocks, (double)in->n * n_chunks * 20, combine_task, &job);
}
