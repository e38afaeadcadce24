// The one interface between the model and the machine. The decoder's forward and backward are written once
// in terms of this table; a backend (cpu, or cuda, which is a plugin) fills it.
//
// Memory: `float *` and `int32_t *` arguments named here are device memory from alloc(), which only the
// backend may touch; offsets by pointer arithmetic are fine. Arguments marked host are ordinary memory.
// Matrices are row-major and dense; "(T, C)" names rows and columns.
//
// Errors: operations return nothing. A failure sticks and is reported by sync(), after which every
// operation is without effect. Calls come from one thread, the driver; they may run asynchronously and
// take effect in order. Results of the same calls are bitwise the same for any number of threads.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BACKEND_ABI = 15 };

// How numbers are stored. What they are computed in is the backend's business.
enum dtype {
    DTYPE_F32, DTYPE_BF16, DTYPE_F16,
    DTYPE_INT8, DTYPE_NF4, // quantized (model/quantized.h): of frozen weights that linear() and linear_dx() multiply
};
static inline bool dtype_is_quantized(enum dtype type)
{
    return type >= DTYPE_INT8;
}
static inline size_t dtype_bytes(enum dtype type) // of those that are not quantized
{
    return type == DTYPE_F32 ? 4 : 2;
}
// Quantized numbers share scales by blocks; groups of blocks stand one after the other, each whole in itself: what all of
// its blocks have in common, their scales, the numbers' bits.
enum {
    QUANT_BLOCK = 64, QUANT_BLOCKS = 256, QUANT_GROUP = QUANT_BLOCK * QUANT_BLOCKS, QUANT_ALIGN = 16,
    NF4_HEAD = 16 + QUANT_BLOCKS,                 // two floats, room, a byte for each block
    INT8_HEAD = QUANT_BLOCKS * (int)sizeof(float),
};
static inline size_t quantized_bytes(enum dtype type, size_t n)
{
    const size_t head = type == DTYPE_NF4 ? NF4_HEAD : INT8_HEAD, rest = n % QUANT_GROUP, each = type == DTYPE_NF4 ? 2 : 1;
    const size_t tail = rest ? head + ((rest + each - 1) / each + QUANT_ALIGN - 1) / QUANT_ALIGN * QUANT_ALIGN : 0;
    return n / QUANT_GROUP * (head + QUANT_GROUP / each) + tail;
}
static inline size_t stored_bytes(enum dtype type, size_t n)
{
    return dtype_is_quantized(type) ? quantized_bytes(type, n) : n * dtype_bytes(type);
}
// Weights where they lie: in a backend's memory, or in a mapped file where map() took it. Aligned to one number.
struct stored {
    const void *at;
    enum dtype type;
    const void *packed; // the same weights as pack_weights() laid them out, for linear(); NULL: they are not
};
static inline struct stored stored_f32(const float *at)
{
    return (struct stored){at, DTYPE_F32, NULL};
}
static inline struct stored stored_from(struct stored s, size_t n) // from its number n on; of quantized ones, a group's first
{
    return (struct stored){(const char *)s.at + stored_bytes(s.type, n), s.type, NULL};
}

enum precision {
    PRECISION_F32,  // products in f32
    PRECISION_BF16, // weights to multiply with and kept activations are stored in bf16; sums are f32
    PRECISION_TF32, // products in f32 whose factors are read with 10 bits behind the point, on tensor cores; GPUs alone
};
static inline const char *precision_name(enum precision p)
{
    return p == PRECISION_BF16 ? "bf16" : p == PRECISION_TF32 ? "tf32" : "f32";
}

struct backend_options {
    int n_threads; // 0: one per core
    enum precision precision;
    int device;    // of several GPUs, counted from 0
};

// One run of consecutive rows of a packed batch: a prompt, a response, a whole text. Row i of the segment
// attends to all rows of its prefix (the prompt that it continues) and to rows 0..i of its own.
// Its position is prefix_len + i.
struct attn_segment {
    int start, len;
    int prefix_start, prefix_len; // 0, 0: no prefix
};

struct attn_shape {
    int n_heads, n_kv_heads; // n_heads is a multiple of n_kv_heads
    int head_dim;
    float scale;  // of the scores, usually 1/sqrt(head_dim)
    int window;   // sliding window in tokens; 0: none
    float cap;    // scaled scores x become cap tanh(x / cap); 0: none
};

// Keys and values that one decoding row attends to, as rows of a layer's: a shared part (its prompt's) and its own.
struct kv_rows {
    int32_t shared, n_shared, own, n_own; // the first of each, and how many
};

// How a token is drawn from a row of logits.
struct sample_row {
    int logits;        // which row
    float temperature; // 0: the most likely token, the lowest of several
    int top_k;         // only the k most likely; 0: all
    float top_p;       // of those, the fewest that hold this share of their probability; 1: all
    float min_p;       // of those, the ones at least so likely as this share of the likeliest; 0: all
    double uniform;    // in [0, 1)
    bool keep;         // of struct sampled: `drawn` and `sets` as well
    bool entropy;      // and that
};
// What was drawn, (n) each.
struct sampled {
    int32_t *tokens;  // -1 where a logit is not finite
    float *logprobs;  // under the logits alone, at temperature 1; the bits that head() gives the same logits
    // Of rows that keep it; NULL when there are none. The log-probability under what the token really was drawn from, the
    // softmax of logits / temperature over the tokens that are left, in head()'s bits with inv_temperature 1 / temperature
    // and this set. At temperature 0 the token is all that is left.
    float *drawn;
    uint32_t *sets;   // (n, sampled_set_words(v)): bit v % 32 of word v / 32 is set where token v is left
    // Of rows that want it; NULL when there are none: of the softmax of logits / temperature over the whole vocabulary (at
    // temperature 0: of the logits), as head() has it.
    float *entropy;
};
static inline size_t sampled_set_words(int v)
{
    return ((size_t)v + 31) / 32;
}

enum activation { ACT_GELU_TANH, ACT_GELU_ERF, ACT_RELU, ACT_SILU };

// The head: hidden states to log-probabilities of given tokens, in tiles; (N, V) is stored only where the caller offers
// room for it.
enum { HEAD_MAX_RIVALS = 64, HEAD_STRETCH = 768 };
struct head_in {
    const float *x;         // (N, C)
    struct stored w;        // (V, C)
    const int32_t *targets; // (N)
    int n, c, v;
    float cap;              // logits x become cap tanh(x / cap); 0: none
    float inv_temperature;  // what is then left of them, and of the reference's, is multiplied by it
    // A reference model's rows and weights for the same targets, when out.kl is wanted; the same shapes.
    const float *ref_x;
    struct stored ref_w;
    // When out.rivals is wanted: it is drawn among the n_rivals (at most HEAD_MAX_RIVALS) largest logits beside the
    // target's, with probabilities softmax over them, by draws(N) in [0, 1).
    int n_rivals;
    const float *draws;
    // Sets that targets were drawn from: row n's are set_ids[set_starts[n]] .. set_ids[set_starts[n + 1] - 1], tokens in
    // rising order and the target among them; none: the whole vocabulary. (N + 1); NULL: no row has one.
    const int32_t *set_starts, *set_ids;
    // Logits that are known already, capped: row n's are row logit_rows[n] of logits(.., V). They have the bits that x and w
    // would give them, which head() then does not multiply. logits NULL: they are not known.
    const float *logits;
    const int32_t *logit_rows;
};
struct head_out {
    float *logprobs; // (N) log p(target)
    float *lse;      // (N) log-sum-exp of the logits, needed by head_backward
    // each (N) or NULL:
    float *entropy;
    float *is_top;      // 1 where the target is the most likely token
    float *sum_squares; // log sum_v p(v)^2
    int32_t *rivals;    // the drawn token; the target itself where there is no other
    float *gaps;        // logit(target) - logit(rival); together with rivals
    float *kl;          // sum_v ref(v) (log ref(v) - log p(v)), at least 0
    float *ref_lse;     // log-sum-exp of the reference's logits; together with kl
    float *set_logprobs; // log p(target) under the softmax over its set alone; where that is the whole vocabulary, logprobs
    float *set_lse;      // log-sum-exp of the set's logits; together with set_logprobs
    // The logits, by stretches of the vocabulary: (V / HEAD_STRETCH rounded up, N, HEAD_STRETCH). They save the
    // backward a product; where a product's elements do not depend on how it is cut, they change no bit.
    float *kept;
};
static inline size_t head_kept_floats(size_t n, size_t v)
{
    return n * ((v + HEAD_STRETCH - 1) / HEAD_STRETCH * HEAD_STRETCH);
}
// What the loss feels of the head: coefficients (N) of the outputs; all but lse may be NULL.
struct head_slopes {
    const float *lse;      // of the forward
    const float *logprob;
    const float *gap;      // with rivals
    const int32_t *rivals;
    const float *kl;       // with in.ref_x, in.ref_w and ref_lse
    const float *ref_lse;
    const float *set_logprob; // with set_lse, in.set_starts and in.set_ids
    const float *set_lse;
    float *kept; // of the forward, used up; NULL: logits are made again
};

struct adamw {
    float lr, beta1, beta2, eps, weight_decay;
    float correction1, correction2; // 1 - beta^t
    float grad_scale;               // gradients are multiplied by it first (clipping, averaging)
};

struct backend; // of the implementation; starts with nothing that others may read

struct shrunk {
    double l1;      // sum of |w - start|
    size_t n_small; // of those below 1e-8
};

struct backend_ops {
    uint32_t abi;
    const char *name; // "cpu", "cuda"

    int (*n_devices)(void); // that open() may be given; 0: open() says why there is none
    // Opens the device. On failure *e says in words why it cannot be used.
    int (*open)(struct backend **out, const struct backend_options *options, struct err *e);
    void (*close)(struct backend *b);
    const char *(*device)(const struct backend *b); // for people: "cpu", "cuda:1, NVIDIA H100"
    // Names what rounds the results, "avx2 f32": backends of the same name give the same bits for the same calls.
    const char *(*arithmetic)(const struct backend *b);
    // Whether what sample() says of a row that attention_decode() made has the bits that a forward over the whole sequence
    // and head() would give it.
    bool (*decodes_as_it_trains)(const struct backend *b);
    // What products want their weights in: f32, or rounded once instead of in each product.
    enum dtype (*weights_type)(const struct backend *b);
    // Waits for everything and reports the first failure since the last call, once.
    int (*sync)(struct backend *b, struct err *e);

    void *(*alloc)(struct backend *b, size_t bytes, const char *what, struct err *e); // zeroed; NULL with *e
    void (*free)(struct backend *b, void *p);
    // Bytes that alloc() could still give; 0: unknown. What was freed counts, also where the backend keeps it for later.
    uint64_t (*memory_free)(struct backend *b);
    // Host memory that operations may read where it is, for as long as it stays there (a mapped file); NULL: it must be
    // uploaded.
    const void *(*map)(struct backend *b, const void *host, size_t bytes);
    void (*upload)(struct backend *b, void *to, const void *host, size_t bytes);
    void (*download)(struct backend *b, void *host, const void *from, size_t bytes); // waits
    void (*copy)(struct backend *b, void *to, const void *from, size_t bytes);
    void (*zero)(struct backend *b, void *p, size_t bytes);
    // to(n) = from(n): f32 into bf16, rounded to nearest even, or any type into f32, quantized ones too. They do not
    // overlap. What hold() has put there already is not written again.
    void (*convert)(struct backend *b, void *to, enum dtype type, struct stored from, size_t n);
    void (*round_to)(struct backend *b, float *x, enum dtype type, size_t n); // x = what is left of it in that type
    // Weights changed (optimizer, load): packed or rounded copies of them are stale.
    void (*weights_changed)(struct backend *b);

    // x(n), from the next operation that writes it whole on, or from now on if none does before a product, stays as it is
    // until release(). Where products want their rows rounded, they share one copy so, which the operation that writes x may
    // make. rounded: all that read x may read that copy, and x may be left unwritten. copy: where it is to stand, of
    // weights_type(); a norm or an activation that reads x may put it there as well. NULL: the backend has memory for it.
    void (*hold)(struct backend *b, const float *x, size_t n, bool rounded, void *copy);
    // x(n) is what its copy is, of weights_type(), until release(): written into x, or read instead of it. The operations
    // that read it in its place are products, norms, activations, attention() and the backwards of these.
    void (*recall)(struct backend *b, float *x, const void *copy, size_t n);
    void (*release)(struct backend *b, const float *x);

    // Calls that are made again and again with the same arguments, recorded where that saves time (records()): replay()
    // makes those of the key once more and returns true; or it returns false, and the caller makes them, up to
    // recorded(). The key says all that they depend on but the content of device memory. Between the two there are no
    // uploads and downloads.
    bool (*records)(const struct backend *b);
    bool (*replay)(struct backend *b, const void *key, size_t n_key);
    void (*recorded)(struct backend *b);

    // Bytes of w(O,I) laid out once for many calls of linear(); 0: nothing is gained from that.
    size_t (*packed_bytes)(struct backend *b, struct stored w, int i, int o);
    // Lays it out in packed_bytes of device memory. While w does not change, linear() may be given it as w.packed: results
    // are the same bits with it and without.
    void (*pack_weights)(struct backend *b, void *packed, struct stored w, int i, int o);

    // y(T,O) = alpha x(T,I) w(O,I)^T + beta y + bias(O); bias may be NULL.
    void (*linear)(struct backend *b, float *y, const float *x, struct stored w, const float *bias, int t, int i, int o,
                   float alpha, float beta);
    // dx(T,I) = alpha dy(T,O) w(O,I) + beta dx
    void (*linear_dx)(struct backend *b, float *dx, const float *dy, struct stored w, int t, int i, int o, float alpha,
                      float beta);
    // dw(O,I) += alpha dy(T,O)^T x(T,I); dbias(O) += sum over t of dy, when not NULL
    void (*linear_dw)(struct backend *b, float *dw, float *dbias, const float *dy, const float *x, int t, int i, int o,
                      float alpha);

    // out(T,C) = wte[tokens] + wpe[positions]; wpe.at may be NULL.
    void (*embed)(struct backend *b, float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
                  const int32_t *positions, int t, int c);
    // dwte[tokens] += dout, dwpe[positions] += dout, rows in order; either may be NULL.
    void (*embed_backward)(struct backend *b, float *dwte, float *dwpe, const float *dout, const int32_t *tokens,
                           const int32_t *positions, int t, int c);

    // y = x / rms(x) * w. rstd(T) is kept for the backward.
    void (*rmsnorm)(struct backend *b, float *y, float *rstd, const float *x, const float *w, float eps, int t, int c);
    // dx = (accumulate ? dx : 0) + ...; dw(C) += ... when not NULL. dx may be dy itself unless it accumulates.
    void (*rmsnorm_backward)(struct backend *b, float *dx, float *dw, const float *dy, const float *x, const float *w,
                             const float *rstd, int t, int c, bool accumulate);
    void (*layernorm)(struct backend *b, float *y, float *mean, float *rstd, const float *x, const float *w,
                      const float *bias, float eps, int t, int c);
    void (*layernorm_backward)(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                               const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate);

    // Rotates x(T, n_heads*head_dim) in place by the angles of each row's position: pairs (i, i+head_dim/2),
    // as Hugging Face does. cos, sin: (max_positions, head_dim/2). inverse: the backward.
    void (*rope)(struct backend *b, float *x, const float *cos, const float *sin, const int32_t *positions, int t,
                 int n_heads, int head_dim, bool inverse);

    // out(T, n_heads*head_dim) = causal attention per segment, none of which has more than `longest` rows; those of no
    // rows are nothing. segments are device memory. lse(T, n_heads) is kept.
    void (*attention)(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                      const struct attn_segment *segments, int n_segments, int longest, int t,
                      const struct attn_shape *shape);
    // dq, dk, dv are overwritten. A prefix's dk, dv sum over its segments in their order.
    void (*attention_backward)(struct backend *b, float *dq, float *dk, float *dv, const float *dout, const float *out,
                               const float *lse, const float *q, const float *k, const float *v,
                               const struct attn_segment *segments, int n_segments, int longest, int t,
                               const struct attn_shape *shape);
    // One new row per stream: out(n, n_heads*head_dim) attends to the rows of k and v that rows(n) names, most_keys at most.
    // lse(n, n_heads) as of attention().
    void (*attention_decode)(struct backend *b, float *out, float *lse, const float *q, const float *k, const float *v,
                             const struct kv_rows *rows, int n, int most_keys, const struct attn_shape *shape);

    void (*act)(struct backend *b, float *y, const float *x, size_t n, enum activation kind);
    // dx may be dy or x itself.
    void (*act_backward)(struct backend *b, float *dx, const float *dy, const float *x, size_t n, enum activation kind);
    // y = act(gate) * up, and its backward; dgate and dup may be gate and up themselves. kind: ACT_SILU or ACT_GELU_TANH.
    void (*gated)(struct backend *b, float *y, const float *gate, const float *up, size_t n, enum activation kind);
    void (*gated_backward)(struct backend *b, float *dgate, float *dup, const float *dy, const float *gate,
                           const float *up, size_t n, enum activation kind);
    void (*soft_cap)(struct backend *b, float *x, float cap, size_t n); // x = cap tanh(x / cap)
    void (*add)(struct backend *b, float *y, const float *a, const float *x, size_t n); // y = a + x; may alias
    void (*scale)(struct backend *b, float *x, float factor, size_t n);

    // out(N,C) = x[rows]; and dx[rows] += dout with rows possibly repeating, in order.
    void (*gather_rows)(struct backend *b, float *out, const float *x, const int32_t *rows, int n, int c);
    void (*put_rows)(struct backend *b, float *to, const float *from, const int32_t *rows, int n, int c); // to[rows] = from
    // y(N,C) = (1 - share[row]) y + share[row] x; shares(N) are host. A share of 0 leaves its row as it is, of 1 takes x's.
    void (*mix_rows)(struct backend *b, float *y, const float *x, const float *shares, int n, int c);
    void (*scatter_add_rows)(struct backend *b, float *dx, const float *dout, const int32_t *rows, int n, int c);

    void (*head)(struct backend *b, const struct head_out *out, const struct head_in *in);
    // Bytes of logits that head_out.kept is worth having for: beyond them, making them again is faster or thriftier.
    size_t (*head_keeps)(const struct backend *b);
    // dx(N,C) is overwritten, dw(V,C) += when not NULL; the reference gets nothing. Tile by tile from the lse:
    // dlogits[n][v] = inv_temperature * (logprob[n] * ((v == target) - p[n][v]) + kl[n] * (p[n][v] - ref[n][v])
    //                                    + gap[n] * ((v == target) - (v == rival))
    //                                    + set_logprob[n] * ((v == target) - p_set[n][v])), p_set 0 outside of the set
    void (*head_backward)(struct backend *b, float *dx, float *dw, const struct head_in *in,
                          const struct head_slopes *slopes);

    // n tokens drawn from rows of logits(.., v), each as its row says.
    void (*sample)(struct backend *b, const struct sampled *out, const float *logits, int v, const struct sample_row *rows,
                   int n);

    double (*sum_squares)(struct backend *b, const float *x, size_t n); // waits; NaN and Inf pass through
    // The proximal step of threshold |w - start|_1, soft thresholding: d = w - start; w = start where |d| <= threshold, else
    // start + d -+ threshold. Waits; what is then left of the change is returned.
    struct shrunk (*shrink)(struct backend *b, float *w, const float *start, float threshold, size_t n);
    // Loshchilov & Hutter 2019, decoupled decay: p -= lr * (m^ / (sqrt(v^) + eps) + weight_decay * p).
    // Leaves g at zero, for the next step's sums: it is in the cache here.
    void (*adamw)(struct backend *b, float *p, float *g, float *m, float *v, size_t n, const struct adamw *step);
};

// The names of all backends, NULL at the end. `auto` picks the first that loads and opens.
extern const char *const backend_names[];
// NULL with the reason in *e (which may be NULL) where there is none of that name.
const struct backend_ops *backend_load(const char *name, struct err *e);
const struct backend_ops *backend_find(const char *name); // the same, when nobody asks why
// Opens a backend and closes it again. On failure *e says why it cannot be used.
int backend_try(const char *name, struct err *e);
