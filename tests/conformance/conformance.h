// Every operation of a backend against plain double loops. The checks are functions of a `struct bench` that
// holds an open backend, so that the same checks run for every backend, thread count and CPU level.
#pragma once

#include "testing.h"

#include "model/backend.h"

struct bench {
    const struct backend_ops *ops;
    struct backend *b;
    bool exact; // an element of a product does not depend on how the product is cut
};

// Numbers of rows and columns at the edges of vectors and blocks.
enum { N_SIZES = 8 };
extern const int bench_sizes[N_SIZES];

// Device memory with pseudo-random values in [-size, size], a pure function of `seed`.
float *bench_random(struct bench *t, size_t n, float size, uint32_t seed);
float *bench_zeros(struct bench *t, size_t n);
int32_t *bench_ints(struct bench *t, const int32_t *host, size_t n);
// Heap copies of device memory.
float *bench_read(struct bench *t, const float *device, size_t n);
void bench_free(struct bench *t, int n, ...); // device pointers
// |got - want| <= bound * (1 + |want|) for every element of the device array.
void bench_expect(struct bench *t, const char *what, const float *got, const double *want, size_t n, double bound);
// A hash of the device array's bits: equal across thread counts.
uint64_t bench_hash(struct bench *t, const float *device, size_t n);

// Each check returns a hash over the bits of all results.
uint64_t check_linear(struct bench *t);
uint64_t check_bf16(struct bench *t); // of a backend with precision bf16
uint64_t check_rows(struct bench *t);
uint64_t check_norms(struct bench *t);
uint64_t check_elementwise(struct bench *t);
uint64_t check_attention(struct bench *t);
uint64_t check_decode(struct bench *t);
uint64_t check_head(struct bench *t);
uint64_t check_large_head(struct bench *t); // what is cut in pieces
uint64_t check_sample(struct bench *t);
uint64_t check_stored(struct bench *t);
uint64_t check_quantized(struct bench *t);
uint64_t check_packed(struct bench *t);
