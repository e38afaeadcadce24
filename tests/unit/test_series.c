// Series against brute force: steps, smallest and largest values, smoothing, forgetting.
#include "config.h"

#include "testing.h"

#include "base/rng.h"
#include "ui/series/series.h"
#include "ui/series/smooth_lanes.h"

enum { MAX = 6000 };

// The plain way to keep the same points.
struct model {
    int64_t step[MAX];
    float value[MAX];
    uint32_t n;
};

static void model_add(struct model *m, int64_t step, double value)
{
    while (m->n > 0 && m->step[m->n - 1] >= step)
        m->n--;
    m->step[m->n] = step;
    m->value[m->n++] = (float)value;
}

static double random_value(struct rng *rng)
{
    switch (rng_below(rng, 40)) {
    case 0:
        return NAN;
    case 1:
        return INFINITY;
    case 2:
        return -1e6 * rng_uniform(rng);
    default:
        return rng_normal(rng);
    }
}

static void fill(struct series *s, struct model *m, struct rng *rng, uint32_t n, int kind)
{
    int64_t step = (int64_t)rng_below(rng, 100);
    for (uint32_t i = 0; i < n; i++) {
        double value = random_value(rng);
        series_add(s, step, value);
        model_add(m, step, value);
        step += kind == 0 ? 1 : kind == 1 ? 10 : 1 + (int64_t)rng_below(rng, 20);
        if (kind == 3 && rng_below(rng, 300) == 0)
            step = step > 700 ? step - (int64_t)rng_below(rng, 700) : 0;
        if (kind == 2 && rng_below(rng, 500) == 0)
            step += 100000;
    }
}

static void check_span(struct span got, const struct model *m, uint32_t first, uint32_t end)
{
    struct span want = {INFINITY, -INFINITY};
    for (uint32_t i = first; i < end; i++) {
        if (!isfinite(m->value[i]))
            continue;
        want.min = fminf(want.min, m->value[i]);
        want.max = fmaxf(want.max, m->value[i]);
    }
    assert_true(got.min == want.min && got.max == want.max);
}

static void series_agrees_with_plain_arrays(void **state)
{
    static struct model m;
    for (int round = 0; round < 40; round++) {
        struct rng rng = rng_make(7, RNG_TEST, (uint32_t)round);
        struct series s;
        series_init(&s);
        m.n = 0;
        if (round % 2)
            series_set_smoothing(&s, SMOOTH_EMA, 0.9, 1);
        fill(&s, &m, &rng, 1 + (uint32_t)rng_below(&rng, MAX - 1), round % 4);
        assert_int_equal(s.n, m.n);
        uint32_t n_bad = 0;
        for (uint32_t i = 0; i < m.n; i++) {
            assert_int_equal(series_step(&s, i), m.step[i]);
            assert_true(memcmp(&s.values[i], &m.value[i], sizeof(float)) == 0);
            if (!isfinite(m.value[i]))
                assert_int_equal(s.bad[n_bad++], i);
        }
        assert_int_equal(s.n_bad, n_bad);
        for (int k = 0; k < 200; k++) {
            uint32_t a = (uint32_t)rng_below(&rng, m.n + 1), b = (uint32_t)rng_below(&rng, m.n + 1);
            uint32_t first = a < b ? a : b, end = a < b ? b : a;
            check_span(series_span(&s, first, end), &m, first, end);
            double low = rng_normal(&rng) - 1, high = low + 2 * rng_uniform(&rng);
            uint32_t outside = 0;
            for (uint32_t i = first; i < end; i++)
                outside += isfinite(m.value[i]) && (m.value[i] < low || m.value[i] > high);
            assert_int_equal(series_outside(&s, first, end, low, high), outside);
            double step = rng_uniform(&rng) * (double)(m.step[m.n - 1] + 10);
            uint32_t found = 0;
            while (found < m.n && (double)m.step[found] < step)
                found++;
            assert_int_equal(series_find(&s, step), found);
        }
        series_fini(&s);
    }
}

// TensorBoard's debiased average, written as it writes it.
static void tensorboard(const double *y, int n, double w, double *out)
{
    double last = 0, count = 0;
    for (int i = 0; i < n; i++) {
        if (isfinite(y[i])) {
            last = last * w + (1 - w) * y[i];
            count++;
            out[i] = last / (1 - pow(w, count));
        } else {
            out[i] = NAN;
        }
    }
}

static void smoothing_is_tensorboards_on_even_steps(void **state)
{
    enum { N = 3000 };
    static double y[N], want[N];
    const double weights[] = {0.1, 0.6, 0.9, 0.99, 0.999};
    for (int k = 0; k < 5; k++) {
        for (int spacing = 1; spacing <= 25; spacing += 8) {
            struct rng rng = rng_make(11, RNG_TEST, (uint32_t)k);
            struct smoother s;
            smoother_init(&s, weights[k], spacing);
            for (int i = 0; i < N; i++)
                y[i] = i % 97 == 13 ? NAN : sin(i * 0.01) + rng_normal(&rng);
            tensorboard(y, N, weights[k], want);
            for (int i = 0; i < N; i++) {
                double got = smoother_add(&s, 7.0 + (double)i * spacing, y[i]);
                if (isfinite(y[i]))
                    assert_close(got, want[i], 1e-12);
            }
        }
    }
}

// The weighted mean that the recursion stands for: point j weighs (1 - d_j) times all later fadings.
static void smoothing_is_the_weighted_mean_on_uneven_steps(void **state)
{
    enum { N = 400 };
    double x[N], y[N], w = 0.97, unit = 3;
    struct rng rng = rng_make(12, RNG_TEST, 0);
    struct smoother s;
    smoother_init(&s, w, unit);
    for (int i = 0; i < N; i++) {
        x[i] = i ? x[i - 1] + 1 + (double)rng_below(&rng, 30) : 5;
        y[i] = rng_normal(&rng);
        double got = smoother_add(&s, x[i], y[i]), sum = 0, weights = 0;
        for (int j = 0; j <= i; j++) {
            double dx = j ? x[j] - x[j - 1] : unit;
            double weight = (1 - pow(w, dx / unit)) * pow(w, (x[i] - x[j]) / unit);
            sum += weight * y[j];
            weights += weight;
        }
        assert_close(got, sum / weights, 1e-12);
    }
}

static void smoothing_leaves_constants_exact(void **state)
{
    struct rng rng = rng_make(13, RNG_TEST, 0);
    const double constants[] = {0.1, -3.7e-9, 1e30, 0.6931471805599453};
    for (int k = 0; k < 4; k++) {
        struct smoother s;
        smoother_init(&s, 0.93, 2);
        double x = 0;
        for (int i = 0; i < 5000; i++) {
            x += 1 + (double)rng_below(&rng, 9);
            assert_true(smoother_add(&s, x, constants[k]) == constants[k]);
        }
    }
}

// Half of the points dropped: the smoothed curve must move (rms) at most a fifth of what TensorBoard's moves.
static void smoothing_hardly_depends_on_density(void **state)
{
    enum { N = 4000 };
    static double y[N], all[N], half_tb[N], sparse[N];
    struct rng rng = rng_make(14, RNG_TEST, 0);
    struct smoother full, half;
    smoother_init(&full, 0.97, 1);
    smoother_init(&half, 0.97, 1);
    double ours = 0, theirs = 0;
    static double all_tb[N];
    for (int i = 0; i < N; i++) {
        y[i] = sin(i * 0.01) + 0.2 * rng_normal(&rng);
        all[i] = smoother_add(&full, i, y[i]);
        if (i % 2 == 0)
            sparse[i / 2] = y[i];
    }
    tensorboard(y, N, 0.97, all_tb);
    tensorboard(sparse, N / 2, 0.97, half_tb);
    for (int i = 0; i < N; i += 2) {
        double got = smoother_add(&half, i, y[i]);
        ours += (got - all[i]) * (got - all[i]);
        theirs += (half_tb[i / 2] - all_tb[i]) * (half_tb[i / 2] - all_tb[i]);
    }
    assert_true(ours * 25 < theirs);
}

static void smoothing_while_adding_equals_smoothing_at_once(void **state)
{
    static struct model m;
    for (int round = 0; round < 16; round++) {
        struct rng rng = rng_make(15, RNG_TEST, (uint32_t)round);
        struct series live, batch;
        series_init(&live);
        series_init(&batch);
        series_set_smoothing(&live, SMOOTH_EMA, 0.95, 4);
        m.n = 0;
        fill(&live, &m, &rng, MAX / 2, round % 4);
        for (uint32_t i = 0; i < m.n; i++)
            series_add(&batch, m.step[i], m.value[i]);
        series_set_smoothing(&batch, SMOOTH_EMA, 0.95, 4);
        assert_false(series_smooth_some(&batch, 10));
        assert_false(series_is_smooth(&batch));
        while (!series_smooth_some(&batch, 333))
            ;
        assert_true(series_is_smooth(&live) && series_is_smooth(&batch));
        struct smoother plain;
        smoother_init(&plain, 0.95, 4);
        for (uint32_t i = 0; i < m.n; i++) {
            double want = smoother_add(&plain, (double)m.step[i], m.value[i]);
            if (isnan(want)) {
                assert_true(isnan(series_smoothed(&live, i)));
                continue;
            }
            assert_close(series_smoothed(&live, i), want, 1e-9 * fmax(1, fabs(want)));
            assert_close(series_smoothed(&batch, i), want, 1e-9 * fmax(1, fabs(want)));
        }
        series_fini(&live);
        series_fini(&batch);
    }
}

static bool same(float a, float b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void columns_are_exact(void **state)
{
    static struct model m;
    static double curve[MAX], edges[602];
    static struct series_column got[601];
    for (int round = 0; round < 60; round++) {
        struct rng rng = rng_make(16, RNG_TEST, (uint32_t)round);
        struct series s;
        series_init(&s);
        bool smoothed = round % 2;
        if (smoothed)
            series_set_smoothing(&s, SMOOTH_EMA, 0.8, 3);
        m.n = 0;
        fill(&s, &m, &rng, 1 + (uint32_t)rng_below(&rng, MAX - 1), round / 2 % 4);
        struct smoother plain;
        smoother_init(&plain, 0.8, 3);
        for (uint32_t i = 0; i < m.n; i++) {
            double value = smoother_add(&plain, (double)m.step[i], m.value[i]);
            curve[i] = smoothed ? value : m.value[i];
        }
        int n = 1 + (int)rng_below(&rng, 600);
        double from = -50 + rng_uniform(&rng) * 1.2 * (double)m.step[m.n - 1];
        double width = rng_uniform(&rng) * (double)m.step[m.n - 1] / n * 2;
        for (int i = 0; i <= n; i++)
            edges[i] = from + i * width;
        series_columns(&s, smoothed, edges, n, got);
        for (int i = 0; i < n; i++) {
            struct span want = {INFINITY, -INFINITY};
            uint32_t first = m.n, end = 0;
            for (uint32_t k = 0; k < m.n; k++) {
                if ((double)m.step[k] < edges[i] || (double)m.step[k] >= edges[i + 1])
                    continue;
                first = k < first ? k : first;
                end = k + 1;
                if (isfinite(curve[k])) {
                    want.min = fminf(want.min, (float)curve[k]);
                    want.max = fmaxf(want.max, (float)curve[k]);
                }
            }
            if (end == 0) {
                assert_int_equal(got[i].first, got[i].end);
                continue;
            }
            assert_int_equal(got[i].first, first);
            assert_int_equal(got[i].end, end);
            assert_true(same(got[i].span.min, want.min) && same(got[i].span.max, want.max));
            assert_true(same(got[i].first_value, (float)curve[first]) &&
                        same(got[i].last_value, (float)curve[end - 1]));
        }
        series_fini(&s);
    }
}

static void odd_points_are_refused_or_limited(void **state)
{
    struct series s;
    series_init(&s);
    series_add(&s, -1, 1);
    series_add(&s, STEP_MAX + 1, 1);
    assert_int_equal(s.n_refused, 2);
    series_add(&s, STEP_MAX, 1e300);
    assert_true(isfinite(series_value(&s, 0)));
    series_add(&s, 0, -1e300); // a run that began again
    assert_int_equal(s.n, 1);
    assert_true(series_value(&s, 0) < 0 && isfinite(series_value(&s, 0)));
    series_fini(&s);
}

// Bar Q10: 16 runs x 6 metrics x 100000 points within 64 MB leaves 6.6 bytes a point, of which the program and
// the readers want some.
static void a_point_takes_about_five_bytes(void **state)
{
    struct series s;
    series_init(&s);
    series_set_smoothing(&s, SMOOTH_EMA, 0.6, 1);
    for (int i = 0; i < 100000; i++)
        series_add(&s, i * 10, sin(i * 0.001));
    print_message("          %.2f bytes a point\n", (double)series_bytes(&s) / s.n);
    assert_true(series_bytes(&s) < 540000);
    series_fini(&s);
}

// The window's own definition, by all points: sums over those that are near enough.
static double plain_window(const struct model *m, uint32_t i, enum smooth_kind kind, double width)
{
    double sum = 0, mass = 0;
    for (uint32_t k = 0; k < m->n; k++) {
        const double d = fabs((double)(m->step[k] - m->step[i]));
        const double weight =
            kind == SMOOTH_GAUSSIAN ? (d <= 4 * width ? exp(-d * d / (2 * width * width)) : 0) : d <= width / 2;
        if (!isfinite(m->value[k]))
            continue;
        sum += weight * m->value[k];
        mass += weight;
    }
    return mass > 0 ? sum / mass : NAN;
}

static void check_window(const struct series *s, const struct model *m, enum smooth_kind kind, double width, struct rng *rng)
{
    enum { COLUMNS = 60 };
    struct series_column columns[COLUMNS];
    double edges[COLUMNS + 1];
    const double end = (double)m->step[m->n - 1] + 2;
    assert_true(series_is_smooth(s));
    for (uint32_t i = 0; i < m->n; i += 1 + (uint32_t)rng_below(rng, 5)) {
        const double want = plain_window(m, i, kind, width);
        assert_true(isnan(want) ? isnan(series_smoothed(s, i))
                                : fabs(series_smoothed(s, i) - want) <= 1e-6 * (1 + fabs(want)) * 100);
    }
    for (int i = 0; i <= COLUMNS; i++)
        edges[i] = end * i / COLUMNS;
    series_columns(s, true, edges, COLUMNS, columns);
    for (int i = 0; i < COLUMNS; i++) {
        struct span span = SPAN_EMPTY;
        for (uint32_t k = columns[i].first; k < columns[i].end; k++)
            span = span_add(span, (float)series_smoothed(s, k));
        assert_true(span.min == columns[i].span.min && span.max == columns[i].span.max);
    }
}

// At once, in pieces, and point by point as a run grows and goes back: always the definition.
static void windows_are_means_around_each_point(void **state)
{
    static struct model m;
    static const double widths[] = {1, 7, 40, 333.5};
    for (int round = 0; round < 32; round++) {
        struct rng rng = rng_make(8, RNG_TEST, (uint32_t)round);
        const enum smooth_kind kind = round % 2 ? SMOOTH_MEAN : SMOOTH_GAUSSIAN;
        const double width = widths[round / 2 % 4];
        struct series s;
        series_init(&s);
        m.n = 0;
        series_set_smoothing(&s, round % 3 ? kind : SMOOTH_EMA, round % 3 ? width : 0.9, 1);
        fill(&s, &m, &rng, 1 + (uint32_t)rng_below(&rng, 900), round % 4);
        series_set_smoothing(&s, kind, width, 1 + rng_uniform(&rng)); // a window has no unit: nothing begins again for it
        while (!series_smooth_some(&s, 1 + (uint32_t)rng_below(&rng, 500)))
            ;
        check_window(&s, &m, kind, width, &rng);
        for (int i = 0; i < 40; i++) {
            const int64_t step = m.step[m.n - 1] + 1 + (int64_t)rng_below(&rng, 9);
            series_add(&s, step, i);
            model_add(&m, step, i);
        }
        check_window(&s, &m, kind, width, &rng); // it has followed by itself
        series_fini(&s);
    }
}

// More curves than there are lanes, of all kinds and lengths: side by side each is, to the bit, what one point after the
// other makes of it.
static void curves_side_by_side_are_smoothed_as_alone(void **state)
{
    enum { CURVES = SMOOTH_LANES + 3 };
    static struct model m[CURVES];
    static const double weights[] = {0.3, 0.95, 0.999};
    for (int round = 0; round < 6; round++) {
        struct series s[CURVES], *all[CURVES];
        const double weight = weights[round % 3];
        for (int k = 0; k < CURVES; k++) {
            struct rng rng = rng_make(31, RNG_TEST, (uint32_t)(round * CURVES + k));
            series_init(&s[k]);
            all[k] = &s[k];
            m[k].n = 0;
            for (int64_t i = 0, n = 1 + (int64_t)rng_below(&rng, MAX - 1); i < n; i++) {
                const double value = k % 3 == 2 && i % 700 == 350 ? NAN : rng_normal(&rng);
                const int64_t step = k % 4 == 3 && i > n / 2 ? 3 * i : i;
                series_add(&s[k], step, value);
                model_add(&m[k], step, value);
            }
            series_set_smoothing(&s[k], SMOOTH_EMA, weight, 1);
        }
        while (!series_smooth_all(all, CURVES, 5000))
            ;
        for (int k = 0; k < CURVES; k++) {
            struct smoother alone;
            smoother_init(&alone, weight, 1);
            struct span leaf = SPAN_EMPTY;
            for (uint32_t i = 0; i < m[k].n; i++) {
                const double want = smoother_add(&alone, (double)m[k].step[i], m[k].value[i]);
                assert_true(series_smoothed(&s[k], i) == want);
                leaf = span_add(leaf, (float)want);
                if (i % PYRAMID_LEAF != PYRAMID_LEAF - 1)
                    continue;
                const struct span got = pyramid_leaves(&s[k].smooth, i / PYRAMID_LEAF, i / PYRAMID_LEAF + 1);
                assert_true(got.min == leaf.min && got.max == leaf.max);
                leaf = SPAN_EMPTY;
            }
            series_fini(&s[k]);
        }
    }
}

// Each level of instructions against one point after the other, with what remains of before the first point and without.
static void check_kernels(const struct smooth_kernels *kernels, int n_curves, double weight, struct rng *rng)
{
    enum { LEAVES = 3, POINTS = LEAVES * SMOOTH_LEAF };
    static float y[SMOOTH_LANES][POINTS], each[SMOOTH_LEAF][SMOOTH_LANES];
    static struct smooth_leaves out;
    struct smooth_lanes l = {.n_curves = n_curves};
    struct smoother alone[SMOOTH_LANES];
    for (int k = 0; k < SMOOTH_LANES; k++) {
        const int from = k < n_curves ? k : 0;
        smoother_init(&alone[k], weight + 0.0001 * k, 1);
        smoother_add(&alone[k], 0, k);
        for (int i = 0; i < POINTS; i++)
            y[k][i] = (float)rng_normal(rng);
        l.y[k] = y[from];
        l.value[k] = alone[from].value;
        l.remain[k] = alone[from].remain;
        l.decay[k] = alone[from].last_decay;
    }
    struct smooth_lanes first_leaf = l;
    kernels->walk(&first_leaf, each);
    kernels->run(&l, LEAVES, &out);
    for (int k = 0; k < n_curves; k++) {
        for (int leaf = 0; leaf < LEAVES; leaf++) {
            struct span span = SPAN_EMPTY;
            assert_true(out.value[leaf][k] == alone[k].value && out.remain[leaf][k] == alone[k].remain);
            for (int i = leaf * SMOOTH_LEAF; i < (leaf + 1) * SMOOTH_LEAF; i++) {
                span = span_add(span, (float)smoother_add(&alone[k], i + 1, y[k][i]));
                assert_true(leaf > 0 || each[i][k] == (float)alone[k].value);
            }
            assert_true(out.low[leaf][k] == span.min && out.high[leaf][k] == span.max);
        }
        assert_true(l.value[k] == alone[k].value && l.remain[k] == alone[k].remain);
    }
}

static void all_levels_of_lanes_say_the_same_bits(void **state)
{
    struct rng rng = rng_make(37, RNG_TEST, 0);
    for (int n = 1; n <= SMOOTH_LANES; n++)
        for (int old = 0; old < 2; old++) {
            check_kernels(&smooth_kernels_plain, n, old ? 0.3 : 0.97, &rng);
#ifdef ATTUNE_X86_LEVELS
            if (__builtin_cpu_supports("avx2"))
                check_kernels(&smooth_kernels_avx2, n, old ? 0.3 : 0.97, &rng);
#endif
        }
}

static void a_constant_stays_what_it_is_in_a_window(void **state)
{
    struct series s;
    series_init(&s);
    series_set_smoothing(&s, SMOOTH_GAUSSIAN, 30, 1);
    for (int i = 0; i < 1000; i++)
        series_add(&s, i * (int64_t)(1 + i % 3) + 2000 * (int64_t)i, i == 500 ? NAN : 0.1);
    for (uint32_t i = 0; i < s.n; i++)
        assert_true(i == 500 ? isnan(series_smoothed(&s, i)) : (float)series_smoothed(&s, i) == 0.1f);
    series_set_smoothing(&s, SMOOTH_MEAN, 20000, 1);
    while (!series_smooth_some(&s, 1000))
        ;
    for (uint32_t i = 0; i < s.n; i++)
        assert_true((float)series_smoothed(&s, i) == 0.1f);
    series_set_smoothing(&s, SMOOTH_EMA, 0.9, 1); // and back: nothing of the window is left
    while (!series_smooth_some(&s, 1000))
        ;
    assert_close(series_smoothed(&s, 999), 0.1, 1e-7);
    series_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_means_around_each_point),
        cmocka_unit_test(a_constant_stays_what_it_is_in_a_window),
        cmocka_unit_test(series_agrees_with_plain_arrays),
        cmocka_unit_test(smoothing_is_tensorboards_on_even_steps),
        cmocka_unit_test(smoothing_is_the_weighted_mean_on_uneven_steps),
        cmocka_unit_test(smoothing_leaves_constants_exact),
        cmocka_unit_test(smoothing_hardly_depends_on_density),
        cmocka_unit_test(smoothing_while_adding_equals_smoothing_at_once),
        cmocka_unit_test(curves_side_by_side_are_smoothed_as_alone),
        cmocka_unit_test(all_levels_of_lanes_say_the_same_bits),
        cmocka_unit_test(columns_are_exact),
        cmocka_unit_test(odd_points_are_refused_or_limited),
        cmocka_unit_test(a_point_takes_about_five_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
