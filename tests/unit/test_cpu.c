// The cpu layer around the operations: accuracy of exp and tanh, OpenBLAS's core, the probe, the doctor.
#include "config.h"

#include "testing.h"

#include <unistd.h>

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

// Distance of got from want in units of the last place of want as a float.
static double ulps(float got, double want)
{
    float nearest = (float)want;
    double step = nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest);
    return fabs(got - want) / step;
}

static void for_each_level(void (*check)(const struct cpu_kernels *k))
{
    static const char *const levels[] = {"generic", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        const struct cpu_kernels *k;
        setenv("ATTUNE_CPU", levels[i], 1);
        if (cpu_level(&k, NULL) == 0)
            check(k);
    }
    unsetenv("ATTUNE_CPU");
}

enum { N = 200003 };

static void check_exp(const struct cpu_kernels *k)
{
    static float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = -87.f + 175.f * (float)i / N;
    k->exp_array(y, x, N);
    for (int i = 0; i < N; i++)
        if (!(ulps(y[i], exp(x[i])) <= 2))
            fail_msg("%s: exp(%.9g) = %.9g is %g ulp off", k->name, (double)x[i], (double)y[i], ulps(y[i], exp(x[i])));
    const float edge[] = {-INFINITY, -1000, INFINITY, 1000, NAN, 0, 88.7f};
    k->exp_array(y, edge, 7);
    assert_true(y[0] == 0 && y[1] == 0 && isinf(y[2]) && isinf(y[3]) && isnan(y[4]) && y[5] == 1 && isfinite(y[6]));
}

static void exp_is_within_two_ulp(void **state)
{
    for_each_level(check_exp);
}

static void check_tanh(const struct cpu_kernels *k)
{
    static float x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = -12.f + 24.f * (float)i / N;
    k->tanh_array(y, x, N);
    for (int i = 0; i < N; i++)
        if (!(ulps(y[i], tanh(x[i])) <= 4))
            fail_msg("%s: tanh(%.9g) = %.9g is %g ulp off", k->name, (double)x[i], (double)y[i],
                     ulps(y[i], tanh(x[i])));
    const float edge[] = {-INFINITY, INFINITY, NAN, 1000, -1e-30f};
    k->tanh_array(y, edge, 5);
    assert_true(y[0] == -1 && y[1] == 1 && isnan(y[2]) && y[3] == 1 && y[4] == -1e-30f);
}

static void tanh_is_within_four_ulp(void **state)
{
    for_each_level(check_tanh);
}

static void probe_names_the_machine(void **state)
{
    struct cpu_probe p;
    cpu_probe(&p);
    assert_true(p.n_cores >= 1);
    assert_true(p.brand[0] && p.level[0] && p.blas_core[0]);
}

static void doctor_measures_and_explains(void **state)
{
    json_t *report = cpu_doctor(), *speeds = json_object_get(report, "gflops");
    assert_non_null(report);
    assert_true(json_number_value(json_object_get(speeds, "fma_1")) > 0);
    assert_true(json_number_value(json_object_get(speeds, "sgemm_1")) > 0);
    assert_true(json_number_value(json_object_get(speeds, "sgemm_all")) > 0);
    assert_true(json_is_array(json_object_get(report, "findings")));
    size_t i;
    json_t *finding;
    json_array_foreach(json_object_get(report, "findings"), i, finding) {
        assert_true(json_string_length(json_object_get(finding, "what")) > 0);
        assert_true(json_string_length(json_object_get(finding, "do")) > 0);
    }
    json_decref(report);
}

static void failures_stick_until_close_and_are_reported_once(void **state)
{
    struct backend *b = NULL;
    assert_ok(backend_cpu.open(&b, &(struct backend_options){.n_threads = 1}, e));
    assert_null(cpu_scratch(b, SIZE_MAX / 8));
    struct err fault = {0};
    assert_int_equal(backend_cpu.sync(b, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.text, "not enough memory"));
    assert_int_equal(backend_cpu.sync(b, &fault), ERR_STATE);
    float x[2] = {1, 2};
    backend_cpu.scale(b, x, 2, 2); // without effect
    assert_true(x[0] == 1 && x[1] == 2);
    backend_cpu.close(b);
}

// main() prepared this program: OpenBLAS must not be left with kernels far below the CPU, and asking again must
// not start another round.
static void blas_is_prepared_by_starting_again(void **state)
{
    struct cpu_probe p;
    cpu_probe(&p);
    if (!p.blas_best[0] || (getenv("OPENBLAS_CORETYPE") && !p.blas_default[0]))
        skip(); // nothing better is known, or the person chose
    assert_string_not_equal(p.blas_core, "Prescott");
    if (p.blas_default[0])
        assert_string_equal(p.blas_core, p.blas_best);
    assert_ok(cpu_blas_prepare(0, NULL, e));
}

// Batches of ever new lengths must not end a run: code for old shapes goes, and comes back when asked for.
static void bf16_forgets_the_oldest_shapes(void **state)
{
    enum { K = 32, MORE = 8, MOST = 32 + BF16_MAX_SHAPES + MORE };
    static float a[16 * K], b[K * MOST], c[16 * MOST], first[16 * 32];
    const struct cpu_kernels *k;
    struct bf16 *h;
    if (bf16_refusal())
        skip();
    for (int i = 0; i < 16 * K; i++)
        a[i] = (float)(i % 13) - 6;
    for (int i = 0; i < K * MOST; i++)
        b[i] = (float)(i % 7) - 3;
    assert_ok(cpu_level(&k, e));
    assert_ok(bf16_open(&h, k, 1, e));
    struct gemm g = {.m = 16, .n = 32, .k = K, .alpha = 1, .a = a, .b = b, .c = c, .lda = K, .ldb = MOST, .ldc = MOST};
    for (int i = 0; i < BF16_MAX_SHAPES + MORE; i++, g.n++) {
        assert_ok(bf16_gemm(h, &g, 0, e));
        assert_int_equal(bf16_n_shapes(h), i < BF16_MAX_SHAPES ? i + 1 : BF16_MAX_SHAPES);
        for (int r = 0; i == 0 && r < 16; r++)
            memcpy(first + r * 32, c + r * MOST, 32 * sizeof *first);
    }
    g.n = 32;
    memset(c, 0, sizeof c);
    assert_ok(bf16_gemm(h, &g, 0, e));
    assert_int_equal(bf16_n_shapes(h), BF16_MAX_SHAPES);
    for (int r = 0; r < 16; r++)
        assert_memory_equal(first + r * 32, c + r * MOST, 32 * sizeof *first);
    for (int i = 0; i < 16; i++) { // small whole numbers: exact in bf16
        float want = 0;
        for (int x = 0; x < K; x++)
            want += a[i * K + x] * b[x * MOST + 5];
        assert_true(c[i * MOST + 5] == want);
    }
    bf16_close(h);
}

int main(int argc, char **argv)
{
    struct err fault = {0};
    if (cpu_blas_prepare(argc, argv, &fault) != 0) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_two_ulp),
        cmocka_unit_test(tanh_is_within_four_ulp),
        cmocka_unit_test(probe_names_the_machine),
        cmocka_unit_test(doctor_measures_and_explains),
        cmocka_unit_test(failures_stick_until_close_and_are_reported_once),
        cmocka_unit_test(bf16_forgets_the_oldest_shapes),
        cmocka_unit_test(blas_is_prepared_by_starting_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
