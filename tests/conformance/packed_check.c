// Weights laid out for linear() give the same bits as the weights where they lie, with every number of rows and columns, for
// any way that threads cut the product, and in every type that weights are stored in.
#include "config.h"

#include "conformance.h"

static uint64_t check_products(struct bench *t, int rows, int in, int out, struct stored w)
{
    struct err fault;
    const size_t nx = (size_t)rows * (size_t)in, ny = (size_t)rows * (size_t)out;
    const size_t bytes = t->ops->packed_bytes(t->b, w, in, out);
    if (bytes == 0)
        return 0;
    struct stored laid_out = w;
    void *packed = t->ops->alloc(t->b, bytes, "packed weights", &fault);
    float *x = bench_random(t, nx, 1, 1), *bias = bench_random(t, (size_t)out, 1, 3);
    uint64_t hashes[2][3];
    t->ops->pack_weights(t->b, packed, w, in, out);
    laid_out.packed = packed;
    for (int k = 0; k < 2; k++) {
        const struct stored weights = k ? laid_out : w;
        float *y = bench_random(t, ny, 1, 4);
        t->ops->linear(t->b, y, x, weights, bias, rows, in, out, 0.5f, 1);
        hashes[k][0] = bench_hash(t, y, ny);
        t->ops->linear(t->b, y, x, weights, NULL, rows, in, out, 1, 0.25f);
        hashes[k][1] = bench_hash(t, y, ny);
        t->ops->linear(t->b, y, x, weights, NULL, rows, in, out, 1, 0);
        hashes[k][2] = bench_hash(t, y, ny);
        bench_free(t, 1, y);
    }
    assert_memory_equal(hashes[0], hashes[1], sizeof hashes[0]);
    bench_free(t, 3, packed, x, bias);
    return hashes[1][0] + 3 * hashes[1][1] + 5 * hashes[1][2];
}

uint64_t check_packed(struct bench *t)
{
    static const int shapes[][3] = {{1, 1, 1}, {1, 64, 48}, {7, 33, 31}, {64, 768, 200}, {65, 400, 129}, {3, 193, 1000},
                                    {33, 2100, 257}, {300, 385, 96}, {600, 96, 577}};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct err fault;
        const int *s = shapes[i];
        const size_t n = (size_t)s[1] * (size_t)s[2];
        float *w = bench_random(t, n, 1, 2);
        void *halves = t->ops->alloc(t->b, n * 2, "halves", &fault);
        t->ops->convert(t->b, halves, DTYPE_BF16, stored_f32(w), n);
        hash = hash * 31 + check_products(t, s[0], s[1], s[2], stored_f32(w));
        hash = hash * 31 + check_products(t, s[0], s[1], s[2], (struct stored){halves, DTYPE_BF16, NULL});
        bench_free(t, 2, w, halves);
    }
    return hash;
}
