// Counts: the exact test, intervals, and the distributions behind them.
#include "testing.h"

#include "golden_stats.h"

#include "stats/binomial.h"
#include "stats/special.h"

static void distributions_agree_with_scipy(void **state)
{
    const json_t *all = golden_of("special"), *row;
    size_t i;
    json_array_foreach(json_object_get(all, "beta"), i, row)
        assert_golden_relative(beta_regularized(golden_at(row, 0), golden_at(row, 1), golden_at(row, 2)), golden_at(row, 3));
    json_array_foreach(json_object_get(all, "density"), i, row)
        assert_golden_relative(binomial_density(golden_at(row, 0), golden_at(row, 1), golden_at(row, 2)), golden_at(row, 3));
    json_array_foreach(json_object_get(all, "normal"), i, row)
        assert_golden(normal_quantile(golden_at(row, 0)), golden_at(row, 1));
    json_array_foreach(json_object_get(all, "student"), i, row)
        assert_golden(student_quantile(golden_at(row, 0), golden_at(row, 1)), golden_at(row, 2));
    json_array_foreach(json_object_get(all, "two_sided"), i, row)
        assert_golden_relative(student_two_sided(golden_at(row, 0), golden_at(row, 1)), golden_at(row, 2));
    assert_true(isinf(normal_quantile(0)) && isinf(normal_quantile(1)) && normal_quantile(0) < 0);
    assert_close(student_quantile(0.975, INFINITY), 1.959963984540054, 1e-12);
}

static void binomial_test_agrees_with_scipy(void **state)
{
    const json_t *row;
    size_t i;
    json_array_foreach(golden_of("binomial_test"), i, row)
        assert_golden_relative(binomial_test((int64_t)golden_at(row, 0), (int64_t)golden_at(row, 1), golden_at(row, 2)),
                               golden_at(row, 3));
    assert_true(binomial_test(0, 0, 0.5) == 1);
}

static void assert_interval(struct interval got, const json_t *row)
{
    assert_golden(got.low, golden_at(row, 3));
    assert_golden(got.high, golden_at(row, 4));
}

static void intervals_agree_with_scipy(void **state)
{
    const json_t *row;
    size_t i;
    json_array_foreach(golden_of("wilson"), i, row)
        assert_interval(binomial_wilson(golden_at(row, 0), golden_at(row, 1), golden_at(row, 2)), row);
    json_array_foreach(golden_of("clopper_pearson"), i, row)
        assert_interval(binomial_clopper_pearson((int64_t)golden_at(row, 0), (int64_t)golden_at(row, 1), golden_at(row, 2)),
                        row);
    const struct interval none = binomial_wilson(0, 0, 0.95), exact = binomial_clopper_pearson(0, 0, 0.95);
    assert_true(none.low == 0 && none.high == 1 && exact.low == 0 && exact.high == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_agree_with_scipy),
        cmocka_unit_test(binomial_test_agrees_with_scipy),
        cmocka_unit_test(intervals_agree_with_scipy),
    };
    return cmocka_run_group_tests(tests, golden_stats_open, golden_stats_close);
}
