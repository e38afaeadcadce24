// Curves made of several (blend.h) and what ranges amount to, against plain sums over the same points.
#include "config.h"

#include "testing.h"

#include "base/rng.h"
#include "ui/series/blend.h"
#include "ui/curves/layouts.h"
#include "ui/series/range_stats.h"

enum { MOST = 5 };

struct world {
    struct series series[MOST];
    struct blend_source sources[MOST];
    int n;
};

static void add_points(struct world *w, struct rng *rng, int k, int n, int64_t *step)
{
    for (int i = 0; i < n; i++) {
        *step += 1 + (int64_t)rng_below(rng, k % 2 ? 1 : 4);
        series_add(&w->series[k], *step, rng_below(rng, 25) ? k + rng_normal(rng) : NAN);
    }
}

static void world_fini(struct world *w)
{
    for (int k = 0; k < w->n; k++)
        series_fini(&w->series[k]);
}

// On the line between its points, by looking at all of them.
static double plain_value(const struct series *s, double step)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if ((double)series_step(s, i) == step)
            return series_value(s, i);
        if (i > 0 && (double)series_step(s, i - 1) < step && (double)series_step(s, i) > step) {
            double part = (step - (double)series_step(s, i - 1)) / (double)(series_step(s, i) - series_step(s, i - 1));
            return series_value(s, i - 1) * (1 - part) + series_value(s, i) * part;
        }
    }
    return NAN;
}

static bool has_step(const struct series *s, int64_t step)
{
    uint32_t i = series_find(s, (double)step);
    return i < s->n && series_step(s, i) == step;
}

static int64_t last_step(const struct series *s)
{
    return s->n ? series_step(s, s->n - 1) : -1;
}

// The value below which a part of them is, by counting: the k-th least is the one that k others are below.
static double kth_least(const double *values, int n, int k)
{
    for (int i = 0; i < n; i++) {
        int below = 0;
        for (int j = 0; j < n; j++)
            below += values[j] < values[i] || (values[j] == values[i] && j < i);
        if (below == k)
            return values[i];
    }
    return NAN;
}

static double plain_quantile(const double *values, int n, double part)
{
    const double at = part * (n - 1), rest = at - floor(at);
    const double low = kth_least(values, n, (int)floor(at));
    return rest > 0 ? low * (1 - rest) + kth_least(values, n, (int)floor(at) + 1) * rest : low;
}

// Every step that some source has, up to where all growing ones have come, and nothing else.
static void check_means(const struct world *w, const struct blend *b)
{
    int64_t end = 0, horizon = INT64_MAX;
    uint32_t at = 0;
    for (int k = 0; k < w->n; k++) {
        end = last_step(&w->series[k]) > end ? last_step(&w->series[k]) : end;
        if (w->sources[k].grows && w->series[k].n && last_step(&w->series[k]) < horizon)
            horizon = last_step(&w->series[k]);
    }
    for (int64_t step = 0; step <= end && step <= horizon; step++) {
        double values[MOST], sum = 0, squares = 0, low = INFINITY, high = -INFINITY;
        bool any = false;
        int n = 0;
        for (int k = 0; k < w->n; k++) {
            any = any || has_step(&w->series[k], step);
            double v = plain_value(&w->series[k], (double)step);
            if (isfinite(v))
                values[n++] = v;
        }
        if (!any)
            continue;
        for (int i = 0; i < n; i++) {
            sum += values[i];
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
        const double mean = sum / n;
        for (int i = 0; i < n; i++)
            squares += pow(values[i] - mean, 2);
        const double sd = n > 1 ? sqrt(squares / (n - 1)) : 0;
        static const double t95[] = {0, 0, 12.7062047, 4.30265273, 3.18244631, 2.77644511}; // by n
        const double half = b->band == BAND_INTERVAL && n > 1 ? t95[n] * sd / sqrt(n)
                            : b->band == BAND_SE              ? sd / sqrt(n)
                                                              : sd;
        assert_true(at < b->value.n && series_step(&b->value, at) == step);
        if (n == 0) {
            assert_true(isnan(series_value(&b->value, at)));
        } else {
            assert_close(series_value(&b->value, at), b->band == BAND_QUARTILES ? plain_quantile(values, n, 0.5) : mean,
                         1e-5);
            if (b->band == BAND_QUARTILES) {
                assert_close(series_value(&b->low, at), plain_quantile(values, n, 0.25), 1e-5);
                assert_close(series_value(&b->high, at), plain_quantile(values, n, 0.75), 1e-5);
            } else if (b->band == BAND_RANGE) {
                assert_close(series_value(&b->low, at), low, 1e-5);
                assert_close(series_value(&b->high, at), high, 1e-5);
            } else if (b->band != BAND_NONE) {
                assert_close(series_value(&b->low, at), mean - half, 1e-5 * (1 + half));
                assert_close(series_value(&b->high, at), mean + half, 1e-5 * (1 + half));
            }
        }
        at++;
    }
    assert_int_equal(at, b->value.n);
    assert_int_equal(b->band == BAND_NONE ? 0 : at, b->low.n);
}

static void update_whole(const struct world *w, struct blend *b, struct rng *rng)
{
    while (!blend_update(b, w->sources, w->n, 1 + rng_below(rng, 50)))
        ;
}

static void means_and_bands_are_those_of_the_runs(void **state)
{
    for (int round = 0; round < 60; round++) {
        struct rng rng = rng_make(41, RNG_TEST, (uint32_t)round);
        struct world w = {.n = 1 + (int)rng_below(&rng, MOST)};
        struct blend b;
        int64_t steps[MOST];
        for (int k = 0; k < w.n; k++) {
            series_init(&w.series[k]);
            steps[k] = (int64_t)rng_below(&rng, 20);
            w.sources[k] = (struct blend_source){&w.series[k], round % 2 && rng_below(&rng, 2)};
        }
        blend_init(&b, false, (enum band)(round % BAND_N));
        for (int growth = 0; growth < 5; growth++) {
            for (int k = 0; k < w.n; k++)
                if (w.sources[k].grows || growth == 0)
                    add_points(&w, &rng, k, (int)rng_below(&rng, 60), &steps[k]);
            update_whole(&w, &b, &rng);
            check_means(&w, &b);
        }
        // Back to a checkpoint, and another end of it.
        if (w.series[0].n > 10) {
            steps[0] = series_step(&w.series[0], w.series[0].n / 2);
            add_points(&w, &rng, 0, 5, &steps[0]);
            update_whole(&w, &b, &rng);
            check_means(&w, &b);
        }
        // Every one has ended.
        for (int k = 0; k < w.n; k++)
            w.sources[k].grows = false;
        update_whole(&w, &b, &rng);
        check_means(&w, &b);
        blend_fini(&b);
        world_fini(&w);
    }
}

static void a_difference_stands_at_the_first_one_s_steps(void **state)
{
    for (int round = 0; round < 40; round++) {
        struct rng rng = rng_make(42, RNG_TEST, (uint32_t)round);
        struct world w = {.n = 2};
        struct blend b;
        int64_t steps[2] = {(int64_t)rng_below(&rng, 9), (int64_t)rng_below(&rng, 9)};
        for (int k = 0; k < 2; k++) {
            series_init(&w.series[k]);
            w.sources[k] = (struct blend_source){&w.series[k], false};
        }
        blend_init(&b, true, BAND_SD);
        for (int growth = 0; growth < 3; growth++) {
            w.sources[0].grows = w.sources[1].grows = growth < 2;
            for (int k = 0; k < 2; k++)
                add_points(&w, &rng, k, (int)rng_below(&rng, 40), &steps[k]);
            update_whole(&w, &b, &rng);
        }
        assert_int_equal(b.value.n, w.series[1].n ? w.series[0].n : 0);
        for (uint32_t i = 0; i < b.value.n; i++) {
            const double step = (double)series_step(&w.series[0], i);
            const double want = series_value(&w.series[0], i) - plain_value(&w.series[1], step);
            assert_true((double)series_step(&b.value, i) == step);
            assert_true(isfinite(want) ? fabs(series_value(&b.value, i) - want) < 1e-5 : isnan(series_value(&b.value, i)));
        }
        assert_int_equal(b.low.n, 0);
        blend_fini(&b);
        world_fini(&w);
    }
}

static void students_quantiles_are_those_of_the_tables(void **state)
{
    // R: qt(0.975, df)
    static const struct {
        int df;
        double t;
    } rows[] = {{1, 12.70620474}, {2, 4.30265273}, {5, 2.57058184}, {10, 2.22813885}, {15, 2.13144955}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_close(blend_t95(rows[i].df), rows[i].t, 1e-8);
}

static void a_range_amounts_to_what_its_points_do(void **state)
{
    struct series s;
    series_init(&s);
    assert_int_equal(range_stats(&s, 0, 100).n, 0);
    assert_true(isnan(range_crossing(&s, 0, 100, 1)));
    for (int i = 0; i <= 10; i++)
        series_add(&s, 1000000 + 10 * i, 3 + 0.25 * i); // a straight line far from step 0
    struct range_stats r = range_stats(&s, 1000020, 1000079.9);
    assert_int_equal(r.n, 6);
    assert_close(r.slope, 0.025, 1e-9);
    assert_close(r.first, 3.5, 1e-9);
    assert_close(r.last, 4.75, 1e-9);
    assert_close(r.mean, 4.125, 1e-9);
    assert_close(r.sd, sqrt(6 * 35 / 12.0 / 5) * 0.25, 1e-9); // of six equidistant values
    assert_close(r.area, 50 * 4.125, 1e-9);
    series_add(&s, 1000200, NAN);
    series_add(&s, 1000300, -2);
    r = range_stats(&s, 1000100, 2e6);
    assert_int_equal(r.n, 2);
    assert_close(r.min, -2, 0);
    assert_close(r.max, 5.5, 0);
    assert_close(r.area, 200 * 1.75, 1e-9);
    assert_close(range_crossing(&s, 1000000, 1000100, 4.1), 1000050, 0); // upwards, to 4.25
    assert_close(range_crossing(&s, 1000000, 1000100, 4), 1000040, 0);
    assert_close(range_crossing(&s, 1000050, 2e6, 4), 1000300, 0);       // downwards, past what is no number
    assert_close(range_crossing(&s, 1000100, 2e6, 5.5), 1000100, 0);
    assert_true(isnan(range_crossing(&s, 1000000, 1000030, 4)) && isnan(range_crossing(&s, 1000000, 2e6, 10)));
    r = range_stats(&s, 1000300, 1000300);
    assert_true(r.n == 1 && isnan(r.slope) && r.sd == 0 && r.area == 0);
    series_fini(&s);
}

// ---- which charts ----

static void filters_take_words_patterns_and_their_opposites(void **state)
{
    static const struct {
        const char *filter, *text;
        bool passes;
    } rows[] = {
        {"", "loss eval/loss", true},
        {"loss", "LOSS of policy", true},
        {"kl", "loss eval/loss", false},
        {"eval loss", "loss eval/loss", true},
        {"eval kl", "loss eval/loss", false},
        {"kl|loss", "loss", true},
        {"kl,entropy", "loss", false},
        {"!eval", "loss eval/loss", false},
        {"!eval", "lr", true},
        {"!eval loss", "loss", true},
        {"rewards/*s", "rewards/margins", true},
        {"r?wards", "rewards", true},
        {"r?ards", "rewards", false},
        {"  loss  ", "loss", true},
        {"!", "loss", true},
        {"|", "loss", false},
        {"!a|b", "b", false},
        {"!a|b", "c", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (filter_passes(rows[i].filter, rows[i].text) != rows[i].passes)
            fail_msg("\"%s\" on \"%s\"", rows[i].filter, rows[i].text);
}

static int make(struct chart *charts, const char *const *keys)
{
    int n = 0;
    for (; keys[n]; n++) {
        charts[n] = (struct chart){.n_parts = 1};
        text_copy(charts[n].title, sizeof charts[n].title, keys[n]);
        text_copy(charts[n].parts[0].key, sizeof charts[n].parts[0].key, keys[n]);
    }
    return n;
}

static void layouts_choose_charts_in_their_order(void **state)
{
    static const char *const keys[] = {"lr",         "loss",         "kl", "minority/share", "rewards/margins",
                                       "style/song", "tokens_per_s", NULL};
    struct chart charts[8];
    int n = make(charts, keys);
    assert_int_equal(layout_charts(NULL, "", charts, n), 7);
    assert_string_equal(charts[0].title, "lr");
    n = layout_charts(layout_find("pref"), "", charts, make(charts, keys));
    assert_int_equal(n, 3);
    assert_string_equal(charts[0].title, "rewards/margins");
    assert_string_equal(charts[1].title, "loss");
    assert_string_equal(charts[2].title, "kl");
    n = layout_charts(layout_find("dpo-pm"), "", charts, make(charts, keys));
    assert_int_equal(n, 3);
    assert_string_equal(charts[0].title, "minority/share");
    assert_string_equal(charts[2].title, "style/song");
    n = layout_charts(layout_find("throughput"), "!lr", charts, make(charts, keys));
    assert_int_equal(n, 1);
    assert_string_equal(charts[0].title, "tokens_per_s");
    assert_int_equal(layout_charts(layout_find("all"), "nothing", charts, make(charts, keys)), 0);
    assert_null(layout_find("nothing"));
    assert_null(layout_find(""));
    for (const struct layout *l = layouts; l->name; l++)
        assert_ptr_equal(layout_find(l->name), l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_and_bands_are_those_of_the_runs),
        cmocka_unit_test(a_difference_stands_at_the_first_one_s_steps),
        cmocka_unit_test(students_quantiles_are_those_of_the_tables),
        cmocka_unit_test(a_range_amounts_to_what_its_points_do),
        cmocka_unit_test(filters_take_words_patterns_and_their_opposites),
        cmocka_unit_test(layouts_choose_charts_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
