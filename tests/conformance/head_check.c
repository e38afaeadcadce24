// The tiled head against whole logits in doubles.
#include "config.h"

#include "conformance.h"

static uint64_t check_shape(struct bench *t, int n, int c, int v, float inv_temperature)
{
    size_t nx = (size_t)n * (size_t)c, nw = (size_t)v * (size_t)c;
    float *x = bench_random(t, nx, 1, 1), *w = bench_random(t, nw, 1, 2), *coef = bench_random(t, (size_t)n, 1, 3);
    int32_t *ids = calloc((size_t)n + 1, sizeof *ids);
    for (int i = 0; i < n; i++)
        ids[i] = i % 5 == 4 ? v - 1 : (i * 37) % v;
    int32_t *targets = bench_ints(t, ids, (size_t)n);
    float *logprobs = bench_zeros(t, (size_t)n), *lse = bench_zeros(t, (size_t)n), *entropy = bench_zeros(t, (size_t)n);
    float *is_top = bench_zeros(t, (size_t)n), *dx = bench_random(t, nx, 1, 4), *dw = bench_random(t, nw, 1, 5);
    float *hx = bench_read(t, x, nx), *hw = bench_read(t, w, nw), *hc = bench_read(t, coef, (size_t)n);
    float *hdw = bench_read(t, dw, nw);
    struct head_in in = {x, w, targets, n, c, v, inv_temperature};
    t->ops->head(t->b, &(struct head_out){logprobs, lse, entropy, is_top}, &in);
    t->ops->head_backward(t->b, dx, dw, &in, lse, coef);
    double *logits = calloc((size_t)v, sizeof *logits), *want_lp = calloc(4 * (size_t)n + 1, sizeof *want_lp);
    double *want_lse = want_lp + n, *want_h = want_lse + n, *want_top = want_h + n;
    double *want_dx = calloc(nx + 1, sizeof *want_dx), *want_dw = calloc(nw + 1, sizeof *want_dw);
    for (size_t i = 0; i < nw; i++)
        want_dw[i] = hdw[i];
    for (int i = 0; i < n; i++) {
        double sum = 0, top = -INFINITY;
        for (int token = 0; token < v; token++) {
            logits[token] = 0;
            for (int j = 0; j < c; j++)
                logits[token] += (double)hx[i * c + j] * hw[token * c + j] * inv_temperature;
            sum += exp(logits[token]);
            top = fmax(top, logits[token]);
        }
        want_lse[i] = log(sum);
        want_lp[i] = logits[ids[i]] - log(sum);
        want_top[i] = logits[ids[i]] >= top;
        for (int token = 0; token < v; token++) {
            double p = exp(logits[token]) / sum;
            want_h[i] -= p * (logits[token] - log(sum));
            double d = hc[i] * inv_temperature * ((token == ids[i]) - p);
            for (int j = 0; j < c; j++) {
                want_dx[i * c + j] += d * hw[token * c + j];
                want_dw[token * c + j] += d * hx[i * c + j];
            }
        }
    }
    bench_expect(t, "head logprobs", logprobs, want_lp, (size_t)n, 3e-6);
    bench_expect(t, "head lse", lse, want_lse, (size_t)n, 3e-6);
    bench_expect(t, "head entropy", entropy, want_h, (size_t)n, 1e-5);
    bench_expect(t, "head is_top", is_top, want_top, (size_t)n, 0);
    bench_expect(t, "head_backward dx", dx, want_dx, nx, 1e-5);
    bench_expect(t, "head_backward dw", dw, want_dw, nw, 1e-5);
    uint64_t hash = bench_hash(t, logprobs, (size_t)n) + 3 * bench_hash(t, entropy, (size_t)n) +
                    5 * bench_hash(t, dx, nx) + 7 * bench_hash(t, dw, nw);
    bench_free(t, 10, x, w, coef, targets, logprobs, lse, entropy, is_top, dx, dw);
    free(ids), free(hx), free(hw), free(hc), free(hdw), free(logits), free(want_lp), free(want_dx), free(want_dw);
    return hash;
}

uint64_t check_head(struct bench *t)
{
    uint64_t hash = check_shape(t, 0, 8, 10, 1);
    hash = hash * 31 + check_shape(t, 1, 1, 1, 1);
    hash = hash * 31 + check_shape(t, 31, 33, 257, 1);
    hash = hash * 31 + check_shape(t, 33, 8, 1025, 0.5f);
    hash = hash * 31 + check_shape(t, 130, 7, 2111, 2);
    hash = hash * 31 + check_shape(t, 300, 9, 515, 1);
    return hash;
}
