// Weights in 8 and 4 bits: NF4 with double quantization against bitsandbytes (tests/golden/quantized), and what any matrix
// may ask of the format.
#include "config.h"

#include "testing.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/rng.h"
#include "model/quantized.h"

static json_t *golden(void)
{
    json_t *all;
    char *path = test_source("tests/golden/quantized/nf4.json");
    assert_ok(json_read(path, 8 << 20, &all, e));
    free(path);
    return all;
}

static float number(const json_t *list, size_t i)
{
    return (float)json_number_value(json_array_get(list, i));
}

// The golden case's weights, or those of its formula.
static float *weights_of(const json_t *c, size_t n)
{
    const json_t *given = json_object_get(c, "weights");
    float *w = calloc(n, sizeof *w);
    for (size_t i = 0; i < n; i++)
        w[i] = given ? number(given, i) : (float)(((double)(i * 48271 % 65537) / 65537 - 0.5) * (double)(1 + i / 64 % 7));
    return w;
}

static void check_case(const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    const size_t n = (size_t)json_integer_value(json_object_get(c, "n"));
    const size_t every = (size_t)json_integer_value(json_object_get(c, "every"));
    const json_t *scales = json_object_get(c, "most_codes"), *most = json_object_get(c, "most_scales");
    const json_t *codes = json_object_get(c, "codes"), *numbers = json_object_get(c, "numbers");
    float *w = weights_of(c, n), *again = calloc(n, sizeof *again);
    char *room = calloc(quantized_bytes(DTYPE_NF4, n), 1);
    quantize(room, DTYPE_NF4, w, n);
    dequantize(again, room, DTYPE_NF4, 0, n);
    for (size_t i = 0; i < json_array_size(most); i++) {
        const struct nf4_group *g = nf4_group_of(room, i * QUANT_GROUP);
        const float mean = (float)json_number_value(json_object_get(c, "mean"));
        assert_true(fabsf(g->mean - mean) <= 1e-6f * fabsf(mean));
        assert_true(fabsf(g->most - number(most, i)) <= 2e-6f * number(most, i) + 1e-6f * mean);
    }
    for (size_t i = 0; i < json_array_size(scales); i++)
        if (nf4_group_of(room, i * QUANT_BLOCK)->scales[i % QUANT_BLOCKS] != (int)number(scales, i))
            fail_msg("%s: the scale of block %zu has another code than %g", name, i, (double)number(scales, i));
    for (size_t i = 0; i < json_array_size(codes); i++) {
        const uint8_t pair = nf4_group_of(room, i)->pairs[i % QUANT_GROUP / 2];
        if ((i % 2 ? pair & 15 : pair >> 4) != (int)number(codes, i))
            fail_msg("%s: number %zu has another code than %g", name, i, (double)number(codes, i));
    }
    for (size_t i = 0; i < json_array_size(numbers); i++)
        if (fabsf(again[i * every] - number(numbers, i)) > 3e-6f * fabsf(number(numbers, i)) + 1e-12f)
            fail_msg("%s: number %zu is %.9g, not %.9g", name, i * every, (double)again[i * every], (double)number(numbers, i));
    assert_true(json_array_size(numbers) > 50 && json_array_size(scales) == (n + 63) / 64);
    free(w), free(again), free(room);
}

static void nf4_is_that_of_bitsandbytes(void **state)
{
    json_t *all = golden(), *cases = json_object_get(all, "cases");
    assert_true(json_array_size(cases) >= 5);
    for (size_t i = 0; i < json_array_size(cases); i++)
        check_case(json_array_get(cases, i));
    json_decref(all);
}

static void quantized_numbers_are_near_and_what_is_exact_stays(void **state)
{
    enum { N = 3 * QUANT_GROUP + 200 };
    float *w = calloc(N, sizeof *w), *q = calloc(N, sizeof *q), *twice = calloc(N, sizeof *twice);
    struct rng r = rng_make(1, RNG_INIT, 0);
    for (int i = 0; i < N; i++)
        w[i] = i < 64 ? 0 : (float)(0.02 * rng_normal(&r));
    for (int type = DTYPE_INT8; type <= DTYPE_NF4; type++) {
        char *room = calloc(quantized_bytes((enum dtype)type, N), 1);
        double error = 0, size = 0;
        quantize(room, (enum dtype)type, w, N);
        dequantize(q, room, (enum dtype)type, 0, N);
        for (int i = 0; i < N; i++) {
            error += pow((double)w[i] - (double)q[i], 2), size += pow((double)w[i], 2);
            assert_true(i >= 64 || q[i] == 0); // a pruned block stays so
        }
        const double share = sqrt(error / size), want = type == DTYPE_NF4 ? 0.095 : 0.0060;
        print_message("          %s: %.4f of their size\n", quantized_name((enum dtype)type), share);
        assert_true(share > want * 0.8 && share < want * 1.2);
        dequantize(twice, room, (enum dtype)type, 12345, N - 12345); // from any number on
        assert_memory_equal(twice, q + 12345, (N - 12345) * sizeof *q);
        free(room);
    }
    free(w), free(q), free(twice);
}

// 4.127 bits a number, as the paper counts, and 8.5.
static void bytes_are_what_the_formats_promise(void **state)
{
    const double n = 100.0 * QUANT_GROUP;
    assert_true(fabs(8 * (double)quantized_bytes(DTYPE_NF4, 100 * QUANT_GROUP) / n - 4.127) < 0.007);
    assert_true(8 * (double)quantized_bytes(DTYPE_INT8, 100 * QUANT_GROUP) / n == 8.5);
    assert_int_equal(quantized_bytes(DTYPE_NF4, 0), 0);
    assert_true(quantized_bytes(DTYPE_NF4, 1) == NF4_HEAD + QUANT_ALIGN);
    assert_true(quantized_bytes(DTYPE_NF4, QUANT_GROUP + 33) == sizeof(struct nf4_group) + NF4_HEAD + 32);
}

// Magnitudes at the ends of what floats can hold stay finite.
static void extreme_magnitudes_stay_finite(void **state)
{
    static const float sizes[] = {1e-45f, 1e-38f, 1, 3e38f};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int type = DTYPE_INT8; type <= DTYPE_NF4; type++) {
            float w[130], q[130];
            char *room = calloc(quantized_bytes((enum dtype)type, 130), 1);
            for (int i = 0; i < 130; i++)
                w[i] = i % 3 ? sizes[k] : -sizes[k];
            quantize(room, (enum dtype)type, w, 130);
            dequantize(q, room, (enum dtype)type, 0, 130);
            for (int i = 0; i < 130; i++)
                assert_true(isfinite(q[i]) && fabsf(q[i] - w[i]) <= 1e-5f * sizes[k] + 2e-45f * 127);
            free(room);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nf4_is_that_of_bitsandbytes),
        cmocka_unit_test(quantized_numbers_are_near_and_what_is_exact_stays),
        cmocka_unit_test(bytes_are_what_the_formats_promise),
        cmocka_unit_test(extreme_magnitudes_stay_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
