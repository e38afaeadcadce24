// Axes: properties for random input.
#include "config.h"

#include "random_limit.h"
#include "testing.h"

#include "ui/plot/axis.h"

static void check_ticks(const struct ticks *t, double low, double high, int max)
{
    assert_true(t->n <= max);
    double room = (high - low) * 1e-6;
    int columns = 0;
    for (int i = 0; i < t->n; i++) {
        assert_true(t->at[i].value >= low - room && t->at[i].value <= high + room);
        if (i > 0) {
            assert_true(t->at[i].value > t->at[i - 1].value);
            assert_string_not_equal(t->at[i].label, t->at[i - 1].label);
        }
        int length = (int)strlen(t->at[i].label);
        assert_true(length >= 1 && length <= 16);
        columns = length > columns ? length : columns;
    }
    assert_int_equal(t->columns, columns);
}

static void axis_holds_any_range_with_round_ticks(void **state)
{
    struct rng rng = rng_make(21, RNG_TEST, 0);
    for (int round = 0; round < 20000; round++) {
        double a = random_limit(&rng), b = rng_below(&rng, 4) ? random_limit(&rng) : a;
        double min = fmin(a, b), max = fmax(a, b);
        enum scale wanted = (enum scale)rng_below(&rng, 3);
        struct axis axis;
        axis_fit(&axis, wanted, min, max);
        assert_true(axis.low <= min && axis.high >= max && axis.low < axis.high);
        assert_true(axis.scale != SCALE_LOG || axis.low > 0);
        assert_true(axis_place(&axis, min) >= -1e-9 && axis_place(&axis, max) <= 1 + 1e-9);
        double middle = min + (max - min) * rng_uniform(&rng);
        double place = axis_place(&axis, middle);
        assert_true(place >= -1e-9 && place <= 1 + 1e-9);
        assert_close(axis_place(&axis, axis_value(&axis, place)), place, 1e-6);
        int n = 2 + (int)rng_below(&rng, 8);
        struct ticks t;
        axis_ticks(&axis, n, &t);
        check_ticks(&t, axis.low, axis.high, n);
        if (axis.scale == SCALE_LINEAR && n >= 5)
            assert_true(t.n >= 2);
        // What the label says is the tick's value, but for the suffix.
        if (axis.scale == SCALE_LINEAR && t.n >= 2) {
            double step = t.at[1].value - t.at[0].value;
            for (int i = 0; i < t.n; i++) {
                char *end;
                double said = strtod(t.at[i].label, &end);
                said *= *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : *end == 'T' ? 1e12 : 1;
                assert_close(said, t.at[i].value, step * 0.01);
            }
        }
    }
}

static void axis_takes_no_values_one_value_and_extremes(void **state)
{
    struct axis a;
    axis_fit(&a, SCALE_LINEAR, INFINITY, -INFINITY);
    assert_true(a.low < a.high);
    axis_fit(&a, SCALE_LINEAR, NAN, NAN);
    assert_true(a.low < a.high);
    const double values[] = {0, 1, -1, 1e-38, -3.4e38, 3.4e38, 1e-300};
    for (int i = 0; i < 7; i++) {
        for (int k = 0; k < 3; k++) {
            axis_fit(&a, (enum scale)k, values[i], values[i]);
            assert_true(a.low < values[i] && a.high > values[i]);
            struct ticks t;
            axis_ticks(&a, 5, &t);
            check_ticks(&t, a.low, a.high, 5);
        }
    }
    axis_fit(&a, SCALE_LINEAR, -3.4e38, 3.4e38);
    assert_close(axis_place(&a, 0), 0.5, 1e-9);
    // A logarithm of what may be below zero is taken on both sides.
    axis_fit(&a, SCALE_LOG, -2, 500);
    assert_int_equal(a.scale, SCALE_SYMLOG);
    assert_true(axis_place(&a, -1) < axis_place(&a, 0) && axis_place(&a, 0) < axis_place(&a, 1));
}

static void axis_labels_are_short_and_alike(void **state)
{
    static const struct {
        double low, high;
        int max;
        const char *labels;
    } cases[] = {
        {0, 0.7, 5, "0 0.2 0.4 0.6"},
        {0, 2000, 3, "0 1000 2000"},
        {0, 50000, 3, "0 20k 40k"},
        {-230, -180, 4, "-220 -200 -180"},
        {0, 3e-5, 4, "0 1e-5 2e-5 3e-5"},
        {0.645, 0.655, 3, "0.645 0.650 0.655"},
        {0, 2.5e6, 4, "0 1M 2M"},
        {0, 1, 3, "0 0.5 1.0"},
        {1e6, 1e6 + 1, 3, "1000000.0 1000000.5 1000001.0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct axis a = {SCALE_LINEAR, cases[i].low, cases[i].high, 1};
        struct ticks t;
        axis_ticks(&a, cases[i].max, &t);
        struct str s = {0};
        for (int k = 0; k < t.n; k++)
            str_addf(&s, k ? " %s" : "%s", t.at[k].label);
        assert_string_equal(str_text(&s), cases[i].labels);
        str_fini(&s);
    }
    struct ticks t;
    axis_ticks_time(0, 7300, 4, &t);
    assert_string_equal(t.at[1].label, "1h00");
    axis_ticks_time(0, 100, 5, &t);
    assert_string_equal(t.at[t.n - 1].label, "1:30");
    struct ticks whole;
    axis_ticks_count(0, 3, 9, &whole);
    assert_int_equal(whole.n, 4);
}

static void axis_number_fits_seven_columns(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.5123456, "0.5123"}, {-12.345, "-12.35"}, {1240000, "1.24M"}, {3.2e-5, "3.2e-5"},   {0, "0"},
                 {1, "1.000"},          {99999, "100k"},     {123.456, "123.5"}, {-1e-30, "-1.0e-30"}, {NAN, "nan"},
                 {-INFINITY, "-inf"},   {9999.6, "10000"}};
    char out[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(axis_number(out, sizeof out, cases[i].value), cases[i].text);
    struct rng rng = rng_make(22, RNG_TEST, 0);
    for (int i = 0; i < 20000; i++) {
        double v = random_limit(&rng);
        axis_number(out, sizeof out, v);
        assert_true(strlen(out) <= 8);
        char *end;
        double said = strtod(out, &end);
        said *= *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : *end == 'T' ? 1e12 : 1;
        assert_close(said, v, fabs(v) * 0.051);
    }
}

static void horizontal_end_grows_in_steps(void **state)
{
    struct rng rng = rng_make(23, RNG_TEST, 0);
    for (int i = 0; i < 5000; i++) {
        double end = pow(10, rng_uniform(&rng) * 9 + 1);
        double rounded = axis_round_end(end);
        assert_true(rounded >= end && rounded <= end * 1.34);
        assert_true(axis_round_end(rounded) == rounded);
    }
    // How often the picture moves while a run grows to 100000 steps.
    int changes = 0;
    for (double last = 0, step = 1; step <= 100000; step++) {
        changes += axis_round_end(step) != last;
        last = axis_round_end(step);
    }
    assert_int_equal(changes, 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axis_holds_any_range_with_round_ticks),
        cmocka_unit_test(axis_takes_no_values_one_value_and_extremes),
        cmocka_unit_test(axis_labels_are_short_and_alike),
        cmocka_unit_test(axis_number_fits_seven_columns),
        cmocka_unit_test(horizontal_end_grows_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
