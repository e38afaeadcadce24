// The cuda backend's quantized weights on the host, as tests/gpu/test_cuda_host runs the rest of it.
#include "config.h"

#include "../conformance/conformance.h"

#include "model/quantized.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
size_t cuda_host_allocations(void);

static void quantized_weights_are_their_numbers(void **state)
{
    uint64_t first = 0;
    for (int order = 0; order < N_ORDERS; order++) {
        struct bench t = {.ops = &backend_cuda};
        cuda_host_order((enum cuda_host_order)order, 7);
        assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = PRECISION_F32}, e));
        const uint64_t hash = check_quantized(&t);
        first = order ? first : hash;
        if (hash != first)
            fail_msg("another order of threads (%d) gives other bits", order);
        t.ops->close(t.b);
        assert_int_equal(cuda_host_allocations(), 0);
    }
    cuda_host_order(ORDER_UP, 0);
}

// What products in bf16 take is the numbers, rounded once; also where the place is not aligned, and nothing past the end.
static void numbers_in_bf16_are_rounded_once(void **state)
{
    enum { N = QUANT_GROUP + 77 };
    struct bench t = {.ops = &backend_cuda};
    struct err fault;
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = PRECISION_BF16}, e));
    for (int type = DTYPE_INT8; type <= DTYPE_NF4; type++) {
        const size_t bytes = quantized_bytes((enum dtype)type, N);
        float *from = bench_random(&t, N, 1, 5), *values = bench_read(&t, from, N), *wide = bench_zeros(&t, N);
        char *host = calloc(bytes, 1);
        quantize(host, (enum dtype)type, values, N);
        dequantize(values, host, (enum dtype)type, 0, N);
        uint16_t *want = calloc(2 * N, sizeof *want), *got = want + N;
        void *at = t.ops->alloc(t.b, bytes, "quantized weights", &fault);
        uint16_t *halves = t.ops->alloc(t.b, (N + 2) * sizeof *halves, "halves", &fault);
        const struct stored w = {at, (enum dtype)type, NULL};
        t.ops->upload(t.b, at, host, bytes);
        t.ops->upload(t.b, wide, values, N * sizeof *values);
        t.ops->convert(t.b, halves, DTYPE_BF16, stored_f32(wide), N);
        t.ops->download(t.b, want, halves, N * sizeof *want);
        for (int first = 0; first < 2; first++) {
            t.ops->zero(t.b, halves, (N + 2) * sizeof *halves);
            t.ops->convert(t.b, halves + first, DTYPE_BF16, w, N);
            t.ops->download(t.b, got, halves + first, N * sizeof *got);
            assert_memory_equal(got, want, N * sizeof *got);
            uint16_t behind = 1;
            t.ops->download(t.b, &behind, halves + first + N, sizeof behind);
            assert_int_equal(behind, 0);
        }
        bench_free(&t, 4, from, wide, at, halves);
        free(host), free(values), free(want);
    }
    t.ops->close(t.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantized_weights_are_their_numbers),
        cmocka_unit_test(numbers_in_bf16_are_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
