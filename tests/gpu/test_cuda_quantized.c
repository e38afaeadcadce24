// The cuda backend's quantized weights on the host, as tests/gpu/test_cuda_host runs the rest of it.
#include "config.h"

#include "../conformance/conformance.h"

#include "model/quantized.h"

extern const struct backend_ops backend_cuda;
enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
void cuda_host_order(enum cuda_host_order order, unsigned seed);
size_t cuda_host_allocations(void);
size_t cuda_host_launches(const char *part, size_t *n_blocks);

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

// y = 0.5 x w^T + y + bias of some rows, in bf16, beside sums in double over the numbers that products take. Returns a hash.
static uint64_t product_of_few_rows(enum dtype type, int rows, int in, int out)
{
    struct bench t = {.ops = &backend_cuda};
    struct err fault;
    const size_t nx = (size_t)rows * (size_t)in, ny = (size_t)rows * (size_t)out, n = (size_t)in * (size_t)out;
    const size_t bytes = quantized_bytes(type, n);
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = PRECISION_BF16}, e));
    float *x = bench_random(&t, nx, 1, 1), *y = bench_random(&t, ny, 1, 2), *bias = bench_random(&t, (size_t)out, 1, 3);
    float *w = bench_random(&t, n, 1, 4), *numbers = bench_read(&t, w, n);
    char *host = calloc(bytes, 1);
    quantize(host, type, numbers, n);
    dequantize(numbers, host, type, 0, n);
    void *at = t.ops->alloc(t.b, bytes, "quantized weights", &fault);
    t.ops->upload(t.b, at, host, bytes);
    t.ops->upload(t.b, w, numbers, n * sizeof *numbers);
    t.ops->round_to(t.b, w, DTYPE_BF16, n);
    t.ops->round_to(t.b, x, DTYPE_BF16, nx);
    float *host_w = bench_read(&t, w, n), *host_x = bench_read(&t, x, nx), *host_y = bench_read(&t, y, ny);
    float *host_bias = bench_read(&t, bias, (size_t)out);
    double *want = calloc(ny, sizeof *want);
    for (size_t k = 0; k < ny; k++) {
        const size_t row = k / (size_t)out, o = k % (size_t)out;
        for (size_t i = 0; i < (size_t)in; i++)
            want[k] += 0.5 * (double)host_x[row * (size_t)in + i] * (double)host_w[o * (size_t)in + i];
        want[k] += (double)host_y[k] + (double)host_bias[o];
    }
    t.ops->linear(t.b, y, x, (struct stored){at, type, NULL}, bias, rows, in, out, 0.5f, 1);
    bench_expect(&t, "few rows of quantized weights", y, want, ny, 2e-6 * (1 + sqrt(in)));
    const uint64_t hash = bench_hash(&t, y, ny);
    free(numbers), free(host), free(host_w), free(host_x), free(host_y), free(host_bias), free(want);
    bench_free(&t, 5, x, y, bias, w, at);
    t.ops->close(t.b);
    return hash;
}

static void few_rows_go_through_weights_as_they_lie(void **state)
{
    // rows, in, out: the third's weights are two groups, between which an output's stretches are cut
    static const int shapes[][3] = {{1, 64, 1}, {3, 192, 33}, {16, 448, 70}, {17, 1088, 9}, {32, 128, 40}};
    for (int type = DTYPE_INT8; type <= DTYPE_NF4; type++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            const int *s = shapes[i];
            uint64_t first = 0;
            for (int order = 0; order < N_ORDERS; order++) {
                const size_t read = cuda_host_launches("few_rows_kernel", NULL);
                const size_t written = cuda_host_launches("dequantize_kernel", NULL);
                cuda_host_order((enum cuda_host_order)order, 7);
                const uint64_t hash = product_of_few_rows((enum dtype)type, s[0], s[1], s[2]);
                first = order ? first : hash;
                if (hash != first)
                    fail_msg("another order of threads (%d) gives other bits", order);
                assert_int_equal(cuda_host_launches("few_rows_kernel", NULL) - read, s[0] > 16 ? 2 : 1);
                assert_int_equal(cuda_host_launches("dequantize_kernel", NULL), written);
            }
            cuda_host_order(ORDER_UP, 0);
        }
}

// Many rows, and inputs that are no whole stretches.
static void other_products_take_numbers_that_were_written(void **state)
{
    static const int shapes[][3] = {{33, 64, 20}, {2, 96, 20}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t read = cuda_host_launches("few_rows_kernel", NULL);
        const size_t written = cuda_host_launches("dequantize_kernel", NULL);
        product_of_few_rows(DTYPE_NF4, shapes[i][0], shapes[i][1], shapes[i][2]);
        assert_int_equal(cuda_host_launches("few_rows_kernel", NULL), read);
        assert_int_equal(cuda_host_launches("dequantize_kernel", NULL) - written, 1);
    }
}

// ---- matrices that are larger than a piece ----

enum { PIECE_BYTES = 32 << 20, MANY = 33 }; // rows: too many to read weights as they lie

// linear() and linear_dx() of MANY rows, beside the same products of the matrix that was made numbers before.
static void large_products_take_numbers_piece_by_piece(enum dtype type, enum precision precision, int in, int out,
                                                       int n_pieces, int n_pieces_back)
{
    struct bench t = {.ops = &backend_cuda};
    struct err fault;
    const size_t n = (size_t)in * (size_t)out, nx = (size_t)MANY * (size_t)in, ny = (size_t)MANY * (size_t)out;
    assert_ok(t.ops->open(&t.b, &(struct backend_options){.precision = precision}, e));
    const enum dtype kind = t.ops->weights_type(t.b);
    void *at = t.ops->alloc(t.b, quantized_bytes(type, n), "quantized weights", &fault);
    void *numbers = t.ops->alloc(t.b, n * dtype_bytes(kind), "their numbers", &fault);
    float *x = bench_random(&t, nx, 1, 1), *y = bench_random(&t, 2 * ny, 1, 2), *dx = bench_random(&t, 2 * nx, 1, 3);
    float *bias = bench_random(&t, (size_t)out, 1, 4), *values = bench_read(&t, y, ny);
    char *host = calloc(quantized_bytes(type, n), 1);
    float *drawn = malloc(n * sizeof *drawn);
    for (size_t i = 0; i < n; i++)
        drawn[i] = values[i % ny] * (float)(i % 7);
    quantize(host, type, drawn, n);
    t.ops->upload(t.b, at, host, quantized_bytes(type, n));
    t.ops->copy(t.b, y + ny, y, ny * sizeof *y);
    t.ops->copy(t.b, dx + nx, dx, nx * sizeof *dx);
    const struct stored w = {at, type, NULL}, plain = {numbers, kind, NULL};
    t.ops->convert(t.b, numbers, kind, w, n);
    t.ops->linear(t.b, y + ny, x, plain, bias, MANY, in, out, 0.5f, 1);
    t.ops->linear_dx(t.b, dx + nx, y, plain, MANY, in, out, 0.5f, 1);
    const size_t written = cuda_host_launches("dequantize_kernel", NULL);
    const uint64_t room = t.ops->memory_free(t.b);
    t.ops->linear_dx(t.b, dx, y, w, MANY, in, out, 0.5f, 1);
    assert_int_equal(cuda_host_launches("dequantize_kernel", NULL) - written, n_pieces_back);
    t.ops->linear(t.b, y, x, w, bias, MANY, in, out, 0.5f, 1);
    assert_int_equal(cuda_host_launches("dequantize_kernel", NULL) - written, n_pieces + n_pieces_back);
    assert_true(in % 8 || room - t.ops->memory_free(t.b) <= PIECE_BYTES);
    float *got = bench_read(&t, y, 2 * ny), *got_dx = bench_read(&t, dx, 2 * nx);
    for (size_t i = 0; i < ny; i++)
        assert_true(fabsf(got[i] - got[ny + i]) <= 1e-5f * (1 + fabsf(got[i])));
    for (size_t i = 0; i < nx; i++)
        assert_true(fabsf(got_dx[i] - got_dx[nx + i]) <= 1e-5f * (1 + fabsf(got_dx[i])));
    free(got), free(got_dx), free(host), free(drawn), free(values);
    bench_free(&t, 6, at, numbers, x, y, dx, bias);
    t.ops->close(t.b);
}

static void no_more_than_a_piece_of_a_matrix_is_written(void **state)
{
    // 8.6 and 4.3 million numbers: two pieces in f32 either way, one in bf16
    large_products_take_numbers_piece_by_piece(DTYPE_NF4, PRECISION_F32, 2056, 4200, 2, 2);
    large_products_take_numbers_piece_by_piece(DTYPE_INT8, PRECISION_BF16, 2056, 2100, 1, 1);
    // rows that do not begin at whole eights
    large_products_take_numbers_piece_by_piece(DTYPE_INT8, PRECISION_F32, 2051, 4200, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantized_weights_are_their_numbers),
        cmocka_unit_test(numbers_in_bf16_are_rounded_once),
        cmocka_unit_test(few_rows_go_through_weights_as_they_lie),
        cmocka_unit_test(other_products_take_numbers_that_were_written),
        cmocka_unit_test(no_more_than_a_piece_of_a_matrix_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
