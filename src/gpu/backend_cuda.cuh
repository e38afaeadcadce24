// Inside of the cuda backend: its state and the functions that fill the table, one family a file, as in src/cpu/.
//
// Everything is queued on one stream and nothing waits but sync, download and what returns numbers. Grids and blocks
// follow from shapes alone, and sums of sums are taken in a fixed order, so the same calls give the same bits.
#pragma once

#include "gpu/device.cuh"

// Device memory that an operation needs while it runs. Each slot only grows, and is overwritten by the next operation
// that uses it, in the order of the stream.
enum { N_SLOTS = 8, N_PLACES = 16, N_HELD = N_SLOTS + N_PLACES };
enum scratch_slot { SCRATCH_X, SCRATCH_W, SCRATCH_SUMS, SCRATCH_ROWS, SCRATCH_PRODUCTS, SCRATCH_HEAD, SCRATCH_DOUT,
                    SCRATCH_HELD, N_SCRATCH = SCRATCH_HELD + N_SLOTS };

// Ways from host to device: pinned pieces that are used in turn.
enum { N_STAGES = 4, STAGE_BYTES = 4 << 20 };

struct products; // product.cu

// A matrix and its rounded copy (held.cu).
struct held {
    const float *x; // NULL: none
    size_t n;
    uint16_t *copy;
    bool rounded;  // x itself need not be there
    bool is_there; // the copy has been written
};

struct backend {
    cudaStream_t stream;
    int device;
    int n_multiprocessors;
    enum precision precision;
    bool failed;
    struct err fault; // the first failure; sync reports it once
    void *scratch[N_SCRATCH];
    size_t scratch_bytes[N_SCRATCH];
    char *stages[N_STAGES];
    cudaEvent_t stage_read[N_STAGES]; // the device has what was in it
    int stage;         // the piece in use, and what of it is
    size_t stage_used;
    bool queued;       // something has been since the host last waited
    struct recordings *recordings;
    struct products *products;
    struct held held[N_HELD]; // the first N_SLOTS with scratch for the copy, the others where the caller has a place for it
    char arithmetic[96];
    char name[300]; // for people
};

static inline dim3 gpu_grid(dim3 grid)
{
    return grid;
}
static inline dim3 gpu_grid(size_t n)
{
    return dim3((unsigned)n);
}
static inline dim3 gpu_grid(int n)
{
    return dim3(n > 0 ? (unsigned)n : 0);
}

// Queues a kernel, unless there is nothing to do or something has failed before.
// grid: a number of blocks, or a dim3.
#define GPU_RUN(b, kernel, grid, block, shared, ...)                                                                   \
    do {                                                                                                               \
        const dim3 n_blocks_ = gpu_grid(grid);                                                                         \
        (b)->queued = true;                                                                                            \
        if (!(b)->failed && n_blocks_.x > 0 && n_blocks_.y > 0 && n_blocks_.z > 0) {                                   \
            gpu_here(b);                                                                                               \
            LAUNCH(kernel, n_blocks_, dim3((unsigned)(block)), shared, (b)->stream)(__VA_ARGS__);                      \
            gpu_check(b, cudaGetLastError(), #kernel);                                                                 \
        }                                                                                                              \
    } while (0)

static inline size_t gpu_blocks(size_t n, size_t block)
{
    return (n + block - 1) / block;
}
// Threads for a row of c numbers: whole warps, enough for a few numbers each.
static inline int gpu_row_threads(int c)
{
    return c <= 64 ? 32 : c <= 512 ? 128 : 256;
}

// Rows that one thread sums a column of.
enum { CHUNK_ROWS = 32 };
static inline int gpu_chunks(int t)
{
    return (t + CHUNK_ROWS - 1) / CHUNK_ROWS;
}

// run.cu
// Makes the device the calling thread's, which has one of its own: a stream takes kernels from there alone.
void gpu_here(const struct backend *b);
int gpu_err(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
// false after a failure, which sticks; `what` failed.
bool gpu_check(struct backend *b, cudaError_t code, const char *what);
void gpu_fail(struct backend *b, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
// At least so many bytes of a slot; NULL after a failure.
void *gpu_scratch(struct backend *b, enum scratch_slot slot, size_t bytes);
int gpu_stages_open(struct backend *b, struct err *e);
void gpu_memory_close(struct backend *b); // stages and scratch
int gpu_sync(struct backend *b, struct err *e);
void *gpu_alloc(struct backend *b, size_t bytes, const char *what, struct err *e);
void gpu_free(struct backend *b, void *p);
uint64_t gpu_memory_free(struct backend *b);
void gpu_upload(struct backend *b, void *to, const void *host, size_t bytes);
void gpu_download(struct backend *b, void *host, const void *from, size_t bytes);
void gpu_copy(struct backend *b, void *to, const void *from, size_t bytes);
void gpu_zero(struct backend *b, void *p, size_t bytes);

// attention.cu, attention_backward.cu, attention_decode.cu
void gpu_attention(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                   const struct attn_segment *segments, int n_segments, int longest, int t, const struct attn_shape *shape);
void gpu_attention_backward(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                            const float *lse, const float *q, const float *k, const float *v,
                            const struct attn_segment *segments, int n_segments, int longest, int t,
                            const struct attn_shape *shape);
void gpu_attention_decode(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                          const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape);
// elementwise.cu
void gpu_act(struct backend *b, float *y, const float *x, size_t n, enum activation kind);
void gpu_act_backward(struct backend *b, float *dx, const float *dy, const float *x, size_t n, enum activation kind);
void gpu_gated(struct backend *b, float *y, const float *gate, const float *up, size_t n, enum activation kind);
void gpu_gated_backward(struct backend *b, float *dgate, float *dup, const float *dy, const float *gate,
                        const float *up, size_t n, enum activation kind);
void gpu_soft_cap(struct backend *b, float *x, float cap, size_t n);
void gpu_convert(struct backend *b, void *to, enum dtype type, struct stored from, size_t n);
void gpu_round_to(struct backend *b, float *x, enum dtype type, size_t n);
void gpu_add(struct backend *b, float *y, const float *a, const float *x, size_t n);
void gpu_scale(struct backend *b, float *x, float factor, size_t n);
// held.cu
void gpu_hold(struct backend *b, const float *x, size_t n, bool rounded, void *copy);
void gpu_recall(struct backend *b, float *x, const void *copy, size_t n);
void gpu_release(struct backend *b, const float *x);
// For an operation that writes all of y(n): its rounded copy counts as written from here on.
struct twin gpu_twin(struct backend *b, float *y, size_t n);
// Where y's copy is to go, if y(n) is held and need not be written; for what gpu_twin() is told of only when it is done.
uint16_t *gpu_place_alone(struct backend *b, const float *y, size_t n);
const void *gpu_held_copy(struct backend *b, const float *x, size_t n); // for products; NULL: x is not held
bool gpu_has_copy(struct backend *b, const float *x, size_t n, const void *copy); // whether that is x, rounded
bool gpu_is_rounded(struct backend *b, const float *x, size_t n); // whether all read its copy, which is there
// For operations that read x(n): itself or its copy, whichever is there.
struct stored gpu_stored(struct backend *b, const float *x, size_t n);
// The same, and where the copy is still to go: it counts as written from here on.
struct source gpu_source(struct backend *b, const float *x, size_t n);
// For one that wants x(n) rounded: its copy, or one made in the slot; NULL after a failure.
const uint16_t *gpu_rounded(struct backend *b, const float *x, size_t n, enum scratch_slot slot);
// graph.cu
bool gpu_records(const struct backend *b);
bool gpu_replay(struct backend *b, const void *key, size_t n);
void gpu_recorded(struct backend *b);
bool gpu_is_recording(const struct backend *b);
void gpu_forget_recordings(struct backend *b); // memory goes that they may name
void gpu_recordings_close(struct backend *b);
// linear.cu
void gpu_linear(struct backend *b, float *y, const float *x, struct stored w, const float *bias, int t, int i, int o,
                float alpha, float beta);
size_t gpu_packed_bytes(struct backend *b, struct stored w, int i, int o);
void gpu_pack_weights(struct backend *b, void *packed, struct stored w, int i, int o);
void gpu_linear_dx(struct backend *b, float *dx, const float *dy, struct stored w, int t, int i, int o, float alpha,
                   float beta);
void gpu_linear_dw(struct backend *b, float *dw, float *dbias, const float *dy, const float *x, int t, int i, int o,
                   float alpha);
// norm.cu
void gpu_rmsnorm(struct backend *b, float *y, float *rstd, const float *x, const float *w, float eps, int t, int c);
void gpu_rmsnorm_backward(struct backend *b, float *dx, float *dw, const float *dy, const float *x, const float *w,
                          const float *rstd, int t, int c, bool accumulate);
void gpu_layernorm(struct backend *b, float *y, float *mean, float *rstd, const float *x, const float *w,
                   const float *bias, float eps, int t, int c);
void gpu_layernorm_backward(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                            const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate);
// quantized.cu: gpu_convert of quantized ones, and
void gpu_dequantize(struct backend *b, void *to, enum dtype type, struct stored from, size_t n);
// linear() of so few rows that w is best read as it lies, x in bf16 and aligned to 16 bytes; NULL after a failure.
bool gpu_takes_few_rows(const struct backend *b, struct stored w, int t, int i);
void gpu_multiply_few_rows(struct backend *b, float *y, const uint16_t *x, struct stored w, const float *bias, int t, int i,
                           int o, float alpha, float beta);
// rows.cu
void gpu_embed(struct backend *b, float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
               const int32_t *positions, int t, int c);
void gpu_embed_backward(struct backend *b, float *dwte, float *dwpe, const float *dout, const int32_t *tokens,
                        const int32_t *positions, int t, int c);
void gpu_gather_rows(struct backend *b, float *out, const float *x, const int32_t *rows, int n, int c);
void gpu_put_rows(struct backend *b, float *to, const float *from, const int32_t *rows, int n, int c);
void gpu_mix_rows(struct backend *b, float *y, const float *x, const float *shares, int n, int c);
void gpu_scatter_add_rows(struct backend *b, float *dx, const float *dout, const int32_t *rows, int n, int c);
void gpu_rope(struct backend *b, float *x, const float *cos, const float *sin, const int32_t *positions, int t,
              int n_heads, int head_dim, bool inverse);
// columns.cu
// to(c) += sums over the rows of x(t, c); SCRATCH_SUMS is used.
void gpu_add_column_sums(struct backend *b, float *to, struct stored x, int t, int c);
// to(c) += sums over chunks of what stands `stride` numbers apart.
void gpu_add_chunks(struct backend *b, float *to, const float *partial, int n_chunks, size_t stride, int c);
// optimizer.cu
double gpu_sum_squares(struct backend *b, const float *x, size_t n);
void gpu_adamw(struct backend *b, float *p, float *g, float *m, float *v, size_t n, const struct adamw *step);
struct shrunk gpu_shrink(struct backend *b, float *w, const float *start, float threshold, size_t n);
// head.cu, head_backward.cu
void gpu_head(struct backend *b, const struct head_out *out, const struct head_in *in);
size_t gpu_head_keeps(const struct backend *b);
void gpu_head_backward(struct backend *b, float *dx, float *dw, const struct head_in *in, const struct head_slopes *slopes);
// sample.cu
void gpu_sample(struct backend *b, const struct sampled *out, const float *logits, int v, const struct sample_row *rows,
                int n);
