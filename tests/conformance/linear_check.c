// Linear products, forward and backward.
#include "config.h"

#include "conformance.h"

static void check_linear_shape(struct bench *t, int rows, int in, int out, uint64_t *hash)
{
    size_t nx = (size_t)rows * (size_t)in, nw = (size_t)out * (size_t)in, ny = (size_t)rows * (size_t)out;
    float *x = bench_random(t, nx, 1, 1), *w = bench_random(t, nw, 1, 2), *bias = bench_random(t, (size_t)out, 1, 3);
    float *y = bench_random(t, ny, 1, 4), *dx = bench_random(t, nx, 1, 5), *dw = bench_random(t, nw, 1, 6);
    float *dbias = bench_random(t, (size_t)out, 1, 7);
    float *hx = bench_read(t, x, nx), *hw = bench_read(t, w, nw), *hb = bench_read(t, bias, (size_t)out);
    float *hy = bench_read(t, y, ny), *hdx = bench_read(t, dx, nx), *hdw = bench_read(t, dw, nw);
    float *hdb = bench_read(t, dbias, (size_t)out);
    double *want = calloc(nx + nw + ny + 1, sizeof *want);
    bool first = (rows + in + out) % 2 == 0; // both settings of alpha, beta and bias
    float alpha = first ? 1 : 0.5f, beta = first ? 0 : 0.25f;

    t->ops->linear(t->b, y, x, stored_f32(w), first ? NULL : bias, rows, in, out, alpha, beta);
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < out; o++) {
            double sum = 0;
            for (int i = 0; i < in; i++)
                sum += (double)hx[r * in + i] * hw[o * in + i];
            want[r * out + o] = alpha * sum + (first ? 0 : beta * hy[r * out + o] + hb[o]);
        }
    bench_expect(t, "linear", y, want, ny, 2e-6 * (1 + sqrt(in)));

    t->ops->linear_dx(t->b, dx, y, stored_f32(w), rows, in, out, alpha, beta);
    free(hy);
    hy = bench_read(t, y, ny);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < in; i++) {
            double sum = 0;
            for (int o = 0; o < out; o++)
                sum += (double)hy[r * out + o] * hw[o * in + i];
            want[r * in + i] = alpha * sum + (first ? 0 : beta * hdx[r * in + i]);
        }
    bench_expect(t, "linear_dx", dx, want, nx, 2e-5 * (1 + sqrt(out)));

    t->ops->linear_dw(t->b, dw, dbias, y, x, rows, in, out, alpha);
    for (int o = 0; o < out; o++) {
        double total = hdb[o];
        for (int r = 0; r < rows; r++)
            total += hy[r * out + o];
        want[o] = total;
    }
    bench_expect(t, "linear_dw dbias", dbias, want, (size_t)out, 2e-5 * (1 + sqrt(rows)));
    for (int o = 0; o < out; o++)
        for (int i = 0; i < in; i++) {
            double sum = 0;
            for (int r = 0; r < rows; r++)
                sum += (double)hy[r * out + o] * hx[r * in + i];
            want[o * in + i] = hdw[o * in + i] + alpha * sum;
        }
    bench_expect(t, "linear_dw", dw, want, nw, 2e-5 * (1 + sqrt(rows)));
    *hash = *hash * 31 + bench_hash(t, y, ny) + bench_hash(t, dx, nx) * 3 + bench_hash(t, dw, nw) * 5 +
            bench_hash(t, dbias, (size_t)out) * 7;
    bench_free(t, 7, x, w, bias, y, dx, dw, dbias);
    free(hx), free(hw), free(hb), free(hy), free(hdx), free(hdw), free(hdb), free(want);
}

uint64_t check_linear(struct bench *t)
{
    uint64_t hash = 0;
    for (int r = 0; r < N_SIZES; r++)
        for (int i = 0; i < N_SIZES; i++)
            check_linear_shape(t, bench_sizes[r], bench_sizes[i] ? bench_sizes[i] : 64, bench_sizes[(r + i) % N_SIZES],
                               &hash);
    check_linear_shape(t, 130, 64, 400, &hash);
    check_linear_shape(t, 259, 33, 771, &hash);
    check_linear_shape(t, 1200, 70, 131, &hash); // cut by rows
    check_linear_shape(t, 600, 400, 260, &hash); // several slabs of rows, long sums
    check_linear_shape(t, 260, 400, 600, &hash); // cut by columns
    return hash;
}

// Operands of k terms of size <= 1 rounded to 8 bits each: |error| <= about 2^-8 k / 3 in sum, far less in practice.
uint64_t check_bf16(struct bench *t)
{
    uint64_t hash = 0;
    static const int shapes[][3] = {{257, 96, 130}, {130, 288, 400}, {600, 200, 1100}};
    for (int i = 0; i < 3; i++) {
        int rows = shapes[i][0], in = shapes[i][1], out = shapes[i][2];
        size_t nx = (size_t)(rows * in), nw = (size_t)(out * in), ny = (size_t)(rows * out);
        float *x = bench_random(t, nx, 1, 1), *w = bench_random(t, nw, 1, 2), *bias = bench_random(t, (size_t)out, 1, 3);
        float *y = bench_zeros(t, ny), *dx = bench_zeros(t, nx), *dw = bench_zeros(t, nw);
        float *hx = bench_read(t, x, nx), *hw = bench_read(t, w, nw), *hb = bench_read(t, bias, (size_t)out);
        double *want = calloc(nx + nw + ny, sizeof *want);
        t->ops->linear(t->b, y, x, stored_f32(w), bias, rows, in, out, 0.5f, 0);
        for (int r = 0; r < rows; r++)
            for (int o = 0; o < out; o++) {
                double sum = 0;
                for (int k = 0; k < in; k++)
                    sum += (double)hx[r * in + k] * hw[o * in + k];
                want[r * out + o] = 0.5 * sum + hb[o];
            }
        bench_expect(t, "linear in bf16", y, want, ny, 0.004 * sqrt(in));
        float *hy = bench_read(t, y, ny);
        t->ops->linear_dx(t->b, dx, y, stored_f32(w), rows, in, out, 1, 1);
        for (int r = 0; r < rows; r++)
            for (int k = 0; k < in; k++) {
                want[r * in + k] = 0;
                for (int o = 0; o < out; o++)
                    want[r * in + k] += (double)hy[r * out + o] * hw[o * in + k];
            }
        bench_expect(t, "linear_dx in bf16", dx, want, nx, 0.02 * sqrt(out));
        t->ops->linear_dw(t->b, dw, NULL, y, x, rows, in, out, 1);
        for (int o = 0; o < out; o++)
            for (int k = 0; k < in; k++) {
                want[o * in + k] = 0;
                for (int r = 0; r < rows; r++)
                    want[o * in + k] += (double)hy[r * out + o] * hx[r * in + k];
            }
        bench_expect(t, "linear_dw in bf16", dw, want, nw, 0.02 * sqrt(rows));
        // Weights that are bf16 already, between others: the same, but where a small block would not have rounded them.
        struct err fault;
        float *y2 = bench_zeros(t, ny), *dx2 = bench_zeros(t, nx);
        uint16_t *halves = t->ops->alloc(t->b, (nw + 3) * sizeof *halves, "halves", &fault);
        t->ops->convert(t->b, halves + 3, DTYPE_BF16, stored_f32(w), nw);
        t->ops->linear(t->b, y2, x, (struct stored){halves + 3, DTYPE_BF16, NULL}, bias, rows, in, out, 0.5f, 0);
        t->ops->linear_dx(t->b, dx2, y, (struct stored){halves + 3, DTYPE_BF16, NULL}, rows, in, out, 1, 1);
        float *want_y = bench_read(t, y, ny), *want_dx = bench_read(t, dx, nx);
        for (size_t j = 0; j < ny; j++)
            want[j] = (double)want_y[j];
        bench_expect(t, "linear of bf16 in bf16", y2, want, ny, 0.004 * sqrt(in));
        for (size_t j = 0; j < nx; j++)
            want[j] = (double)want_dx[j];
        bench_expect(t, "linear_dx of bf16 in bf16", dx2, want, nx, 0.02 * sqrt(out));
        free(want_y), free(want_dx);
        bench_free(t, 3, y2, dx2, halves);
        hash = hash * 31 + bench_hash(t, y, ny) + 3 * bench_hash(t, dx, nx) + 5 * bench_hash(t, dw, nw);
        bench_free(t, 6, x, w, bias, y, dx, dw);
        free(hx), free(hw), free(hb), free(hy), free(want);
    }
    return hash;
}
