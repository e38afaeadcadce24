// Matrix products: row-major views over cuBLASLt, which counts columns first. A row-major c(m, n) is its c(n, m), so a
// product a b is asked for as b a, and nothing is moved.
#pragma once

#include "gpu/backend_cuda.cuh"

// A matrix as it lies: `at`, the distance between rows in numbers, whether the product takes it transposed.
struct factor {
    const void *at;
    int ld;
    bool transposed;
};

// c(m, n) = alpha a(m, k) b(k, n) + beta c + bias(n); a and b are f32 or bf16, both of `type`; c is f32, as are sums. What
// the library may not have, row sums or a rounded result, is told by gpu_multiply().
struct product {
    int m, n, k;
    enum dtype type;
    struct factor a, b;
    float *c;
    int ldc;
    const float *bias; // NULL: none
    float alpha, beta;
    float *row_sums; // (m): sums over k of a, overwritten, where the library can add them on its way; NULL: not wanted
    uint16_t *rounded; // (m, n) instead of c, where the library can; of bf16 without bias and beta. NULL: not wanted
};

enum dtype gpu_product_type(const struct backend *b); // of both factors
int gpu_products_open(struct backend *b, struct err *e);
void gpu_products_close(struct backend *b);
// Whether row_sums or the rounded result were made; what wants them makes them itself otherwise, and c is there.
bool gpu_multiply(struct backend *b, const struct product *p);
// quantized.cu: the same, where b is what w(O, i) has: its rows as linear() takes them (transposed), or its columns as
// linear_dx() does. The numbers are made here, some of p->n at a time, in SCRATCH_W.
void gpu_multiply_quantized(struct backend *b, const struct product *p, struct stored w, int i);
