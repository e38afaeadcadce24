// Conformance of the cpu backend: the checks of all families, which stand in their own files, for 1, 2 and 3 threads and
// every level of vector instructions; and what is special to this backend.
#include "config.h"

#include "conformance.h"

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

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
static void quantized_weights_are_their_numbers(void **state)
{
    for_all_machines(check_quantized);
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
    for_all_machines(check_large_head);
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
        assert_ok(t.ops->open(&t.b, &(struct backend_options){.n_threads = n_threads, .precision = PRECISION_BF16}, e));
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
    struct head_in in = {.x = x, .w = stored_f32(w), .targets = targets, .n = ROWS, .c = WIDTH, .v = VOCAB,
                         .inv_temperature = 1, .ref_x = x, .ref_w = stored_f32(w), .n_rivals = 5,
        .draws = bench_zeros(&t, ROWS)};
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
    static const float packed[9217 + 64];
    enum { N_SIDES = sizeof sides / sizeof *sides };
    for (int n_threads = 1; n_threads <= 9; n_threads++) {
        if (n_threads == 9)
            setenv("ATTUNE_CPU", "generic", 1);
        struct backend *b;
        assert_ok(backend_cpu.open(&b, &(struct backend_options){.n_threads = n_threads}, e));
        for (int i = 0; i < 2 * N_SIDES * N_SIDES; i++) {
            const struct gemm whole = {.m = sides[i % N_SIDES], .n = sides[i / N_SIDES % N_SIDES], .k = 1,
                                       .packed_b = i < N_SIDES * N_SIDES ? NULL : packed};
            const struct gemm_cut cut = cpu_gemm_cut(b, &whole);
            int next_row = 0, next_column = 0, row, column;
            for (int block = 0; block < cut.n_blocks; block++) {
                const struct gemm part = cpu_gemm_cut_out(&whole, &cut, block, &row, &column);
                assert_int_equal(row, next_row);
                assert_int_equal(column, next_column);
                assert_true(part.m > 0 && part.n > 0);
                assert_true(!b->k->gemm || column % b->k->panel_columns == 0);
                assert_int_equal(cut.by_rows ? part.n : part.m, cut.by_rows ? whole.n : whole.m);
                *(cut.by_rows ? &next_row : &next_column) += cut.by_rows ? part.m : part.n;
            }
            assert_int_equal(cut.by_rows ? next_row : next_column, cut.by_rows ? whole.m : whole.n);
            assert_true(whole.m < 64 * n_threads || whole.n < 64 * n_threads || cut.n_blocks >= n_threads);
            // where nothing is packed for a block, pieces are small enough that a slow thread is not waited for long
            assert_true(!b->k->gemm || !whole.packed_b || whole.m > 64 || whole.n < 288 || n_threads == 1 || n_threads > 3 ||
                        cut.n_blocks > n_threads);
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
        struct head_in in = {.x = x + first * IN, .w = stored_f32(w), .targets = targets + first, .n = n, .c = IN,
                             .v = VOCAB, .inv_temperature = 1, .ref_x = x + first * IN, .ref_w = stored_f32(ref),
            .n_rivals = HEAD_MAX_RIVALS,
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
        cmocka_unit_test(quantized_weights_are_their_numbers),
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
