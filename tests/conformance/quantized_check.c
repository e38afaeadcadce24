// Quantized weights: convert() gives the bits of the plain loops (model/quantized.h), and products are those of these
// numbers in f32: to the bit where an element does not depend on how a product is cut.
#include "config.h"

#include "conformance.h"

#include "model/quantized.h"

// n quantized weights and the same as f32, both on the device.
static struct stored make(struct bench *t, size_t n, enum dtype type, float **wide)
{
    struct err fault;
    const size_t bytes = quantized_bytes(type, n);
    float *from = bench_random(t, n, 1, 5), *values = bench_read(t, from, n);
    for (size_t i = 0; i < n; i++) // blocks are of different sizes, some all zero
        values[i] *= (float)(i / QUANT_BLOCK % 5) * 0.01f;
    char *host = calloc(bytes + 1, 1);
    quantize(host, type, values, n);
    dequantize(values, host, type, 0, n);
    void *at = t->ops->alloc(t->b, bytes, "quantized weights", &fault);
    assert_non_null(at);
    t->ops->upload(t->b, at, host, bytes);
    t->ops->upload(t->b, from, values, n * sizeof *values);
    *wide = from;
    free(host), free(values);
    return (struct stored){at, type, NULL};
}

static uint64_t expect_same(struct bench *t, const char *what, const float *got, const float *want, size_t n, double bound)
{
    float *values = bench_read(t, want, n);
    double *exact = calloc(n + 1, sizeof *exact);
    for (size_t i = 0; i < n; i++)
        exact[i] = (double)values[i];
    bench_expect(t, what, got, exact, n, t->exact ? 0 : bound);
    free(values), free(exact);
    return bench_hash(t, got, n);
}

static uint64_t check_convert(struct bench *t, struct stored w, const float *wide, size_t n)
{
    float *got = bench_zeros(t, n);
    t->ops->convert(t->b, got, DTYPE_F32, w, n);
    const uint64_t hash = bench_hash(t, got, n);
    if (hash != bench_hash(t, wide, n))
        fail_msg("%zu numbers of type %d: other bits than the plain loops give", n, (int)w.type);
    bench_free(t, 1, got);
    return hash;
}

static uint64_t check_products(struct bench *t, int rows, int in, int out, enum dtype type)
{
    const size_t nx = (size_t)rows * (size_t)in, ny = (size_t)rows * (size_t)out, n = (size_t)in * (size_t)out;
    float *x = bench_random(t, nx, 1, 1), *dy = bench_random(t, ny, 1, 2), *bias = bench_random(t, (size_t)out, 1, 3);
    float *y = bench_random(t, ny, 1, 4), *y2 = bench_random(t, ny, 1, 4), *dx = bench_zeros(t, nx), *dx2 = bench_zeros(t, nx);
    float *wide;
    const struct stored w = make(t, n, type, &wide);
    uint64_t hash = check_convert(t, w, wide, n);
    t->ops->linear(t->b, y, x, w, bias, rows, in, out, 0.5f, 1);
    t->ops->linear(t->b, y2, x, stored_f32(wide), bias, rows, in, out, 0.5f, 1);
    t->ops->linear_dx(t->b, dx, dy, w, rows, in, out, 1, 0);
    t->ops->linear_dx(t->b, dx2, dy, stored_f32(wide), rows, in, out, 1, 0);
    hash = hash * 31 + expect_same(t, "linear of quantized weights", y, y2, ny, 2e-6 * (1 + sqrt(in)));
    hash = hash * 31 + expect_same(t, "linear_dx of quantized weights", dx, dx2, nx, 2e-6 * (1 + sqrt(out)));
    const size_t packed_bytes = t->ops->packed_bytes(t->b, w, in, out);
    if (packed_bytes) {
        struct err fault;
        struct stored packed = w;
        void *room = t->ops->alloc(t->b, packed_bytes, "packed weights", &fault);
        t->ops->pack_weights(t->b, room, w, in, out);
        packed.packed = room;
        t->ops->linear(t->b, y, x, packed, NULL, rows, in, out, 1, 0);
        t->ops->linear(t->b, y2, x, stored_f32(wide), NULL, rows, in, out, 1, 0);
        hash = hash * 31 + expect_same(t, "linear of packed quantized weights", y, y2, ny, 2e-6 * (1 + sqrt(in)));
        bench_free(t, 1, room);
    }
    bench_free(t, 9, x, dy, bias, y, y2, dx, dx2, wide, w.at);
    return hash;
}

uint64_t check_quantized(struct bench *t)
{
    // rows, in, out: around vectors and blocks; lines of odd lengths begin in a byte's low half; the fifth is several groups
    static const int shapes[][3] = {{1, 1, 1}, {3, 64, 33}, {17, 33, 31}, {2, 129, 130}, {40, 200, 300}, {5, 513, 97},
                                    {300, 96, 120}};
    uint64_t hash = 0;
    for (int type = DTYPE_INT8; type <= DTYPE_NF4; type++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            hash = hash * 31 + check_products(t, shapes[i][0], shapes[i][1], shapes[i][2], (enum dtype)type);
    return hash;
}
