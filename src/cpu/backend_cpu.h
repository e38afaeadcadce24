// Inside of the cpu backend: its state and the functions that fill the table, one family a file.
//
// Work is cut in blocks by shape alone; blocks run on the pool in any order, each result has one owner.
// Denormals are flushed to zero (FTZ and DAZ) inside every block on every thread, and nowhere else.
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/pool.h"
#include "cpu/bf16.h"
#include "cpu/kernels.h"
#include "model/backend.h"

struct backend {
    struct pool *pool;
    int n_threads;
    enum precision precision;
    const struct cpu_kernels *k;
    atomic_bool failed;
    struct err fault; // the first failure; sync reports it once
    pthread_mutex_t fault_lock;
    // scratch: one buffer that only grows; see cpu_scratch
    float *scratch;
    size_t scratch_floats;
    size_t scratch_peak_bytes; // for tests
    float *gemm_scratch; // (n_threads, GEMM_SCRATCH)
    struct bf16 *bf16;   // NULL where no library multiplies
    struct sampler **samplers; // (n_threads) for a vocabulary of sampled_vocab; NULL before the first
    int sampled_vocab;
    char arithmetic[96];
};

// run.c
// Runs the blocks on the pool, or on the calling thread when `work` (elementary operations in all) is too
// small to wake others for. The choice depends on the shape only, and results on neither.
void cpu_run(struct backend *b, int n_blocks, double work, pool_task task, void *arg);

// At least n floats, aligned to 64 bytes, valid until the next call; NULL after a failure, which sticks.
float *cpu_scratch(struct backend *b, size_t n);
size_t cpu_scratch_peak(const struct backend *b);
void cpu_fail(struct backend *b, const struct err *fault); // from any thread
// Memory of zeros, aligned to 64 bytes; `what` it is for stands in the error (ERR_LIMIT: there is none). Freed with
// cpu_memory_free, which takes NULL too.
void *cpu_memory(size_t bytes, const char *what, struct err *e);
void cpu_memory_free(void *p);

static inline int cpu_blocks(size_t n, size_t block)
{
    return (int)((n + block - 1) / block);
}
static inline int cpu_min(int a, int b)
{
    return a < b ? a : b;
}
static inline int cpu_max(int a, int b)
{
    return a > b ? a : b;
}

// The kernels for this CPU, or for ATTUNE_CPU=generic|avx2|avx512; an error when that is not to be had.
int cpu_level(const struct cpu_kernels **out, struct err *e);
// Cores that this process may use: the affinity mask and the cgroup's quota.
int cpu_cores(void);

// One product on the thread that calls, inside a block.
void cpu_gemm_block(struct backend *b, const struct gemm *g, int thread);
// Rows of blocks that are about equal, and `most` or a little more at most (less than GEMM_MOST_STRIP).
int cpu_gemm_rows(const struct backend *b, int m, int most);
// Those rows and columns of the result (fewer at its edges); where whole->c is NULL the caller says where they go.
struct gemm cpu_gemm_part(const struct gemm *whole, int row, int n_rows, int column, int n_columns);
// How a product is cut: its `size` rows or columns in n_blocks blocks that begin at multiples of `unit`, the larger
// ones first. To be read with cpu_gemm_cut_out.
struct gemm_cut {
    bool by_rows;
    int size, unit, n_shares, halvings;
    int n_blocks;
};
struct gemm_cut cpu_gemm_cut(const struct backend *b, const struct gemm *g);
// A block of the product, and where in it the block begins.
struct gemm cpu_gemm_cut_out(const struct gemm *whole, const struct gemm_cut *c, int block, int *row, int *column);
// Packs a once, over the pool, for many parts, in `room`. It needs cpu_gemm_packed floats; where that is 0 there is
// nothing to gain, and where it is more than n_room, parts pack for themselves.
size_t cpu_gemm_packed(const struct backend *b, const struct gemm *g);
void cpu_gemm_pack(struct backend *b, struct gemm *g, float *room, size_t n_room);
// One product over the pool; the caller's scratch stays as it is.
void cpu_gemm(struct backend *b, const struct gemm *g);

// linear.c
void cpu_linear(struct backend *b, float *y, const float *x, struct stored w, const float *bias, int t, int i, int o,
                float alpha, float beta);
size_t cpu_packed_bytes(struct backend *b, struct stored w, int i, int o);
void cpu_pack_weights(struct backend *b, void *packed, struct stored w, int i, int o);
void cpu_linear_dx(struct backend *b, float *dx, const float *dy, struct stored w, int t, int i, int o, float alpha,
                   float beta);
void cpu_linear_dw(struct backend *b, float *dw, float *dbias, const float *dy, const float *x, int t, int i, int o,
                   float alpha);
// rows.c
void cpu_embed(struct backend *b, float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
               const int32_t *positions, int t, int c);
void cpu_embed_backward(struct backend *b, float *dwte, float *dwpe, const float *dout, const int32_t *tokens,
                        const int32_t *positions, int t, int c);
void cpu_gather_rows(struct backend *b, float *out, const float *x, const int32_t *rows, int n, int c);
void cpu_put_rows(struct backend *b, float *to, const float *from, const int32_t *rows, int n, int c);
void cpu_mix_rows(struct backend *b, float *y, const float *x, const float *shares, int n, int c);
void cpu_scatter_add_rows(struct backend *b, float *dx, const float *dout, const int32_t *rows, int n, int c);
void cpu_rope(struct backend *b, float *x, const float *cos, const float *sin, const int32_t *positions, int t,
              int n_heads, int head_dim, bool inverse);
// norm.c
void cpu_rmsnorm(struct backend *b, float *y, float *rstd, const float *x, const float *w, float eps, int t, int c);
void cpu_rmsnorm_backward(struct backend *b, float *dx, float *dw, const float *dy, const float *x, const float *w,
                          const float *rstd, int t, int c, bool accumulate);
void cpu_layernorm(struct backend *b, float *y, float *mean, float *rstd, const float *x, const float *w,
                   const float *bias, float eps, int t, int c);
void cpu_layernorm_backward(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                            const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate);
// elementwise.c
void cpu_act(struct backend *b, float *y, const float *x, size_t n, enum activation kind);
void cpu_act_backward(struct backend *b, float *dx, const float *dy, const float *x, size_t n, enum activation kind);
void cpu_gated(struct backend *b, float *y, const float *gate, const float *up, size_t n, enum activation kind);
void cpu_gated_backward(struct backend *b, float *dgate, float *dup, const float *dy, const float *gate,
                        const float *up, size_t n, enum activation kind);
void cpu_soft_cap(struct backend *b, float *x, float cap, size_t n);
void cpu_convert(struct backend *b, void *to, enum dtype type, struct stored from, size_t n);
void cpu_round_to(struct backend *b, float *x, enum dtype type, size_t n);
void cpu_add(struct backend *b, float *y, const float *a, const float *x, size_t n);
void cpu_scale(struct backend *b, float *x, float factor, size_t n);
double cpu_sum_squares(struct backend *b, const float *x, size_t n);
void cpu_adamw(struct backend *b, float *p, float *g, float *m, float *v, size_t n, const struct adamw *step);
struct shrunk cpu_shrink(struct backend *b, float *w, const float *start, float threshold, size_t n);
// attention.c, attention_backward.c, attention_decode.c
void cpu_attention(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                   const struct attn_segment *segments, int n_segments, int longest, int t, const struct attn_shape *shape);
void cpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                            const float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_segments, int longest, int t,
                            const struct attn_shape *shape);
void cpu_attention_decode(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape);
// sample.c
void cpu_sample(struct backend *b, const struct sampled *out, const float *logits, int v, const struct sample_row *rows,
                int n);
void cpu_samplers_free(struct backend *b);
// head.c, head_backward.c
void cpu_head(struct backend *b, const struct head_out *out, const struct head_in *in);
size_t cpu_head_keeps(const struct backend *b);
void cpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in,
                       const struct head_slopes *slopes);
// log_sums.c
enum { HEAD_CHUNK = 384 }; // of the vocabulary
// Of some logits: the largest, and the sum of exp(logit - top); -INFINITY and 0 of none.
struct log_sum {
    float top, sum;
};
struct log_sum cpu_sum_chunk(const struct cpu_kernels *k, float *logits, int n); // which become exp(logit - top)
// The same with sum (logit - top) exp(logit - top) beside it; logits stay.
struct log_sum cpu_moment_chunk(const struct cpu_kernels *k, const float *logits, int n, float *moment);
// What a chunk's moment adds to that of all, whose largest logit is `top`; and the entropy that follows from it and
// cpu_log_sum's sum.
double cpu_moment(const struct log_sum *s, float moment, double top);
float cpu_entropy(double sum, double moment);
// The log-sum-exp of n chunks, which stand `step` bytes apart; with the largest logit, and the sum of exp(logit - top).
double cpu_log_sum(const struct log_sum *chunks, size_t step, int n, double *top, double *sum);
// Those of ids[0..n), in rising order, that are tokens first .. first + n_tokens - 1: how many, and where they begin.
int cpu_set_part(const int32_t *ids, int n, int first, int n_tokens, const int32_t **part);
// head_rivals.c: the largest logits of a row beside the target's.
struct rival {
    float logit;
    int32_t token;
};
// Of logits[0..n), which stand for tokens first .. first + n - 1: the k largest, in falling order (equal ones by
// token), without `target`. Places that stay empty have token -1.
void cpu_head_pick_rivals(struct rival *best, int k, const float *logits, int n, int first, int target);
// One of all chunks' picks (n_chunks, k), drawn among the k largest.
struct rival cpu_head_draw_rival(const struct rival *picks, int n_chunks, int k, float draw);
