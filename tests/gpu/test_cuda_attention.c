// Attention of the cuda backend as the host runs it: what a warp's registers hold, bf16 on tensor cores against the kernels
// for f32, decoding from caches that are cut and prompts that are shared.
#include "config.h"

#include "../conformance/conformance.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
size_t cuda_host_barriers(void);

// ---- registers ----

struct tensor_core_tiles {
    uint16_t a[256], b[256], b_transposed[256];
    uint32_t has_a[32][4], has_b[32][4], has_b_as_it_is[32][4];
    float c[2][32][4];
};
void tensor_core_product(struct tensor_core_tiles *t);

static uint16_t bf16_of_whole(int x) // to 256 they are exact
{
    const float f = (float)x;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 16);
}

// PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": element i of a, b and c of each lane.
static void check_registers(const struct tensor_core_tiles *t, const int a[16][16], const int b[16][16])
{
    for (int lane = 0; lane < 32; lane++) {
        const int group = lane >> 2, in_group = lane % 4;
        for (int i = 0; i < 8; i++) {
            const int row = (i < 2 || (i >= 4 && i < 6)) ? group : group + 8;
            const int column = in_group * 2 + (i & 1) + (i < 4 ? 0 : 8);
            assert_int_equal((uint16_t)(t->has_a[lane][i / 2] >> i % 2 * 16), bf16_of_whole(a[row][column]));
        }
        for (int i = 0; i < 8; i++) {
            const int row = in_group * 2 + (i & 1) + (i % 4 < 2 ? 0 : 8), column = group + i / 4 * 8;
            assert_int_equal((uint16_t)(t->has_b[lane][i / 2] >> i % 2 * 16), bf16_of_whole(b[row][column]));
            assert_int_equal(t->has_b[lane][i / 2], t->has_b_as_it_is[lane][i / 2]);
        }
        for (int i = 0; i < 8; i++) {
            const int row = i % 4 < 2 ? group : group + 8, column = in_group * 2 + (i & 1) + i / 4 * 8;
            int sum = 1; // what c began with
            for (int k = 0; k < 16; k++)
                sum += a[row][k] * b[k][column];
            assert_true(t->c[i / 4][lane][i % 4] == (float)sum);
        }
    }
}

static void a_warps_registers_hold_what_the_ptx_isa_says(void **state)
{
    int a[16][16], b[16][16];
    struct tensor_core_tiles t = {0};
    for (int row = 0; row < 16; row++)
        for (int column = 0; column < 16; column++) {
            a[row][column] = row * 16 + column;
            b[row][column] = (row * 16 + column) * 37 % 256; // all different, too
            t.a[row * 16 + column] = bf16_of_whole(a[row][column]);
            t.b[row * 16 + column] = t.b_transposed[column * 16 + row] = bf16_of_whole(b[row][column]);
        }
    for (int order = 0; order < N_ORDERS; order++) {
        for (int i = 0; i < 256; i++)
            (&t.c[0][0][0])[i] = 1;
        cuda_host_order((enum cuda_host_order)order, 7);
        tensor_core_product(&t);
        check_registers(&t, a, b);
    }
    cuda_host_order(ORDER_UP, 0);
}

// ---- bf16 against f32 ----

struct attention_case {
    const char *what;
    int n_segments, t;
    struct attn_segment segments[4];
    struct attn_shape shape;
};

static const struct attention_case cases[] = {
    {"one row", 1, 1, {{0, 1, 0, 0}}, {1, 1, 32, 0.35f, 0, 0}},
    {"narrow heads, numbers that are not aligned", 2, 70, {{0, 5, 0, 0}, {5, 65, 0, 5}}, {2, 1, 7, 0.3f, 0, 0}},
    {"32 numbers, a whole tile", 1, 64, {{0, 64, 0, 0}}, {2, 2, 32, 0.2f, 0, 0}},
    {"48 numbers, a prompt and two answers", 3, 150, {{0, 70, 0, 0}, {70, 65, 0, 70}, {135, 15, 0, 70}},
     {4, 2, 48, 0.15f, 0, 0}},
    {"64 numbers, a part of the prompt", 4, 140, {{0, 33, 0, 0}, {33, 31, 0, 33}, {64, 66, 0, 20}, {130, 10, 0, 0}},
     {2, 1, 64, 0.125f, 0, 0}},
    {"80 numbers, a window", 2, 135, {{0, 66, 0, 0}, {66, 69, 0, 66}}, {2, 1, 80, 0.11f, 37, 0}},
    {"96 numbers, capped scores", 1, 97, {{0, 97, 0, 0}}, {2, 2, 96, 0.3f, 0, 2}},
    {"100 numbers", 1, 33, {{0, 33, 0, 0}}, {1, 1, 100, 0.1f, 0, 0}},
    {"128 numbers, capped scores in a window", 2, 130, {{0, 65, 0, 0}, {65, 65, 0, 65}}, {2, 1, 128, 0.2f, 65, 1.5f}},
};
enum { N_CASES = sizeof cases / sizeof *cases, N_RESULTS = 5 };

struct results { // out, lse, dq, dk, dv
    size_t n[N_RESULTS];
    float *at[N_RESULTS];
};

static void results_free(struct results *r)
{
    for (int i = 0; i < N_RESULTS; i++)
        free(r->at[i]);
}

// `given`: out and lse for the backward, so that the two precisions' backward is compared alone; NULL: its own.
static struct results attention_as(enum precision precision, const struct attention_case *c, bool rounded,
                                   const struct results *given)
{
    struct bench t = {.ops = &backend_cuda};
    const struct attn_shape *a = &c->shape;
    const size_t rows = (size_t)c->t, nq = rows * (size_t)(a->n_heads * a->head_dim);
    const size_t nk = rows * (size_t)(a->n_kv_heads * a->head_dim), n_lse = rows * (size_t)a->n_heads;
    struct results r = {{nq, n_lse, nq, nk, nk}, {0}};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = precision}, e));
    float *in[4] = {bench_random(&t, nq, 2, 1), bench_random(&t, nk, 2, 2), bench_random(&t, nk, 1, 3),
                    bench_random(&t, nq, 1, 4)};
    for (int i = 0; rounded && i < 4; i++)
        t.ops->round_to(t.b, in[i], DTYPE_BF16, i == 0 || i == 3 ? nq : nk);
    float *out[N_RESULTS];
    for (int i = 0; i < N_RESULTS; i++)
        out[i] = bench_random(&t, r.n[i], 1, 5);
    int32_t *rows_of = bench_ints(&t, &c->segments[0].start, 4 * (size_t)c->n_segments);
    const struct attn_segment *segments = (const struct attn_segment *)(const void *)rows_of;
    t.ops->attention(t.b, out[0], out[1], in[0], in[1], in[2], segments, c->n_segments, c->t, c->t, a);
    for (int i = 0; i < 2; i++) {
        r.at[i] = bench_read(&t, out[i], r.n[i]);
        if (given)
            t.ops->upload(t.b, out[i], given->at[i], r.n[i] * sizeof(float));
    }
    t.ops->attention_backward(t.b, out[2], out[3], out[4], in[3], out[0], out[1], in[0], in[1], in[2], segments,
                              c->n_segments, c->t, c->t, a);
    for (int i = 2; i < N_RESULTS; i++)
        r.at[i] = bench_read(&t, out[i], r.n[i]);
    bench_free(&t, 5, in[0], in[1], in[2], in[3], rows_of);
    bench_free(&t, 5, out[0], out[1], out[2], out[3], out[4]);
    t.ops->close(t.b);
    return r;
}

// |got - exact| / |exact|, as lengths of vectors; what is nothing but rounding of zero counts as nothing.
static double share_apart(const float *got, const float *exact, size_t n)
{
    double apart = 0, size = 1e-10 * (double)n;
    for (size_t i = 0; i < n; i++) {
        apart += pow((double)got[i] - (double)exact[i], 2);
        size += pow((double)exact[i], 2);
    }
    return sqrt(apart / size);
}

static const char *const result_names[N_RESULTS] = {"out", "lse", "dq", "dk", "dv"};

static void expect_near(const struct attention_case *c, const struct results *got, const struct results *exact, double most)
{
    for (int i = 0; i < N_RESULTS; i++) {
        const double share = share_apart(got->at[i], exact->at[i], exact->n[i]);
        if (!(share <= most))
            fail_msg("%s: %s is off by %.2g of what it is, at most %.2g", c->what, result_names[i], share, most);
        if (i != 1 && c->t > 1 && share < 1e-5)
            fail_msg("%s: %s is f32's: nothing was rounded", c->what, result_names[i]);
    }
}

// Inputs that bf16 holds: scores are exact but for the order of their sums, and the weights alone are rounded, by at most
// 2^-9 of each. So out is off by 2^-9 of the largest value (1 here) and lse by nothing; slopes are rounded as well.
static void inputs_that_are_bf16_lose_only_what_weights_and_slopes_lose(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        const struct attention_case *c = &cases[i];
        struct results exact = attention_as(PRECISION_F32, c, true, NULL);
        struct results got = attention_as(PRECISION_BF16, c, true, &exact);
        for (size_t k = 0; k < exact.n[0]; k++)
            if (!(fabsf(got.at[0][k] - exact.at[0][k]) <= 0x1.01p-9f))
                fail_msg("%s: out[%zu] is %.9g, in f32 %.9g", c->what, k, (double)got.at[0][k], (double)exact.at[0][k]);
        for (size_t k = 0; k < exact.n[1]; k++)
            assert_true(fabsf(got.at[1][k] - exact.at[1][k]) <= 3e-6f * (1 + fabsf(exact.at[1][k])));
        expect_near(c, &got, &exact, 0x1p-8);
        results_free(&exact), results_free(&got);
    }
}

// Any inputs: queries, keys, values and what comes back are rounded first.
static void attention_in_bf16_is_near_that_in_f32(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        struct results exact = attention_as(PRECISION_F32, &cases[i], false, NULL);
        struct results got = attention_as(PRECISION_BF16, &cases[i], false, NULL);
        expect_near(&cases[i], &got, &exact, 0.02);
        results_free(&exact), results_free(&got);
    }
}

static void the_order_of_threads_changes_no_bit(void **state)
{
    for (int i = 0; i < N_CASES; i++) {
        struct results first = attention_as(PRECISION_BF16, &cases[i], false, NULL);
        for (int order = 1; order < N_ORDERS; order++) {
            cuda_host_order((enum cuda_host_order)order, 7);
            struct results other = attention_as(PRECISION_BF16, &cases[i], false, NULL);
            for (int k = 0; k < N_RESULTS; k++)
                if (memcmp(first.at[k], other.at[k], first.n[k] * sizeof(float)) != 0)
                    fail_msg("%s: another order of threads (%d) gives another %s", cases[i].what, order, result_names[k]);
            results_free(&other);
        }
        cuda_host_order(ORDER_UP, 0);
        results_free(&first);
    }
}

// On queries, keys and values that are rounded, by their caller or here.
static void wider_heads_take_the_kernels_for_f32(void **state)
{
    const struct attention_case wide = {"129", 1, 20, {{0, 20, 0, 0}}, {1, 1, 129, 0.1f, 0, 0}};
    struct results exact = attention_as(PRECISION_F32, &wide, true, NULL);
    struct results got = attention_as(PRECISION_BF16, &wide, true, NULL);
    struct results rounded_here = attention_as(PRECISION_BF16, &wide, false, NULL);
    for (int i = 0; i < N_RESULTS; i++)
        assert_memory_equal(got.at[i], exact.at[i], exact.n[i] * sizeof(float));
    for (int i = 0; i < 2; i++) // what comes back is not rounded
        assert_memory_equal(rounded_here.at[i], exact.at[i], exact.n[i] * sizeof(float));
    results_free(&exact), results_free(&got), results_free(&rounded_here);
}

// ---- decoding ----

enum { N_STREAMS = 9, N_KEYS = 2400, MOST_KEYS = 900 };
static const struct kv_rows streams[N_STREAMS] = {
    {0, 300, 600, 1}, {0, 300, 601, 600}, {0, 300, 1201, 2}, {0, 299, 1210, 3}, {300, 40, 1300, 256},
    {300, 40, 1600, 257}, {0, 0, 1900, 70}, {0, 0, 0, 0}, {400, 200, 0, 0}};

// Plain loops over what a stream sees.
static void decode_reference(const struct attn_shape *a, const struct kv_rows *s, const float *q, const float *k,
                             const float *v, double *out)
{
    const int d = a->head_dim, n = s->n_shared + s->n_own;
    for (int h = 0; h < a->n_heads; h++) {
        double sum = 0, *to = out + h * d;
        memset(to, 0, (size_t)d * sizeof *to);
        for (int p = a->window && n > a->window ? n - a->window : 0; p < n; p++) {
            const int row = p < s->n_shared ? s->shared + p : s->own + p - s->n_shared;
            const size_t at = (size_t)(row * a->n_kv_heads + h / (a->n_heads / a->n_kv_heads)) * (size_t)d;
            double score = 0;
            for (int x = 0; x < d; x++)
                score += (double)q[h * d + x] * (double)k[at + (size_t)x];
            score *= (double)a->scale;
            const double cap = (double)a->cap, weight = exp(cap > 0 ? cap * tanh(score / cap) : score);
            sum += weight;
            for (int x = 0; x < d; x++)
                to[x] += weight * (double)v[at + (size_t)x];
        }
        for (int x = 0; x < d && n > 0; x++)
            to[x] /= sum;
    }
}

struct decoding {
    struct bench t;
    const struct attn_shape *shape;
    size_t width; // of a stream
    float *q, *k, *v, *out, *lse;
    int32_t *rows;
};

static void decoding_open(struct decoding *d, enum precision precision, const struct attn_shape *a)
{
    const size_t n_kv = (size_t)(N_KEYS * a->n_kv_heads * a->head_dim);
    *d = (struct decoding){.t = {.ops = &backend_cuda}, .shape = a, .width = (size_t)(a->n_heads * a->head_dim)};
    assert_ok(backend_cuda.open(&d->t.b, &(struct backend_options){.precision = precision}, e));
    d->q = bench_random(&d->t, N_STREAMS * d->width, 2, 1);
    d->k = bench_random(&d->t, n_kv, 2, 2);
    d->v = bench_random(&d->t, n_kv, 1, 3);
    d->out = bench_random(&d->t, N_STREAMS * d->width, 1, 4);
    d->lse = bench_random(&d->t, (size_t)(N_STREAMS * a->n_heads), 1, 5);
    d->rows = bench_ints(&d->t, (const int32_t *)streams, 4 * N_STREAMS);
    backend_cuda.round_to(d->t.b, d->q, DTYPE_BF16, N_STREAMS * d->width);
    backend_cuda.round_to(d->t.b, d->k, DTYPE_BF16, n_kv);
    backend_cuda.round_to(d->t.b, d->v, DTYPE_BF16, n_kv);
}

static void decoding_close(struct decoding *d)
{
    bench_free(&d->t, 6, d->q, d->k, d->v, d->out, d->lse, d->rows);
    backend_cuda.close(d->t.b);
}

// n streams from `first` on.
static float *decode(struct decoding *d, int first, int n, int most_keys)
{
    const size_t from = (size_t)first * d->width;
    backend_cuda.attention_decode(d->t.b, d->out + from, d->lse + first * d->shape->n_heads, d->q + from, d->k, d->v,
                                  (const struct kv_rows *)d->rows + first, n, most_keys, d->shape);
    return bench_read(&d->t, d->out + from, (size_t)n * d->width);
}

static const struct attn_shape decode_shapes[] = {
    {2, 2, 16, 0.3f, 0, 0}, {4, 2, 33, 0.2f, 0, 0}, {3, 1, 64, 0.15f, 280, 0}, {18, 1, 8, 0.4f, 0, 1.5f},
    {70, 1, 16, 0.3f, 0, 0}, {1, 1, 128, 0.1f, 100, 2}};
enum { N_DECODE_SHAPES = sizeof decode_shapes / sizeof *decode_shapes };

// f32: the usual bound. bf16: the inputs are exact in it, weights are rounded by 2^-9 of each, values are 1 at most.
static void caches_that_are_cut_are_attended_to_as_whole_ones(void **state)
{
    for (int i = 0; i < 2 * N_DECODE_SHAPES; i++) {
        const bool bf16 = i >= N_DECODE_SHAPES;
        struct decoding d;
        decoding_open(&d, bf16 ? PRECISION_BF16 : PRECISION_F32, &decode_shapes[i % N_DECODE_SHAPES]);
        const size_t n_kv = (size_t)(N_KEYS * d.shape->n_kv_heads * d.shape->head_dim);
        float *q = bench_read(&d.t, d.q, N_STREAMS * d.width), *k = bench_read(&d.t, d.k, n_kv);
        float *v = bench_read(&d.t, d.v, n_kv);
        double *want = calloc(d.width, sizeof *want);
        float *got = decode(&d, 0, N_STREAMS, MOST_KEYS);
        for (int s = 0; s < N_STREAMS; s++) {
            decode_reference(d.shape, &streams[s], q + (size_t)s * d.width, k, v, want);
            for (size_t x = 0; x < d.width; x++) {
                const double apart = fabs((double)got[(size_t)s * d.width + x] - want[x]);
                if (!(apart <= (bf16 ? 0x1.01p-9 : 3e-6 * (1 + fabs(want[x])))))
                    fail_msg("shape %d, stream %d: out[%zu] is off by %g", i, s, x, apart);
            }
        }
        free(q), free(k), free(v), free(want), free(got);
        decoding_close(&d);
    }
}

static void a_stream_gets_the_same_bits_alone_and_in_company(void **state)
{
    for (int i = 0; i < 2 * N_DECODE_SHAPES; i++) {
        struct decoding d;
        decoding_open(&d, i < N_DECODE_SHAPES ? PRECISION_F32 : PRECISION_BF16, &decode_shapes[i % N_DECODE_SHAPES]);
        cuda_host_order((enum cuda_host_order)(i % N_ORDERS), 7);
        float *together = decode(&d, 0, N_STREAMS, MOST_KEYS);
        for (int s = 0; s < N_STREAMS; s++) {
            cuda_host_order((enum cuda_host_order)((s + i) % N_ORDERS), 7);
            float *alone = decode(&d, s, 1, streams[s].n_shared + streams[s].n_own);
            if (memcmp(alone, together + (size_t)s * d.width, d.width * sizeof *alone) != 0)
                fail_msg("shape %d: stream %d alone gets other bits", i, s);
            free(alone);
        }
        free(together);
        cuda_host_order(ORDER_UP, 0);
        decoding_close(&d);
    }
}

static void what_is_not_a_number_is_handed_on(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct decoding d;
        decoding_open(&d, i ? PRECISION_BF16 : PRECISION_F32, &decode_shapes[0]);
        const float bad[] = {NAN};
        backend_cuda.upload(d.t.b, d.q, bad, sizeof bad);
        float *got = decode(&d, 0, 1, MOST_KEYS);
        assert_true(isnan(got[0]) && !isnan(got[16])); // its head, and no other
        free(got);
        decoding_close(&d);
    }
}

// Eight streams on one prompt and eight on prompts of their own, with one own key each: tiles that blocks read, by barriers.
static void a_prompt_is_read_once_for_its_streams(void **state)
{
    enum { N = 8, PROMPT = 256 };
    for (int i = 0; i < 2; i++) {
        struct decoding d;
        size_t barriers[2];
        decoding_open(&d, i ? PRECISION_BF16 : PRECISION_F32, &decode_shapes[0]);
        for (int apart = 0; apart < 2; apart++) {
            struct kv_rows rows[N];
            for (int s = 0; s < N; s++)
                rows[s] = (struct kv_rows){apart * s * PROMPT, PROMPT, N * PROMPT + s, 1};
            backend_cuda.upload(d.t.b, d.rows, rows, sizeof rows);
            const size_t before = cuda_host_barriers();
            free(decode(&d, 0, N, PROMPT + 1));
            barriers[apart] = cuda_host_barriers() - before;
        }
        assert_true(barriers[0] * 3 < barriers[1]);
        decoding_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_warps_registers_hold_what_the_ptx_isa_says),
        cmocka_unit_test(inputs_that_are_bf16_lose_only_what_weights_and_slopes_lose),
        cmocka_unit_test(attention_in_bf16_is_near_that_in_f32),
        cmocka_unit_test(the_order_of_threads_changes_no_bit),
        cmocka_unit_test(wider_heads_take_the_kernels_for_f32),
        cmocka_unit_test(caches_that_are_cut_are_attended_to_as_whole_ones),
        cmocka_unit_test(a_stream_gets_the_same_bits_alone_and_in_company),
        cmocka_unit_test(what_is_not_a_number_is_handed_on),
        cmocka_unit_test(a_prompt_is_read_once_for_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
