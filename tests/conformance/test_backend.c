// Conformance of the cpu backend: linear products and elementwise operations here, the other families
// in their own files; all of them for 1, 2 and 3 threads and every level of vector instructions.
#include "config.h"

#include "conformance.h"

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

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
            check_linear_shape(t, bench_sizes[r], bench_sizes[i] ? bench_sizes[i] : 64, bench_sizes[(r + i) % N_SIZES], &hash);
    check_linear_shape(t, 130, 64, 400, &hash);
    check_linear_shape(t, 259, 33, 771, &hash);
    check_linear_shape(t, 1200, 70, 131, &hash); // cut by rows
    check_linear_shape(t, 600, 400, 260, &hash); // several slabs of rows, long sums
    check_linear_shape(t, 260, 400, 600, &hash); // cut by columns
    return hash;
}

// --- elementwise

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

// --- the program

typedef uint64_t check_function(struct bench *t);

// Runs the check at every level for 1, 2 and 3 threads: right within bounds, and the same bits.
static void for_all_machines(check_function *check)
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    for (int level = 0; level < 3; level++) {
        setenv("ATTUNE_CPU", levels[level], 1);
        const struct cpu_kernels *k;
        if (cpu_level(&k, NULL) != 0) {
            print_message("          this CPU cannot run %s: not checked\n", levels[level]);
            continue;
        }
        assert_string_equal(k->name, levels[level]);
        uint64_t first = 0;
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            struct bench t = {.ops = &backend_cpu};
            assert_ok(t.ops->open(&t.b, &(struct backend_options){.n_threads = n_threads}, e));
            t.exact = t.b->k->gemm;
            uint64_t hash = check(&t);
            if (n_threads == 1)
                first = hash;
            if (hash != first)
                fail_msg("%s: %d threads give other bits than 1", levels[level], n_threads);
            t.ops->close(t.b);
        }
    }
    unsetenv("ATTUNE_CPU");
}

static void linear_products_agree_with_doubles(void **state)
{
    for_all_machines(check_linear);
}
static void row_operations_agree_with_doubles(void **state)
{
    for_all_machines(check_rows);
}
static void norms_agree_with_doubles(void **state)
{
    for_all_machines(check_norms);
}
static void elementwise_operations_agree_with_doubles(void **state)
{
    for_all_machines(check_elementwise);
}
static void attention_agrees_with_doubles(void **state)
{
    for_all_machines(check_attention);
}
static void decoding_attention_agrees_with_doubles(void **state)
{
    for_all_machines(check_decode);
}
static void stored_halves_agree_with_f32(void **state)
{
    for_all_machines(check_stored);
}
static void packed_weights_change_no_bit(void **state)
{
    for_all_machines(check_packed);
}
static void sampling_agrees_with_doubles(void **state)
{
    for_all_machines(check_sample);
}
static void head_agrees_with_doubles(void **state)
{
    for_all_machines(check_head);
}

// Operands of k terms of size <= 1 rounded to 8 bits each: |error| <= about 2^-8 k / 3 in sum, far less in practice.
static uint64_t check_bf16(struct bench *t)
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

static void bf16_products_agree_within_their_rounding(void **state)
{
    if (bf16_refusal()) {
        print_message("          %s: not checked\n", bf16_refusal());
        skip();
    }
    uint64_t first = 0;
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        struct bench t = {.ops = &backend_cpu};
        assert_ok(t.ops->open(&t.b, &(struct backend_options){n_threads, PRECISION_BF16}, e));
        uint64_t hash = check_bf16(&t);
        first = n_threads == 1 ? hash : first;
        assert_true(hash == first);
        t.ops->close(t.b);
    }
}

static void rounding_to_bf16_is_to_nearest_even(void **state)
{
    const float x[] = {1.f, 1.00390625f, 1.01171875f, -2.5f, INFINITY, NAN, 0.f, 1.0000001f};
    const uint16_t want[] = {0x3f80, 0x3f80, 0x3f82, 0xc020, 0x7f80, 0x7fc0, 0, 0x3f80};
    uint16_t got[8];
    cpu_kernels_generic.round_bf16(got, x, 1, 8);
    assert_memory_equal(got, want, sizeof want);
#ifdef ATTUNE_X86_LEVELS
    const struct cpu_kernels *k;
    assert_ok(cpu_level(&k, e));
    k->round_bf16(got, x, 1, 8);
    assert_memory_equal(got, want, sizeof want);
#endif
}

// The rule that a large vocabulary never costs tokens x vocabulary: 2000 rows, V = 49152, at most 5 % of the logits.
static void head_keeps_little_of_a_large_vocabulary(void **state)
{
    enum { ROWS = 2000, VOCAB = 49152, WIDTH = 8 };
    struct bench t = {.ops = &backend_cpu};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.n_threads = 2}, e));
    float *x = bench_random(&t, ROWS * WIDTH, 1, 1), *w = bench_random(&t, (size_t)VOCAB * WIDTH, 1, 2);
    float *rows = bench_zeros(&t, 2 * ROWS), *more = bench_zeros(&t, 6 * ROWS), *coef = bench_random(&t, ROWS, 1, 3);
    float *dx = bench_zeros(&t, ROWS * WIDTH), *dw = bench_zeros(&t, (size_t)VOCAB * WIDTH);
    int32_t *ids = calloc(ROWS, sizeof *ids), *targets = bench_ints(&t, ids, ROWS);
    // With everything that objectives can ask for: the model is its own reference, and its own random numbers' source.
    struct head_in in = {.x = x, .w = stored_f32(w), .targets = targets, .n = ROWS, .c = WIDTH, .v = VOCAB, .inv_temperature = 1,
                         .ref_x = x, .ref_w = stored_f32(w), .n_rivals = 5, .draws = bench_zeros(&t, ROWS)};
    const struct head_out out = {.logprobs = rows, .lse = rows + ROWS, .entropy = more, .sum_squares = more + ROWS,
                                 .kl = more + 2 * ROWS, .ref_lse = more + 3 * ROWS, .gaps = more + 4 * ROWS,
                                 .rivals = (int32_t *)(void *)(more + 5 * ROWS)};
    t.ops->head(t.b, &out, &in);
    t.ops->head_backward(t.b, dx, dw, &in, &(struct head_slopes){.lse = rows + ROWS, .logprob = coef, .kl = coef,
                                                                .ref_lse = out.ref_lse, .gap = coef,
                                                                .rivals = out.rivals});
    assert_ok(t.ops->sync(t.b, e));
    double share = (double)cpu_scratch_peak(t.b) / ((double)ROWS * VOCAB * sizeof(float));
    print_message("          scratch %.2f %% of the logits\n", 100 * share);
    assert_true(share > 0 && share < 0.05);
    bench_free(&t, 9, x, w, rows, more, coef, dx, dw, targets, in.draws);
    free(ids);
    t.ops->close(t.b);
}

// Blocks follow each other over the whole product, whatever its shape; with our own kernels and with a library's.
static void blocks_cover_a_product_once(void **state)
{
    static const int sides[] = {1, 15, 63, 64, 127, 128, 288, 575, 576, 768, 1153, 3072, 9217};
    enum { N_SIDES = sizeof sides / sizeof *sides };
    for (int n_threads = 1; n_threads <= 9; n_threads++) {
        if (n_threads == 9)
            setenv("ATTUNE_CPU", "generic", 1);
        struct backend *b;
        assert_ok(backend_cpu.open(&b, &(struct backend_options){.n_threads = n_threads}, e));
        for (int i = 0; i < N_SIDES * N_SIDES; i++) {
            const struct gemm whole = {.m = sides[i % N_SIDES], .n = sides[i / N_SIDES], .k = 1};
            const struct gemm_cut cut = cpu_gemm_cut(b, whole.m, whole.n);
            int next_row = 0, next_column = 0, row, column;
            for (int block = 0; block < cut.n_blocks; block++) {
                const struct gemm part = cpu_gemm_cut_out(&whole, &cut, block, &row, &column);
                assert_int_equal(row, next_row);
                assert_int_equal(column, next_column);
                assert_true(part.m > 0 && part.n > 0);
                assert_int_equal(cut.by_rows ? part.n : part.m, cut.by_rows ? whole.n : whole.m);
                *(cut.by_rows ? &next_row : &next_column) += cut.by_rows ? part.m : part.n;
            }
            assert_int_equal(cut.by_rows ? next_row : next_column, cut.by_rows ? whole.m : whole.n);
            assert_true(whole.m < 64 * n_threads || whole.n < 64 * n_threads || cut.n_blocks >= n_threads);
        }
        backend_cpu.close(b);
    }
    unsetenv("ATTUNE_CPU");
}

// With our own kernels a row's bits do not depend on how many rows come with it.
static void rows_do_not_depend_on_their_batch(void **state)
{
    enum { ROWS = 530, IN = 200, OUT = 130, FEW = 5 };
    struct bench t = {.ops = &backend_cpu};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.n_threads = 2}, e));
    if (!t.b->k->gemm) { // OpenBLAS promises no such thing
        t.ops->close(t.b);
        skip();
    }
    float *x = bench_random(&t, ROWS * IN, 1, 1), *w = bench_random(&t, OUT * IN, 1, 2);
    float *all = bench_zeros(&t, ROWS * OUT), *few = bench_zeros(&t, FEW * OUT);
    t.ops->linear(t.b, all, x, stored_f32(w), NULL, ROWS, IN, OUT, 1, 0);
    t.ops->linear(t.b, few, x + 300 * IN, stored_f32(w), NULL, FEW, IN, OUT, 1, 0);
    assert_true(bench_hash(&t, all + 300 * OUT, FEW * OUT) == bench_hash(&t, few, FEW * OUT));
    bench_free(&t, 4, x, w, all, few);
    t.ops->close(t.b);
}

// The same of all that the head says; the rows are so many, and ask for so much, that they are taken in two pieces.
static void the_heads_rows_do_not_depend_on_their_batch(void **state)
{
    enum { ROWS = 600, IN = 8, VOCAB = 20000, FEW = 20, FIRST = 505, N_OUT = 7 };
    struct bench t = {.ops = &backend_cpu};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.n_threads = 2}, e));
    if (!t.b->k->gemm) {
        t.ops->close(t.b);
        skip();
    }
    float *x = bench_random(&t, ROWS * IN, 1, 1), *w = bench_random(&t, VOCAB * IN, 1, 2);
    float *ref = bench_random(&t, VOCAB * IN, 1, 3), *draws = bench_random(&t, ROWS, 0.9f, 4), *out[2];
    int32_t *ids = calloc(ROWS, sizeof *ids), *targets = bench_ints(&t, ids, ROWS);
    uint64_t hashes[2][N_OUT];
    for (int few = 0; few < 2; few++) {
        const int n = few ? FEW : ROWS, first = few ? FIRST : 0;
        float *o = out[few] = bench_zeros(&t, (size_t)(N_OUT * n));
        struct head_in in = {.x = x + first * IN, .w = stored_f32(w), .targets = targets + first, .n = n, .c = IN, .v = VOCAB,
                             .inv_temperature = 1, .ref_x = x + first * IN, .ref_w = stored_f32(ref), .n_rivals = HEAD_MAX_RIVALS,
                             .draws = draws + first};
        t.ops->head(t.b, &(struct head_out){.logprobs = o, .lse = o + n, .sum_squares = o + 2 * n, .gaps = o + 3 * n,
                                            .kl = o + 4 * n, .ref_lse = o + 5 * n,
                                            .rivals = (int32_t *)(void *)(o + 6 * n)}, &in);
        for (int i = 0; i < N_OUT; i++)
            hashes[few][i] = bench_hash(&t, o + i * n + (few ? 0 : FIRST), FEW);
    }
    assert_memory_equal(hashes[0], hashes[1], sizeof hashes[0]);
    bench_free(&t, 7, x, w, ref, draws, targets, out[0], out[1]);
    free(ids);
    t.ops->close(t.b);
}

static void an_unknown_level_is_refused_in_words(void **state)
{
    setenv("ATTUNE_CPU", "sse9", 1);
    struct backend *b = NULL;
    struct err fault = {0};
    assert_int_equal(backend_cpu.open(&b, &(struct backend_options){0}, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "ATTUNE_CPU=sse9"));
    unsetenv("ATTUNE_CPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_products_agree_with_doubles),
        cmocka_unit_test(row_operations_agree_with_doubles),
        cmocka_unit_test(norms_agree_with_doubles),
        cmocka_unit_test(elementwise_operations_agree_with_doubles),
        cmocka_unit_test(attention_agrees_with_doubles),
        cmocka_unit_test(decoding_attention_agrees_with_doubles),
        cmocka_unit_test(stored_halves_agree_with_f32),
        cmocka_unit_test(packed_weights_change_no_bit),
        cmocka_unit_test(head_agrees_with_doubles),
        cmocka_unit_test(sampling_agrees_with_doubles),
        cmocka_unit_test(bf16_products_agree_within_their_rounding),
        cmocka_unit_test(rounding_to_bf16_is_to_nearest_even),
        cmocka_unit_test(head_keeps_little_of_a_large_vocabulary),
        cmocka_unit_test(blocks_cover_a_product_once),
        cmocka_unit_test(rows_do_not_depend_on_their_batch),
        cmocka_unit_test(the_heads_rows_do_not_depend_on_their_batch),
        cmocka_unit_test(an_unknown_level_is_refused_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
