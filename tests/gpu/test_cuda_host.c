// The sources of the cuda backend, compiled for the host: every operation against plain double loops, as the cpu backend's
// are, in several orders of blocks, warps and threads, which must give the same bits; and what it says when there is no GPU.
#include "config.h"

#include "../conformance/conformance.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
void cuda_host_limit(size_t bytes);
void cuda_host_driver(int version, int n_devices, int major);
size_t cuda_host_allocations(void);

typedef uint64_t check_function(struct bench *t);

static void in_all_orders_as(enum precision precision, check_function *check)
{
    uint64_t first = 0;
    for (int order = 0; order < N_ORDERS; order++) {
        struct bench t = {.ops = &backend_cuda};
        cuda_host_order((enum cuda_host_order)order, 7);
        assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = precision}, e));
        const uint64_t hash = check(&t);
        first = order ? first : hash;
        if (hash != first)
            fail_msg("another order of threads (%d) gives other bits", order);
        t.ops->close(t.b);
        assert_int_equal(cuda_host_allocations(), 0);
    }
    cuda_host_order(ORDER_UP, 0);
}

static void in_all_orders(check_function *check)
{
    in_all_orders_as(PRECISION_F32, check);
}

static void elementwise_operations_agree_with_doubles(void **state)
{
    in_all_orders(check_elementwise);
}

static void linear_products_agree_with_doubles(void **state)
{
    in_all_orders(check_linear);
}

static void bf16_products_agree_within_their_rounding(void **state)
{
    in_all_orders_as(PRECISION_BF16, check_bf16);
}

static void stored_halves_agree_with_f32(void **state)
{
    in_all_orders(check_stored);
}

static void norms_agree_with_doubles(void **state)
{
    in_all_orders(check_norms);
}

static void row_operations_agree_with_doubles(void **state)
{
    in_all_orders(check_rows);
}

static void head_agrees_with_doubles(void **state)
{
    in_all_orders(check_head);
}

// What is large goes in one order of threads alone: its kernels have been through all of them above.
static void a_large_head_agrees_with_doubles(void **state)
{
    struct bench t = {.ops = &backend_cuda};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = PRECISION_F32}, e));
    check_large_head(&t);
    t.ops->close(t.b);
    assert_int_equal(cuda_host_allocations(), 0);
}

static void sampling_agrees_with_doubles(void **state)
{
    in_all_orders(check_sample);
}

// One row of inputs 1 and weights (v, 1) makes the weights themselves the logits.
static void the_sampler_says_what_the_head_says(void **state)
{
    enum { V = 13000, N_ROWS = 4 };
    static const struct sample_row kinds[N_ROWS] = {
        {.temperature = 1, .top_p = 1, .uniform = 0.3, .keep = true, .entropy = true},
        {.temperature = 0.7f, .top_p = 1, .uniform = 0.999, .keep = true, .entropy = true},
        {.temperature = 1.3f, .top_p = 0.8f, .uniform = 0, .keep = true, .entropy = true},
        {.temperature = 0.9f, .top_k = 7000, .top_p = 0.95f, .min_p = 0.01f, .uniform = 0.6, .keep = true, .entropy = true}};
    struct bench t = {.ops = &backend_cuda};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
    struct sample_row *rows = t.ops->alloc(t.b, sizeof kinds, "rows", NULL);
    t.ops->upload(t.b, rows, kinds, sizeof kinds);
    float *logits = bench_random(&t, V, 6, 3), *one = bench_zeros(&t, 1), *out = bench_zeros(&t, 8);
    int32_t *token = bench_ints(&t, (const int32_t[]){0}, 1), *ids = calloc(V, sizeof *ids);
    uint32_t *set = (uint32_t *)(void *)bench_zeros(&t, sampled_set_words(V)), *bits = calloc(V / 32 + 1, sizeof *bits);
    t.ops->upload(t.b, one, &(const float){1}, sizeof *one);
    for (int i = 0; i < N_ROWS; i++) {
        const float inverse = 1 / kinds[i].temperature;
        int starts[2] = {0, 0};
        t.ops->sample(t.b, &(struct sampled){token, out, out + 1, set, out + 2}, logits, V, rows + i, 1);
        t.ops->download(t.b, bits, set, sampled_set_words(V) * sizeof *bits);
        for (int v = 0; v < V; v++)
            if (bits[v / 32] >> v % 32 & 1)
                ids[starts[1]++] = v;
        int32_t *set_ids = bench_ints(&t, ids, (size_t)starts[1]), *set_starts = bench_ints(&t, starts, 2);
        struct head_in in = {
            .x = one, .w = stored_f32(logits), .targets = token, .n = 1, .c = 1, .v = V, .inv_temperature = 1};
        t.ops->head(t.b, &(struct head_out){.logprobs = out + 3, .lse = out + 7}, &in);
        in.inv_temperature = inverse, in.set_starts = set_starts, in.set_ids = set_ids;
        t.ops->head(t.b, &(struct head_out){.logprobs = out + 6, .lse = out + 7, .set_logprobs = out + 4, .set_lse = out + 7,
                                            .entropy = out + 5}, &in);
        float *said = bench_read(&t, out, 8);
        assert_true(said[0] < -1 && said[2] > 1);
        assert_memory_equal(said, said + 3, 3 * sizeof *said);
        bench_free(&t, 2, set_ids, set_starts);
        free(said);
    }
    bench_free(&t, 6, logits, one, out, token, set, rows);
    free(ids), free(bits);
    t.ops->close(t.b);
}

static void a_row_that_is_not_finite_draws_nothing(void **state)
{
    enum { V = 300 };
    struct bench t = {.ops = &backend_cuda};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
    float *logits = bench_random(&t, 3 * V, 1, 1), *logprobs = bench_zeros(&t, 3);
    const float bad[] = {NAN, -INFINITY};
    int32_t *tokens = bench_ints(&t, (const int32_t[]){0, 0, 0}, 3), ids[3];
    t.ops->upload(t.b, logits + V - 1, &bad[0], sizeof *bad);
    t.ops->upload(t.b, logits + 2 * V, &bad[1], sizeof *bad);
    const struct sample_row rows[] = {{0, 1, .top_p = 1}, {1, 1, .top_p = 1, .uniform = 0.5}, {2, 0, .top_p = 1}};
    struct sample_row *on_device = t.ops->alloc(t.b, sizeof rows, "rows", NULL);
    t.ops->upload(t.b, on_device, rows, sizeof rows);
    t.ops->sample(t.b, &(struct sampled){.tokens = tokens, .logprobs = logprobs}, logits, V, on_device, 3);
    t.ops->download(t.b, ids, tokens, sizeof ids);
    float *said = bench_read(&t, logprobs, 3);
    assert_int_equal(ids[0], -1);
    assert_int_equal(ids[2], -1);
    assert_in_range(ids[1], 0, V - 1);
    assert_true(isnan(said[0]) && said[1] < 0 && isnan(said[2]));
    bench_free(&t, 4, logits, logprobs, tokens, on_device);
    free(said);
    t.ops->close(t.b);
}

// All of the head's numbers (7, N) and dx(N, C), dw(V, C) behind each other.
static float *head_as(enum precision precision, int n, int c, int v, size_t n_all)
{
    struct bench t = {.ops = &backend_cuda};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = precision}, e));
    float *x = bench_random(&t, (size_t)(n * c), 1, 1), *w = bench_random(&t, (size_t)(v * c), 1, 2);
    float *ref = bench_random(&t, (size_t)(v * c), 1, 3), *slopes = bench_random(&t, (size_t)n, 1, 4);
    float *out = bench_zeros(&t, n_all), *dx = out + 7 * n, *dw = dx + n * c;
    int32_t *ids = calloc((size_t)n, sizeof *ids);
    for (int i = 0; i < n; i++)
        ids[i] = i * 7 % v;
    int32_t *targets = bench_ints(&t, ids, (size_t)n);
    const struct head_in in = {.x = x, .w = stored_f32(w), .targets = targets, .n = n, .c = c, .v = v, .inv_temperature = 1,
                               .ref_x = x, .ref_w = stored_f32(ref)};
    t.ops->head(t.b, &(struct head_out){.logprobs = out, .lse = out + n, .entropy = out + 2 * n, .sum_squares = out + 3 * n,
                                        .kl = out + 4 * n, .ref_lse = out + 5 * n}, &in);
    t.ops->head_backward(t.b, dx, dw, &in, &(struct head_slopes){.lse = out + n, .logprob = slopes, .kl = slopes,
                                                                 .ref_lse = out + 5 * n});
    float *all = bench_read(&t, out, n_all);
    bench_free(&t, 6, x, w, ref, slopes, out, targets);
    free(ids);
    t.ops->close(t.b);
    return all;
}

static void a_head_in_bf16_is_near_that_in_f32(void **state)
{
    enum { N = 70, C = 33, V = 900, N_ALL = 7 * N + N * C + V * C };
    float *exact = head_as(PRECISION_F32, N, C, V, N_ALL), *rounded = head_as(PRECISION_BF16, N, C, V, N_ALL);
    double apart = 0, size = 0;
    for (int i = 0; i < N_ALL; i++) {
        apart += pow((double)exact[i] - (double)rounded[i], 2);
        size += pow((double)exact[i], 2);
    }
    const double share = sqrt(apart / size);
    print_message("          %.2g of what it is\n", share);
    assert_true(share > 1e-6 && share < 0.01);
    free(exact), free(rounded);
}

static void attention_agrees_with_doubles_and_differences(void **state)
{
    in_all_orders(check_attention);
}

static void decoding_attends_as_the_whole_text_does(void **state)
{
    in_all_orders(check_decode);
}

// Kernels for every width of a head, more queries a key than a block has rows, and rows that see nothing.
static void attention_of_every_width(void **state)
{
    static const int dims[] = {1, 32, 33, 64, 80, 96, 128, 129, 256};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        const struct attn_shape shape = {18, 1, dims[i], 0.1f, 0, 0};
        struct bench t = {.ops = &backend_cuda};
        assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
        const size_t d = (size_t)dims[i], n = 18 * d;
        int32_t *rows = bench_ints(&t, (const int32_t[]){0, 1, 0, 0}, 4);
        const struct attn_segment *whole = (const struct attn_segment *)(const void *)rows;
        float *q = bench_random(&t, n, 1, 1), *v = bench_random(&t, d, 1, 2), *out = bench_zeros(&t, 2 * n);
        float *lse = bench_zeros(&t, 36), *grads = bench_zeros(&t, n + 2 * d), *one = bench_read(&t, v, d);
        int32_t *keys = bench_ints(&t, (const int32_t[]){0, 0, 0, 1, 0, 0, 0, 0}, 8);
        t.ops->attention(t.b, out, lse, q, v, v, whole, 1, 1, 1, &shape);
        t.ops->attention_backward(t.b, grads, grads + n, grads + n + d, q, out, lse, q, v, v, whole, 1, 1, 1, &shape);
        float *got = bench_read(&t, out, n), *got_grads = bench_read(&t, grads, n + 2 * d), *dout = bench_read(&t, q, n);
        for (size_t k = 0; k < n; k++)
            assert_true(got[k] == one[k % d]); // a single key has all the weight
        for (size_t k = 0; k < d; k++) {
            double sum = 0;
            for (size_t h = 0; h < 18; h++)
                sum += (double)dout[h * d + k];
            assert_true(fabs((double)got_grads[n + d + k] - sum) < 1e-5); // and hands on what its queries feel
            assert_true(fabsf(got_grads[k]) < 1e-5f && fabsf(got_grads[n + k]) < 1e-5f);
        }
        float *two = bench_random(&t, 2 * n, 1, 3);
        t.ops->attention_decode(t.b, out, lse, two, v, v, (const struct kv_rows *)keys, 2, 1, &shape);
        float *decoded = bench_read(&t, out, 2 * n);
        for (size_t k = 0; k < 2 * n; k++)
            assert_true(decoded[k] == (k < n ? one[k % d] : 0));
        bench_free(&t, 8, q, v, out, lse, grads, keys, two, rows);
        free(one), free(got), free(got_grads), free(dout), free(decoded);
        t.ops->close(t.b);
    }
}

static void heads_that_are_too_wide_are_refused_in_words(void **state)
{
    struct backend *b = NULL;
    struct err fault = {0};
    const struct attn_segment one = {0, 1, 0, 0};
    assert_ok(backend_cuda.open(&b, &(struct backend_options){0}, e));
    float *x = backend_cuda.alloc(b, 257 * sizeof *x, "numbers", &fault);
    backend_cuda.attention(b, x, x, x, x, x, &one, 1, 1, 1, &(struct attn_shape){1, 1, 257, 1, 0, 0});
    assert_int_equal(backend_cuda.sync(b, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "at most 256 numbers, this model's have 257; use --device cpu"));
    backend_cuda.free(b, x);
    backend_cuda.close(b);
}

static void what_overlaps_is_copied_and_large_things_travel_in_pieces(void **state)
{
    enum { N = 6000000 }; // 24 MB: every piece is used more than once
    struct bench t = {.ops = &backend_cuda};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
    float *p = bench_zeros(&t, N), *before = calloc(N, sizeof *before);
    for (int i = 0; i < N; i++)
        before[i] = (float)i;
    t.ops->upload(t.b, p, before, N * sizeof *p);
    t.ops->copy(t.b, p + 1, p, (N - 1) * sizeof *p);
    t.ops->zero(t.b, p, sizeof *p);
    float *after = bench_read(&t, p, N);
    assert_true(after[0] == 0);
    assert_memory_equal(after + 1, before, (N - 1) * sizeof *p);
    bench_free(&t, 1, p);
    free(before), free(after);
    t.ops->close(t.b);
}

static void too_little_memory_is_said_in_words_and_sticks(void **state)
{
    struct backend *b = NULL;
    struct err fault = {0};
    assert_ok(backend_cuda.open(&b, &(struct backend_options){0}, e));
    cuda_host_limit(1 << 20);
    assert_null(backend_cuda.alloc(b, 1 << 30, "the weights", &fault));
    assert_int_equal(fault.code, ERR_LIMIT);
    assert_non_null(strstr(fault.text, "not enough GPU memory for the weights: needs 1.00 GiB, 0.00 of"));
    assert_ok(backend_cuda.sync(b, e)); // whoever asked knows
    assert_int_equal(backend_cuda.memory_free(b), 1 << 20);
    float *x = backend_cuda.alloc(b, 1000000, "numbers", &fault);
    assert_int_equal(backend_cuda.memory_free(b), (1 << 20) - 1000000);
    backend_cuda.sum_squares(b, x, 100000); // needs working memory, of which there is enough
    assert_ok(backend_cuda.sync(b, e));
    backend_cuda.copy(b, x + 1, x, 999000); // needs more than is left
    assert_int_equal(backend_cuda.sync(b, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.text, "the working memory of an operation"));
    assert_int_equal(backend_cuda.sync(b, &fault), ERR_STATE);
    cuda_host_limit(0);
    backend_cuda.free(b, x);
    backend_cuda.close(b);
}

static void why_there_is_no_gpu_is_said_in_words(void **state)
{
    static const struct {
        int version, n_devices, major;
        const char *words;
    } cases[] = {{0, 0, 0, "no NVIDIA driver"}, {12040, 1, 9, "too old: it knows CUDA 12.4, Attune's kernels need 13.0"},
                 {13000, 0, 0, "sees no GPU"}, {13000, 1, 7, "compute capability 7.0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct backend *b = NULL;
        struct err fault = {0};
        cuda_host_driver(cases[i].version, cases[i].n_devices, cases[i].major);
        assert_int_equal(backend_cuda.open(&b, &(struct backend_options){0}, &fault), ERR_UNSUPPORTED);
        if (!strstr(fault.text, cases[i].words))
            fail_msg("\"%s\" says nothing of \"%s\"", fault.text, cases[i].words);
        assert_null(b);
    }
    cuda_host_driver(13000, 1, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_operations_agree_with_doubles),
        cmocka_unit_test(linear_products_agree_with_doubles),
        cmocka_unit_test(bf16_products_agree_within_their_rounding),
        cmocka_unit_test(stored_halves_agree_with_f32),
        cmocka_unit_test(norms_agree_with_doubles),
        cmocka_unit_test(row_operations_agree_with_doubles),
        cmocka_unit_test(head_agrees_with_doubles),
        cmocka_unit_test(a_large_head_agrees_with_doubles),
        cmocka_unit_test(sampling_agrees_with_doubles),
        cmocka_unit_test(the_sampler_says_what_the_head_says),
        cmocka_unit_test(a_row_that_is_not_finite_draws_nothing),
        cmocka_unit_test(a_head_in_bf16_is_near_that_in_f32),
        cmocka_unit_test(attention_agrees_with_doubles_and_differences),
        cmocka_unit_test(decoding_attends_as_the_whole_text_does),
        cmocka_unit_test(attention_of_every_width),
        cmocka_unit_test(heads_that_are_too_wide_are_refused_in_words),
        cmocka_unit_test(what_overlaps_is_copied_and_large_things_travel_in_pieces),
        cmocka_unit_test(too_little_memory_is_said_in_words_and_sticks),
        cmocka_unit_test(why_there_is_no_gpu_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
