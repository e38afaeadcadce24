// Elementwise operations and the optimizer.
#include "config.h"

#include "conformance.h"

static double act_value(double x, enum activation kind)
{
    switch (kind) {
    case ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF:
        return 0.5 * x * (1 + erf(x / sqrt(2)));
    case ACT_RELU:
        return x > 0 ? x : 0;
    case ACT_SILU:
        return x / (1 + exp(-x));
    }
    return 0;
}

static double act_slope(double x, enum activation kind)
{
    return (act_value(x + 1e-5, kind) - act_value(x - 1e-5, kind)) / 2e-5; // error about 1e-10
}

static uint64_t check_acts(struct bench *t, size_t n)
{
    uint64_t hash = 0;
    float *x = bench_random(t, n, 9, 1), *dy = bench_random(t, n, 1, 2), *y = bench_zeros(t, n), *dx = bench_zeros(t, n);
    float *hx = bench_read(t, x, n), *hdy = bench_read(t, dy, n);
    double *want = calloc(n + 1, sizeof *want);
    for (enum activation kind = ACT_GELU_TANH; kind <= ACT_SILU; kind++) {
        t->ops->act(t->b, y, x, n, kind);
        for (size_t i = 0; i < n; i++)
            want[i] = act_value(hx[i], kind);
        bench_expect(t, "act", y, want, n, 1e-6);
        t->ops->act_backward(t->b, dx, dy, x, n, kind);
        for (size_t i = 0; i < n; i++)
            want[i] = hdy[i] * act_slope(hx[i], kind);
        bench_expect(t, "act_backward", dx, want, n, 2e-6);
        hash = hash * 31 + bench_hash(t, y, n) + 3 * bench_hash(t, dx, n);
    }
    bench_free(t, 4, x, dy, y, dx);
    free(hx), free(hdy), free(want);
    return hash;
}

static uint64_t check_soft_cap(struct bench *t, size_t n)
{
    const float cap = 3;
    float *x = bench_random(t, n, 9, 1), *hx = bench_read(t, x, n);
    double *want = calloc(n + 1, sizeof *want);
    t->ops->soft_cap(t->b, x, cap, n);
    for (size_t i = 0; i < n; i++)
        want[i] = cap * tanh((double)hx[i] / cap);
    bench_expect(t, "soft_cap", x, want, n, 1e-6);
    const uint64_t hash = bench_hash(t, x, n);
    bench_free(t, 1, x);
    free(hx), free(want);
    return hash;
}

static uint64_t check_gated(struct bench *t, size_t n, enum activation kind)
{
    float *gate = bench_random(t, n, 9, 1), *up = bench_random(t, n, 2, 2), *dy = bench_random(t, n, 1, 3);
    float *y = bench_zeros(t, n), *hg = bench_read(t, gate, n), *hu = bench_read(t, up, n), *hd = bench_read(t, dy, n);
    double *want = calloc(n + 1, sizeof *want), *want_up = calloc(n + 1, sizeof *want);
    t->ops->gated(t->b, y, gate, up, n, kind);
    for (size_t i = 0; i < n; i++)
        want[i] = act_value(hg[i], kind) * hu[i];
    bench_expect(t, "gated", y, want, n, 1e-6);
    uint64_t hash = bench_hash(t, y, n);
    t->ops->gated_backward(t->b, gate, up, dy, gate, up, n, kind); // in place, as the decoder does
    for (size_t i = 0; i < n; i++) {
        want[i] = (double)hd[i] * hu[i] * act_slope(hg[i], kind);
        want_up[i] = hd[i] * act_value(hg[i], kind);
    }
    bench_expect(t, "gated_backward dgate", gate, want, n, 2e-6);
    bench_expect(t, "gated_backward dup", up, want_up, n, 2e-6);
    hash = hash * 31 + bench_hash(t, gate, n) + 3 * bench_hash(t, up, n);
    bench_free(t, 4, gate, up, dy, y);
    free(hg), free(hu), free(hd), free(want), free(want_up);
    return hash;
}

static void check_shrink(struct bench *t, size_t n)
{
    float *w = bench_random(t, n, 1, 6), *start = bench_random(t, n, 1, 7);
    float *hw = bench_read(t, w, n), *hs = bench_read(t, start, n);
    double *want = calloc(n + 1, sizeof *want), l1 = 0;
    size_t n_zero = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)hw[i] - hs[i], left = fmax(fabs(d) - 0.5, 0);
        want[i] = hs[i] + copysign(left, d);
        l1 += left;
        n_zero += left == 0;
    }
    const struct shrunk all = t->ops->shrink(t->b, w, start, 0.5f, n);
    bench_expect(t, "shrink", w, want, n, 1e-6);
    assert_close(all.l1, l1, 1e-6 * (1 + l1));
    assert_close((double)all.n_small, (double)n_zero, 1e-4 * (double)n); // numbers at the threshold may fall to either side
    float *after = bench_read(t, w, n);
    for (size_t i = 0; i < n; i++)
        if (fabs((double)hw[i] - hs[i]) < 0.4999)
            assert_close(after[i], hs[i], 0); // exactly where it began
    bench_free(t, 2, w, start);
    free(hw), free(hs), free(after), free(want);
}

static uint64_t check_optimizer(struct bench *t, size_t n)
{
    float *p = bench_random(t, n, 1, 1), *g = bench_random(t, n, 1, 2), *m = bench_random(t, n, 1, 3);
    float *v = bench_random(t, n, 1, 4);
    float *hp = bench_read(t, p, n), *hg = bench_read(t, g, n), *hm = bench_read(t, m, n), *hv = bench_read(t, v, n);
    for (size_t i = 0; i < n; i++)
        hv[i] = fabsf(hv[i]);
    check_shrink(t, n);
    t->ops->upload(t->b, v, hv, n * sizeof *v);
    double *want = calloc(n + 1, sizeof *want), squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += (double)hg[i] * hg[i];
    assert_close(t->ops->sum_squares(t->b, g, n), squares, 1e-12 * (1 + squares));
    const struct adamw step = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.95f, .eps = 1e-8f, .weight_decay = 0.1f,
                               .correction1 = 0.19f, .correction2 = 0.0975f, .grad_scale = 0.5f};
    t->ops->adamw(t->b, p, g, m, v, n, &step);
    for (size_t i = 0; i < n; i++) {
        double grad = hg[i] * 0.5, first = 0.9f * (double)hm[i] + (1 - 0.9f) * grad;
        double second = 0.95f * (double)hv[i] + (1 - 0.95f) * grad * grad;
        double move = first / 0.19f / (sqrt(second / 0.0975f) + 1e-8);
        want[i] = hp[i] - 0.01f * (move + 0.1f * (double)hp[i]);
    }
    bench_expect(t, "adamw", p, want, n, 1e-6);
    float *left = bench_read(t, g, n);
    for (size_t i = 0; i < n; i++)
        assert_true(left[i] == 0);
    free(left);
    t->ops->upload(t->b, g, hg, n * sizeof *hg);
    uint64_t hash = bench_hash(t, p, n) + 3 * bench_hash(t, m, n) + 5 * bench_hash(t, v, n);
    for (size_t i = 0; i < n; i++)
        want[i] = (double)hg[i] + hp[i];
    float *sum = bench_zeros(t, n), *old = bench_zeros(t, n);
    t->ops->upload(t->b, old, hp, n * sizeof *old);
    t->ops->add(t->b, sum, old, g, n);
    bench_expect(t, "add", sum, want, n, 1e-7);
    t->ops->scale(t->b, sum, 0.5f, n);
    for (size_t i = 0; i < n; i++)
        want[i] *= 0.5;
    bench_expect(t, "scale", sum, want, n, 1e-7);
    bench_free(t, 6, p, g, m, v, sum, old);
    free(hp), free(hg), free(hm), free(hv), free(want);
    return hash;
}

uint64_t check_elementwise(struct bench *t)
{
    static const size_t lengths[] = {0, 1, 7, 31, 32, 33, 257, 16384, 50001};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        hash = hash * 31 + check_acts(t, lengths[i]) + 3 * check_gated(t, lengths[i], ACT_SILU) +
               7 * check_gated(t, lengths[i], ACT_GELU_TANH) + 11 * check_soft_cap(t, lengths[i]) +
               5 * check_optimizer(t, lengths[i]);
    return hash;
}
