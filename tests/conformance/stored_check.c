// Weights in bf16 and f16 give what the same numbers give in f32: to the bit where an element does not depend on how the
// product is cut. They may begin at any number.
#include "config.h"

#include "conformance.h"

#include "model/st_types.h"

enum { TYPES = 2 };
static const enum dtype types[TYPES] = {DTYPE_BF16, DTYPE_F16};

// n weights of a type, one number behind the beginning of *block, and the same as f32.
static struct stored make(struct bench *t, size_t n, enum dtype type, void **block, float **wide)
{
    struct err fault;
    float *from = bench_random(t, n, 1, 5), *values = bench_read(t, from, n);
    uint16_t *halves = calloc(n + 1, sizeof *halves);
    for (size_t i = 0; i < n; i++) {
        halves[i + 1] = type == DTYPE_BF16 ? bf16_from_f32(values[i]) : f16_from_f32(values[i]);
        values[i] = type == DTYPE_BF16 ? f32_from_bf16(halves[i + 1]) : f32_from_f16(halves[i + 1]);
    }
    *block = t->ops->alloc(t->b, (n + 1) * sizeof *halves, "halves", &fault);
    t->ops->upload(t->b, *block, halves, (n + 1) * sizeof *halves);
    t->ops->upload(t->b, from, values, n * sizeof *values);
    *wide = from;
    free(halves);
    free(values);
    return (struct stored){(uint16_t *)*block + 1, type, NULL};
}

static uint64_t expect_same(struct bench *t, const char *what, const float *got, const float *want, size_t n, double bound)
{
    float *values = bench_read(t, want, n);
    double *exact = calloc(n + 1, sizeof *exact);
    for (size_t i = 0; i < n; i++)
        exact[i] = (double)values[i];
    bench_expect(t, what, got, exact, n, t->exact ? 0 : bound);
    free(values);
    free(exact);
    return bench_hash(t, got, n);
}

static uint64_t check_products(struct bench *t, int rows, int in, int out, enum dtype type)
{
    const size_t nx = (size_t)rows * (size_t)in, ny = (size_t)rows * (size_t)out;
    float *x = bench_random(t, nx, 1, 1), *dy = bench_random(t, ny, 1, 2), *bias = bench_random(t, (size_t)out, 1, 3);
    float *y = bench_random(t, ny, 1, 4), *y2 = bench_random(t, ny, 1, 4), *dx = bench_zeros(t, nx),
          *dx2 = bench_zeros(t, nx);
    float *wide;
    void *block;
    const struct stored w = make(t, (size_t)in * (size_t)out, type, &block, &wide);
    t->ops->linear(t->b, y, x, w, bias, rows, in, out, 0.5f, 1);
    t->ops->linear(t->b, y2, x, stored_f32(wide), bias, rows, in, out, 0.5f, 1);
    t->ops->linear_dx(t->b, dx, dy, w, rows, in, out, 1, 0);
    t->ops->linear_dx(t->b, dx2, dy, stored_f32(wide), rows, in, out, 1, 0);
    uint64_t hash = expect_same(t, "linear of halves", y, y2, ny, 2e-6 * (1 + sqrt(in)));
    hash = hash * 31 + expect_same(t, "linear_dx of halves", dx, dx2, nx, 2e-5 * (1 + sqrt(out)));
    bench_free(t, 9, x, dy, bias, y, y2, dx, dx2, wide, block);
    return hash;
}

static uint64_t check_tables(struct bench *t, int rows, int c, enum dtype type)
{
    enum { VOCAB = 19 };
    const size_t n = (size_t)rows * (size_t)c;
    int32_t *ids = calloc((size_t)rows + 1, sizeof *ids);
    for (int i = 0; i < rows; i++)
        ids[i] = (i * 7 + 3) % VOCAB;
    int32_t *tokens = bench_ints(t, ids, rows);
    float *out = bench_zeros(t, n), *want = bench_zeros(t, n), *wide;
    void *block;
    const struct stored w = make(t, (size_t)VOCAB * (size_t)c, type, &block, &wide);
    uint64_t hash = 0;
    for (int both = 0; both < 2; both++) {
        t->ops->embed(t->b, out, w, both ? w : (struct stored){0}, tokens, tokens, rows, c);
        t->ops->embed(t->b, want, stored_f32(wide), both ? stored_f32(wide) : (struct stored){0}, tokens, tokens, rows, c);
        hash = hash * 31 + expect_same(t, "embed of halves", out, want, n, 0);
    }
    bench_free(t, 5, tokens, out, want, wide, block);
    free(ids);
    return hash;
}

static uint64_t check_heads(struct bench *t, int rows, int c, int vocab, enum dtype type)
{
    const size_t n = (size_t)rows * (size_t)c;
    int32_t *ids = calloc((size_t)rows + 1, sizeof *ids);
    for (int i = 0; i < rows; i++)
        ids[i] = (i * 31 + 5) % vocab;
    int32_t *targets = bench_ints(t, ids, rows);
    float *x = bench_random(t, n, 1, 1), *coef = bench_random(t, (size_t)rows, 1, 2), *wide;
    float *results[2], *dx[2];
    void *block;
    const struct stored w = make(t, (size_t)vocab * (size_t)c, type, &block, &wide);
    for (int k = 0; k < 2; k++) {
        results[k] = bench_zeros(t, (size_t)rows * 5);
        dx[k] = bench_zeros(t, n);
        float *o = results[k];
        const struct head_in in = {.x = x, .w = k ? stored_f32(wide) : w, .ref_x = x, .ref_w = k ? stored_f32(wide) : w,
                                   .targets = targets, .n = rows, .c = c, .v = vocab, .inv_temperature = 1};
        t->ops->head(t->b, &(struct head_out){.logprobs = o, .lse = o + rows, .entropy = o + 2 * rows, .kl = o + 3 * rows,
                                              .ref_lse = o + 4 * rows}, &in);
        t->ops->head_backward(t->b, dx[k], NULL, &in, &(struct head_slopes){.lse = o + rows, .logprob = coef});
    }
    uint64_t hash = expect_same(t, "head of halves", results[0], results[1], (size_t)rows * 5, 1e-5);
    hash = hash * 31 + expect_same(t, "head_backward of halves", dx[0], dx[1], n, 2e-4);
    bench_free(t, 9, targets, x, coef, results[0], results[1], dx[0], dx[1], wide, block);
    free(ids);
    return hash;
}

static uint64_t check_convert(struct bench *t, size_t n)
{
    struct err fault;
    float *from = bench_random(t, n, 8, 9), *values = bench_read(t, from, n), *back = bench_zeros(t, n);
    double *want = calloc(n + 1, sizeof *want);
    void *halves = t->ops->alloc(t->b, n * 2 + 2, "halves", &fault);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)f32_from_bf16(bf16_from_f32(values[i]));
    t->ops->convert(t->b, halves, DTYPE_BF16, stored_f32(from), n);
    t->ops->convert(t->b, back, DTYPE_F32, (struct stored){halves, DTYPE_BF16, NULL}, n);
    bench_expect(t, "convert", back, want, n, 0);
    const uint64_t hash = bench_hash(t, back, n);
    bench_free(t, 3, from, back, halves);
    free(values);
    free(want);
    return hash;
}

uint64_t check_stored(struct bench *t)
{
    static const int shapes[][3] = {{1, 1, 1}, {1, 64, 48}, {7, 33, 31}, {33, 257, 255}, {130, 200, 500}, {300, 64, 96}};
    uint64_t hash = 0;
    for (int k = 0; k < TYPES; k++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            const int *s = shapes[i];
            hash = hash * 31 + check_products(t, s[0], s[1], s[2], types[k]);
            hash = hash * 31 + check_tables(t, s[0], s[1], types[k]);
            if (t->ops->head)
                hash = hash * 31 + check_heads(t, s[0], s[1], s[2] * 3, types[k]);
        }
    return hash * 31 + check_convert(t, 1) + check_convert(t, 40000) * 3;
}
