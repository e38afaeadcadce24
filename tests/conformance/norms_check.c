// Norms and their gradients.
#include "config.h"

#include "conformance.h"

static void norm_reference(const float *x, const float *w, const float *bias, double eps, int c, bool layer, double *y)
{
    double mean = 0, square = 0;
    for (int i = 0; i < c && layer; i++)
        mean += (double)x[i] / c;
    for (int i = 0; i < c; i++)
        square += (x[i] - mean) * (x[i] - mean) / c;
    for (int i = 0; i < c; i++)
        y[i] = (x[i] - mean) / sqrt(square + eps) * w[i] + (bias ? bias[i] : 0);
}

// Gradients of sum dy * y by the formula in doubles, row by row.
static void norm_gradient(const float *x, const float *w, const float *dy, double eps, int c, bool layer, double *dx,
                          double *dw, double *dbias)
{
    double mean = 0, square = 0, a = 0, d = 0;
    for (int i = 0; i < c && layer; i++)
        mean += (double)x[i] / c;
    for (int i = 0; i < c; i++)
        square += (x[i] - mean) * (x[i] - mean) / c;
    double r = 1 / sqrt(square + eps);
    for (int i = 0; i < c; i++) {
        a += layer ? (double)dy[i] * w[i] / c : 0;
        d += (double)dy[i] * w[i] * (x[i] - mean) * r / c;
    }
    for (int i = 0; i < c; i++) {
        double hat = (x[i] - mean) * r;
        dx[i] += r * ((double)dy[i] * w[i] - a - hat * d);
        dw[i] += dy[i] * hat;
        dbias[i] += dy[i];
    }
}

static uint64_t check_norm(struct bench *t, int rows, int c, bool layer)
{
    size_t n = (size_t)rows * (size_t)c;
    float *x = bench_random(t, n, 2, 1), *w = bench_random(t, (size_t)c, 1, 2), *bias = bench_random(t, (size_t)c, 1, 3);
    float *y = bench_zeros(t, n), *mean = bench_zeros(t, (size_t)rows), *rstd = bench_zeros(t, (size_t)rows);
    float *dy = bench_random(t, n, 1, 4), *dx = bench_random(t, n, 1, 5), *dw = bench_random(t, (size_t)c, 1, 6);
    float *dbias = bench_random(t, (size_t)c, 1, 7);
    float *hx = bench_read(t, x, n), *hw = bench_read(t, w, (size_t)c), *hb = bench_read(t, bias, (size_t)c);
    float *hdy = bench_read(t, dy, n), *hdx = bench_read(t, dx, n), *hdw = bench_read(t, dw, (size_t)c);
    float *hdb = bench_read(t, dbias, (size_t)c);
    double *want = calloc(n + 1, sizeof *want), *want_dx = calloc(n + 1, sizeof *want);
    double *want_dw = calloc((size_t)c + 1, sizeof *want), *want_db = calloc((size_t)c + 1, sizeof *want);
    const float eps = 1e-5f;
    bool accumulate = rows % 2;
    if (layer) {
        t->ops->layernorm(t->b, y, mean, rstd, x, w, bias, eps, rows, c);
        t->ops->layernorm_backward(t->b, dx, dw, dbias, dy, x, w, mean, rstd, rows, c, accumulate);
    } else {
        t->ops->rmsnorm(t->b, y, rstd, x, w, eps, rows, c);
        float *out = rows % 4 == 2 ? dy : dx; // over what came in, which the contract allows
        t->ops->rmsnorm_backward(t->b, out, dw, dy, x, w, rstd, rows, c, accumulate);
        if (out == dy)
            t->ops->copy(t->b, dx, dy, n * sizeof *dx);
    }
    for (int i = 0; i < c; i++) {
        want_dw[i] = hdw[i];
        want_db[i] = hdb[i];
    }
    for (int r = 0; r < rows; r++) {
        norm_reference(hx + r * c, hw, layer ? hb : NULL, eps, c, layer, want + r * c);
        for (int i = 0; i < c; i++)
            want_dx[r * c + i] = accumulate ? hdx[r * c + i] : 0;
        norm_gradient(hx + r * c, hw, hdy + r * c, eps, c, layer, want_dx + r * c, want_dw, want_db);
    }
    bench_expect(t, "norm", y, want, n, 4e-6);
    // one element's variance is 0: dx is what is left of cancelled terms times 1/sqrt(eps)
    bench_expect(t, "norm_backward dx", dx, want_dx, n, c == 1 ? 1e-3 : 4e-5);
    bench_expect(t, "norm_backward dw", dw, want_dw, (size_t)c, 2e-6 * (rows + 1));
    if (layer)
        bench_expect(t, "norm_backward dbias", dbias, want_db, (size_t)c, 2e-6 * (rows + 1));
    uint64_t hash = bench_hash(t, y, n) + 3 * bench_hash(t, dx, n) + 5 * bench_hash(t, dw, (size_t)c);
    bench_free(t, 10, x, w, bias, y, mean, rstd, dy, dx, dw, dbias);
    free(hx), free(hw), free(hb), free(hdy), free(hdx), free(hdw), free(hdb);
    free(want), free(want_dx), free(want_dw), free(want_db);
    return hash;
}

uint64_t check_norms(struct bench *t)
{
    uint64_t hash = 0;
    for (int r = 0; r < N_SIZES; r++)
        for (int c = 1; c < N_SIZES; c++)
            for (int layer = 0; layer < 2; layer++)
                hash = hash * 31 + check_norm(t, bench_sizes[r], bench_sizes[c], layer);
    return hash;
}
