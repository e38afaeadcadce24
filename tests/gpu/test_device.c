// The operations of the plugin that the engine would load (src/gpu/plugin.c says where it is looked for), on the device that it
// opens: every check of tests/conformance, against plain double loops, twice, for the same calls give the same bits.
//   tests/gpu/test_device            all of it
//   tests/gpu/test_device '*norms*'  the checks of that name, as cmocka's filters have it
// 77 where there is no such plugin or no such device. In the tree's own tests the plugin is tests/gpu/cuda-on-host.so.
#include "config.h"

#include "../conformance/conformance.h"

enum { SKIPPED = 77 };

typedef uint64_t check_function(struct bench *t);

static const struct backend_ops *plugin;

static void check_as(enum precision precision, check_function *check)
{
    uint64_t first = 0;
    for (int pass = 0; pass < 2; pass++) {
        struct bench t = {.ops = plugin};
        assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = precision}, e));
        const uint64_t hash = check(&t);
        assert_ok(t.ops->sync(t.b, e));
        t.ops->close(t.b);
        if (pass && hash != first)
            fail_msg("the same calls give other bits the second time");
        first = hash;
    }
}

#define CHECK(name, precision, check)                                                                                  \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        check_as(precision, check);                                                                                    \
    }
CHECK(elementwise_operations, PRECISION_F32, check_elementwise)
CHECK(norms, PRECISION_F32, check_norms)
CHECK(row_operations, PRECISION_F32, check_rows)
CHECK(linear_products, PRECISION_F32, check_linear)
CHECK(bf16_products, PRECISION_BF16, check_bf16)
CHECK(stored_halves, PRECISION_F32, check_stored)
CHECK(quantized_weights, PRECISION_F32, check_quantized)
CHECK(packed_weights, PRECISION_F32, check_packed)
CHECK(attention, PRECISION_F32, check_attention)
CHECK(decoding_attention, PRECISION_F32, check_decode)
CHECK(head, PRECISION_F32, check_head)
CHECK(large_head, PRECISION_F32, check_large_head)
CHECK(sampling, PRECISION_F32, check_sample)

// More than pinned pieces hold at once, both ways.
static void large_copies(void **state)
{
    enum { N = 9 << 20 };
    struct bench t = {.ops = plugin};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
    float *host = malloc(N * sizeof *host), *at = bench_zeros(&t, N);
    for (int i = 0; i < N; i++)
        host[i] = (float)(i % 8191);
    t.ops->upload(t.b, at, host, N * sizeof *host);
    float *back = bench_read(&t, at, N);
    assert_memory_equal(back, host, N * sizeof *host);
    bench_free(&t, 1, at);
    free(host), free(back);
    assert_ok(t.ops->sync(t.b, e));
    t.ops->close(t.b);
}

static void too_much_memory_is_refused_in_words(void **state)
{
    struct err fault = {0};
    struct bench t = {.ops = plugin};
    assert_ok(t.ops->open(&t.b, &(struct backend_options){0}, e));
    assert_null(t.ops->alloc(t.b, (size_t)1 << 46, "the weights", &fault));
    assert_int_equal(fault.code, ERR_LIMIT);
    assert_non_null(strstr(fault.text, "not enough GPU memory for the weights: needs 65536.00 GiB"));
    assert_ok(t.ops->sync(t.b, e)); // whoever asked knows
    t.ops->close(t.b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_operations), cmocka_unit_test(norms),
        cmocka_unit_test(row_operations),         cmocka_unit_test(linear_products),
        cmocka_unit_test(bf16_products),          cmocka_unit_test(stored_halves),
        cmocka_unit_test(quantized_weights),      cmocka_unit_test(packed_weights),
        cmocka_unit_test(attention),              cmocka_unit_test(decoding_attention),
        cmocka_unit_test(head),                   cmocka_unit_test(large_head),
        cmocka_unit_test(sampling),               cmocka_unit_test(large_copies),
        cmocka_unit_test(too_much_memory_is_refused_in_words),
    };
    struct err fault;
    if (backend_try("cuda", &fault)) {
        printf("skipped: %s\n", fault.text);
        return SKIPPED;
    }
    plugin = backend_find("cuda");
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("the operations on the device", tests, NULL, NULL);
}
