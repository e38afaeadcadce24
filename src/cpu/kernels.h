// The inner loops of the cpu backend: single-threaded functions on ranges and rows, written once in
// kernels_impl.h and compiled for each level of vector instructions. Pointers are ordinary memory; x86
// results differ between levels in the last bits (FMA, order of lanes), never between threads.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "model/backend.h"

// c(M,N) = alpha a b + beta c + bias(N); a is (M,K) or with trans_a (K,M), b is (K,N) or with trans_b (N,K).
// ld* are the distances between rows. m, n, k > 0.
struct gemm {
    bool trans_a, trans_b;
    int m, n, k;
    float alpha, beta;
    const float *a, *bias;
    const void *b; // numbers of b_type, which are widened as they are packed
    enum dtype b_type;
    size_t b_first; // the number that b begins with, of quantized ones, whose `b` is always the whole matrix
    float *c;
    int lda, ldb, ldc;
    // a packed by gemm_pack, when several products share it; NULL: each packs what it needs. Of the packed n_strips
    // strips of `strip` rows (the kernels' gemm_strip of the whole), this product begins with number first_strip.
    const float *packed_a;
    int strip, n_strips, first_strip;
    // The columns of this product in a b that gemm_pack_b has packed; NULL: panels are packed as they are used.
    const float *packed_b;
};
enum {
    GEMM_SCRATCH = 384 * (576 + 32), // floats that gemm needs for packing strips and a panel
    GEMM_MOST_STRIP = 16,            // gemm_strip is at most so much
};

struct cpu_kernels {
    const char *name; // "generic", "avx2", "avx512"

    // NULL: OpenBLAS does it
    void (*gemm)(const struct gemm *g, float *scratch);
    // Rows of a register tile for a product of m rows: parts of it that share a packed a begin at a multiple.
    int (*gemm_strip)(int m);
    // Floats of all of a, packed; 0: nothing is gained from it, or a is transposed.
    size_t (*gemm_packed)(const struct gemm *g);
    // Packs it, in gemm_pieces pieces that threads may share. g->strip and g->n_strips are set.
    int (*gemm_pieces)(const struct gemm *g);
    void (*gemm_pack)(float *packed, const struct gemm *g, int piece);
    // Columns of a panel: parts of a product with a packed b begin at a multiple of them.
    int panel_columns;
    // Floats of all of b, packed; and packs its columns from `column` on, of one panel. Column c of it begins a panel at c
    // k.
    size_t (*gemm_packed_b)(const struct gemm *g);
    void (*gemm_pack_b)(float *packed, const struct gemm *g, int column);

    float (*dot)(const float *a, const float *x, size_t n);
    void (*axpy)(float *y, float a, const float *x, size_t n); // y += a x
    void (*add)(float *y, const float *a, const float *x, size_t n);
    void (*scale)(float *x, float factor, size_t n);
    void (*widen)(float *y, const void *x, enum dtype type, size_t n);
    void (*dequantize)(float *y, const void *from, enum dtype type, size_t first, size_t n); // model/quantized.h
    void (*round_bf16)(uint16_t *y, const float *x, float factor, size_t n); // y = x * factor, to nearest even
    double (*sum_squares)(const float *x, size_t n);
    void (*adamw)(float *p, float *g, float *m, float *v, size_t n, const struct adamw *step); // g becomes zero

    void (*act)(float *y, const float *x, size_t n, enum activation kind);
    void (*act_backward)(float *dx, const float *dy, const float *x, size_t n, enum activation kind);
    void (*gated)(float *y, const float *gate, const float *up, size_t n, enum activation kind);
    void (*gated_backward)(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t n,
                           enum activation kind);
    void (*soft_cap)(float *x, float cap, size_t n); // x = cap tanh(x / cap)
    // dx *= 1 - (y / cap)^2, the slope of a cap that gave y; dx may not be y.
    void (*soft_cap_backward)(float *dx, const float *y, float cap, size_t n);

    // One row of c. Backward: dw (and dbias) are partial sums that are added to; NULL when not wanted.
    void (*rmsnorm)(float *y, float *rstd, const float *x, const float *w, float eps, int c);
    void (*rmsnorm_backward)(float *dx, float *dw, const float *dy, const float *x, const float *w, float rstd, int c,
                             bool accumulate);
    void (*layernorm)(float *y, float *mean, float *rstd, const float *x, const float *w, const float *bias, float eps,
                      int c);
    void (*layernorm_backward)(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w,
                               float mean, float rstd, int c, bool accumulate);
    // One row of n_heads * head_dim; cos and sin are the position's rows of head_dim / 2.
    void (*rope)(float *x, const float *cos, const float *sin, int n_heads, int head_dim, bool inverse);

    float (*max)(const float *x, size_t n); // -inf for n = 0
    // x = exp(x - shift); returns the sum.
    float (*exp_sum)(float *x, float shift, size_t n);
    // Of the untouched x: sum of exp(x - shift), and of exp(x - shift) * (x - shift) into *moment.
    float (*exp_moment)(const float *x, float shift, size_t n, float *moment);
    // Sum of exp(x - shift), and of exp(x - shift) * (x - y) into *cross.
    float (*exp_cross)(const float *x, const float *y, float shift, size_t n, float *cross);
    // x = factor * exp(x - shift)
    void (*exp_scaled)(float *x, float shift, float factor, size_t n);
    // ds = p * (dp - delta) * scale; dp is overwritten.
    void (*softmax_backward)(float *dp, const float *p, float delta, float scale, size_t n);

    // n steps of multiply-adds in registers: the calibrator that speeds are compared with. Returns the
    // floating point operations done.
    double (*fma_loop)(long n);

    // Elementwise functions alone, for the tests of their error bounds.
    void (*exp_array)(float *y, const float *x, size_t n);
    void (*tanh_array)(float *y, const float *x, size_t n);
};

// The place of number n of b, which is not quantized.
static inline const void *gemm_b(const struct gemm *g, size_t n)
{
    return (const char *)g->b + n * dtype_bytes(g->b_type);
}
// b is what began at its number n.
static inline void gemm_move_b(struct gemm *g, size_t n)
{
    if (dtype_is_quantized(g->b_type))
        g->b_first += n;
    else
        g->b = gemm_b(g, n);
}
// y = `count` numbers of b from number n on.
static inline void gemm_widen_b(const struct cpu_kernels *k, float *y, const struct gemm *g, size_t n, size_t count)
{
    if (dtype_is_quantized(g->b_type))
        k->dequantize(y, g->b, g->b_type, g->b_first + n, count);
    else
        k->widen(y, gemm_b(g, n), g->b_type, count);
}

extern const struct cpu_kernels cpu_kernels_generic;
#ifdef ATTUNE_X86_LEVELS
extern const struct cpu_kernels cpu_kernels_avx2;   // AVX2, FMA
extern const struct cpu_kernels cpu_kernels_avx512; // AVX-512 F, BW, DQ, VL
#endif
