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

static void sampling_agrees_with_doubles(void **state)
{
    in_all_orders(check_sample);
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
    float *x = backend_cuda.alloc(b, 1000000, "numbers", &fault);
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
        cmocka_unit_test(sampling_agrees_with_doubles),
        cmocka_unit_test(what_overlaps_is_copied_and_large_things_travel_in_pieces),
        cmocka_unit_test(too_little_memory_is_said_in_words_and_sticks),
        cmocka_unit_test(why_there_is_no_gpu_is_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
