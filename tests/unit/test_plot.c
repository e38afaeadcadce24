// Traces and whole charts: properties for random input, and charts kept as text.
#include "config.h"

#include <time.h>

#include "random_limit.h"
#include "testing.h"

#include "ui/plot/plot.h"
#include "ui/plot/trace.h"

// ---- traces ----

// Every column of dots must hold exactly the points that round into it and the lines between neighbours.
static void trace_covers_points_and_lines(void **state)
{
    static double edges[400];
    static struct series_column columns[400];
    static struct trace_span got[400];
    for (int round = 0; round < 100; round++) {
        struct rng rng = rng_make(24, RNG_TEST, (uint32_t)round);
        struct series s;
        series_init(&s);
        int n = 1 + (int)rng_below(&rng, round % 2 ? 20 : 3000);
        int64_t step = 0;
        for (int i = 0; i < n; i++) {
            series_add(&s, step, rng_below(&rng, 30) ? rng_normal(&rng) : NAN);
            step += 1 + (int64_t)rng_below(&rng, 9);
        }
        struct axis y;
        axis_fit(&y, SCALE_LINEAR, -3, 3);
        struct trace_view v = {2 + (int)rng_below(&rng, 300), 100, 0, 0, &y, false};
        v.x0 = rng_uniform(&rng) * (double)step * 0.3;
        v.x1 = v.x0 + 1 + rng_uniform(&rng) * (double)step;
        trace_curve(&s, false, NULL, &v, got, columns, edges);
        for (int d = 0; d < v.width; d++) {
            double low = INFINITY, high = -INFINITY;
            for (uint32_t i = 0; i < s.n; i++) {
                double x = trace_x(&v, (double)series_step(&s, i)), value = trace_y(&v, series_value(&s, i));
                if (x >= d - 0.5 && x < d + 0.5 && isfinite(value)) {
                    low = fmin(low, value);
                    high = fmax(high, value);
                }
                if (i + 1 == s.n || !isfinite(value) || !isfinite(series_value(&s, i + 1)))
                    continue;
                double x2 = trace_x(&v, (double)series_step(&s, i + 1)), value2 = trace_y(&v, series_value(&s, i + 1));
                double left = fmax(x, d - 0.5), right = fmin(x2, d + 0.5);
                if (left > right)
                    continue;
                for (int end = 0; end < 2; end++) {
                    double at = value + (value2 - value) * ((end ? right : left) - x) / (x2 - x);
                    low = fmin(low, at);
                    high = fmax(high, at);
                }
            }
            if (low > high) {
                assert_true(got[d].low > got[d].high);
            } else {
                assert_close(got[d].low, low, 1e-3);
                assert_close(got[d].high, high, 1e-3);
            }
        }
        series_fini(&s);
    }
}

static void map_goes_from_steps_to_seconds_and_back(void **state)
{
    struct series seconds, speed;
    series_init(&seconds);
    series_init(&speed);
    struct x_map time = {0}, tokens = {0};
    for (int step = 1; step <= 1000; step++) {
        series_add(&seconds, step, step <= 500 ? 0.5 : 2);
        if (step % 10 == 1)
            series_add(&speed, step, 100);
        if (step % 100 == 0) {
            x_map_update(&time, &seconds, NULL);
            x_map_update(&tokens, &seconds, &speed);
        }
    }
    assert_close(x_map_value(&time, 500), 250, 1e-3);
    assert_close(x_map_value(&time, 1000), 1250, 1e-3);
    assert_close(x_map_value(&time, 1100), 1450, 1e-3); // goes on as it was
    assert_close(x_map_value(&tokens, 1000), 125000, 0.5);
    for (double step = 0; step < 1200; step += 17)
        assert_close(x_map_step(&time, x_map_value(&time, step)), step, 1e-6);
    series_add(&seconds, 400, 1); // back to a checkpoint
    x_map_update(&time, &seconds, NULL);
    assert_close(x_map_value(&time, 400), 199.5 + 1, 1e-3);
    x_map_fini(&time);
    x_map_fini(&tokens);
    series_fini(&seconds);
    series_fini(&speed);
}

// ---- charts ----

struct chart {
    struct series series[16];
    struct plot_line lines[16];
    struct plot plot;
};

static void chart_init(struct chart *c, int n, int points)
{
    static const char *const labels[] = {"dpo-1", "dpo-2", "sft-1", "rm-1"}, *const values[] = {"0.98", "1.47", "1.96",
                                                                                                "0.1"};
    *c = (struct chart){0};
    for (int k = 0; k < n; k++) {
        struct rng rng = rng_make(31, RNG_TEST, (uint32_t)k);
        series_init(&c->series[k]);
        for (int i = 0; i < points; i++) {
            double x = (double)i / points;
            series_add(&c->series[k], i, (1 + 0.5 * k) * (1 - exp(-4 * x)) + 0.1 * (rng_uniform(&rng) - 0.5));
        }
        c->lines[k] = (struct plot_line){.series = &c->series[k], .label = labels[k % 4], .letter = (char)('a' + k),
                                         .color = (uint8_t)(COLOR_SERIES + k), .value = values[k % 4],
                                         .dash = (enum dash)(k % DASH_N)};
    }
    c->plot = (struct plot){.title = "rewards/margins", .empty = "waiting for the first point", .lines = c->lines,
                            .n_lines = n, .x1 = points, .cursor = NAN};
}

static void chart_fini(struct chart *c)
{
    for (int k = 0; k < c->plot.n_lines; k++)
        series_fini(&c->series[k]);
}

static struct plot_result draw(const struct plot *p, int width, int height, enum glyphs glyphs, struct str *out)
{
    struct canvas c;
    canvas_init(&c, width, height, glyphs, glyphs != GLYPHS_ASCII);
    struct plot_result result;
    plot_draw(p, &c, canvas_area(&c), &result);
    if (out)
        canvas_save(&c, false, out);
    canvas_fini(&c);
    return result;
}

// The kept text; with ATTUNE_KEEP=1 it is written anew, to be looked at before it is committed.
static void check_kept(const struct str *got, const char *name)
{
    struct str file = {0};
    str_addf(&file, "tests/golden/%s", name);
    char *path = test_source(str_text(&file)), *want = NULL;
    size_t n_bytes = 0;
    if (getenv("ATTUNE_KEEP"))
        assert_ok(file_write(path, got->data, got->len, e));
    assert_ok(file_read(path, 1 << 20, &want, &n_bytes, e));
    if (strcmp(want, str_text(got)) != 0)
        fail_msg("%s: the chart is\n%s\nbut should be\n%s", name, str_text(got), want);
    free(want);
    free(path);
    str_fini(&file);
}

static void charts_look_as_kept(void **state)
{
    static const struct {
        enum glyphs glyphs;
        const char *name;
    } modes[] = {{GLYPHS_BRAILLE, "braille"}, {GLYPHS_BLOCK, "block"}, {GLYPHS_ASCII, "ascii"}};
    for (int m = 0; m < 3; m++) {
        struct chart c;
        struct str out = {0};
        chart_init(&c, 3, 900);
        c.plot.x1 = 1000;
        draw(&c.plot, 60, 14, modes[m].glyphs, &out);
        // Smoothed, with the raw values behind, something wrong, a change, checkpoints and the cursor.
        for (int k = 0; k < 3; k++) {
            series_add(&c.series[k], 910, k == 1 ? NAN : 1);
            series_set_smoothing(&c.series[k], SMOOTH_EMA, 0.95, 1);
            series_smooth_some(&c.series[k], UINT32_MAX);
        }
        const struct plot_mark marks[] = {
            {300, NULL, MARK_CONTROL}, {250, NULL, MARK_CHECKPOINT}, {500, NULL, MARK_CHECKPOINT}};
        c.plot.weight = 0.95;
        c.plot.marks = marks;
        c.plot.n_marks = 3;
        c.plot.cursor = 700;
        c.plot.clip = (struct clip){1, 1};
        c.plot.focused = true;
        c.lines[1].raised = true;
        draw(&c.plot, 60, 14, modes[m].glyphs, &out);
        c.plot.scale = SCALE_LOG;
        c.plot.x0 = 880;
        c.plot.x1 = 900;
        draw(&c.plot, 40, 9, modes[m].glyphs, &out);
        chart_fini(&c);
        struct str name = {0};
        str_addf(&name, "chart-%s.txt", modes[m].name);
        check_kept(&out, str_text(&name));
        str_fini(&name);
        str_fini(&out);
    }
}

// Guides stand at the numbers of the vertical axis, and only where nothing else does.
static void guides_stand_at_the_numbers_and_hide_nothing(void **state)
{
    struct chart c;
    chart_init(&c, 2, 400);
    c.plot.cursor = 200;
    for (int g = GUIDES_LINES; g < GUIDES_N; g++) {
        struct str bare = {0}, guided = {0};
        int n = 0, at_ticks = 0;
        c.plot.guides = GUIDES_OFF;
        draw(&c.plot, 60, 14, GLYPHS_ASCII, &bare);
        c.plot.guides = (enum guides)g;
        draw(&c.plot, 60, 14, GLYPHS_ASCII, &guided);
        assert_int_equal(bare.len, guided.len);
        for (size_t i = 0, line = 0; i < bare.len; i++) {
            line = i > 0 && bare.data[i - 1] == '\n' ? i : line;
            at_ticks += i == line && line + 7 < bare.len && bare.data[line + 6] == '+' && bare.data[line + 5] != ' ';
            if (bare.data[i] == guided.data[i])
                continue;
            assert_int_equal(bare.data[i], ' ');
            assert_int_equal(guided.data[i], g == GUIDES_LINES ? '-' : '.');
            assert_int_equal(bare.data[line + 6], '+');
            n++;
        }
        // A line has 52 columns; the curves cover few of them.
        assert_true(at_ticks >= 3);
        assert_in_range(n, at_ticks * (g == GUIDES_LINES ? 52 : 13) / 3, at_ticks * (g == GUIDES_LINES ? 52 : 13));
        str_fini(&bare);
        str_fini(&guided);
    }
    chart_fini(&c);
}

// The line of an axis' labels: the last but one of a chart.
static void axis_line(const struct plot *p, char *line, size_t size)
{
    struct str out = {0};
    draw(p, 41, 10, GLYPHS_ASCII, &out);
    char *end = strrchr(out.data, '|'), *begin = end;
    while (begin > out.data && begin[-1] != '\n')
        begin--;
    snprintf(line, size, "%.*s", (int)(end - begin), begin);
    str_fini(&out);
}

static void marks_leave_the_digits_of_the_axis(void **state)
{
    struct chart c;
    chart_init(&c, 1, 100);
    char bare[200], marked[200];
    axis_line(&c.plot, bare, sizeof bare);
    assert_non_null(strstr(bare, "+50"));
    struct plot_mark mark = {0, NULL, MARK_CONTROL};
    c.plot.marks = &mark;
    c.plot.n_marks = 1;
    for (; mark.step <= 100; mark.step++) {
        axis_line(&c.plot, marked, sizeof marked);
        assert_int_equal(strlen(marked), strlen(bare));
        int n = 0;
        for (size_t i = 0; bare[i]; i++) {
            n += marked[i] == '*';
            assert_true(marked[i] == bare[i] || (marked[i] == '*' && strchr("+-", bare[i])));
        }
        assert_int_equal(n, 1);
    }
    chart_fini(&c);
}

static void charts_draw_any_data_at_any_size(void **state)
{
    struct rng rng = rng_make(32, RNG_TEST, 0);
    for (int round = 0; round < 1500; round++) {
        struct chart c;
        chart_init(&c, 1 + (int)rng_below(&rng, 4), (int)rng_below(&rng, 3));
        for (int k = 0; k < c.plot.n_lines; k++) {
            int n = (int)rng_below(&rng, 50);
            for (int i = 0; i < n; i++)
                series_add(&c.series[k], (int64_t)rng_below(&rng, 2000), rng_below(&rng, 3) ? random_limit(&rng) : NAN);
            series_set_smoothing(&c.series[k], SMOOTH_EMA, rng_below(&rng, 2) ? 0.5 : 0, 1 + rng_uniform(&rng));
            series_smooth_some(&c.series[k], (uint32_t)rng_below(&rng, 60));
        }
        c.plot.x0 = rng_uniform(&rng) * 1000;
        c.plot.x1 = c.plot.x0 + rng_uniform(&rng) * 2000 + 1e-3;
        c.plot.scale = (enum scale)rng_below(&rng, 3);
        c.plot.x_kind = (enum x_kind)rng_below(&rng, 3);
        c.plot.clip.low = c.plot.clip.high = rng_below(&rng, 2);
        c.plot.weight = rng_below(&rng, 2) ? 0.5 : 0;
        c.plot.guides = (enum guides)rng_below(&rng, GUIDES_N);
        c.plot.cursor = rng_below(&rng, 2) ? NAN : rng_uniform(&rng) * 2000;
        draw(&c.plot, 1 + (int)rng_below(&rng, 120), 1 + (int)rng_below(&rng, 40), (enum glyphs)rng_below(&rng, 3),
             NULL);
        chart_fini(&c);
    }
}

static void chart_counts_what_it_does_not_show(void **state)
{
    struct chart c;
    chart_init(&c, 1, 1000);
    series_add(&c.series[0], 1000, 1e6);
    series_add(&c.series[0], 1001, NAN);
    series_add(&c.series[0], 1002, -1e6);
    c.plot.x1 = 1500;
    struct str out = {0};
    struct plot_result r = draw(&c.plot, 60, 12, GLYPHS_ASCII, NULL);
    assert_int_equal(r.n_outside, 0);
    c.plot.clip = (struct clip){1, 1};
    r = draw(&c.plot, 60, 12, GLYPHS_ASCII, &out);
    assert_int_equal(r.n_points, 1003);
    assert_int_equal(r.n_bad, 1);
    assert_true(r.n_outside >= 2 && r.n_outside <= 22 && r.y.high < 2);
    assert_non_null(strstr(str_text(&out), "outside"));
    assert_non_null(strstr(str_text(&out), "1 not finite"));
    str_fini(&out);
    chart_fini(&c);
}

static void outliers_of_each_side_are_left_out_apart(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i < 200; i++)
        series_add(&s, i, (i * 37) % 200); // each of 0 .. 199 once
    const struct plot_line line = {.series = &s, .label = "x"};
    struct plot p = {.lines = &line, .n_lines = 1, .x0 = 0, .x1 = 200, .clip = {10, 0}};
    assert_true(plot_span(&p).min == 20 && plot_span(&p).max == 199);
    p.clip = (struct clip){0, 2};
    assert_true(plot_span(&p).min == 0 && plot_span(&p).max == 195);
    p.clip = (struct clip){25, 50};
    assert_true(plot_span(&p).min == 50 && plot_span(&p).max == 99);
    series_fini(&s);
}

// A smoothed curve ends where the points end.
static void nothing_is_drawn_beyond_the_last_point(void **state)
{
    struct chart c;
    chart_init(&c, 1, 100);
    series_set_smoothing(&c.series[0], SMOOTH_EMA, 0.9, 1);
    series_smooth_some(&c.series[0], 1000);
    c.lines[0].letter = 0;
    c.plot.weight = 0.9;
    c.plot.x1 = 200;
    struct canvas k;
    canvas_init(&k, 100, 20, GLYPHS_BRAILLE, true);
    struct plot_result r;
    plot_draw(&c.plot, &k, canvas_area(&k), &r);
    int last = 0;
    for (int y = 0; y < r.field.height; y++)
        for (int x = 0; x < r.field.width; x++)
            if (canvas_cell(&k, r.field.x + x, r.field.y + y)->code[0] != ' ')
                last = x > last ? x : last;
    assert_int_equal(last, lrint(99.0 / 200 * (2 * r.field.width - 1)) / 2);
    canvas_fini(&k);
    chart_fini(&c);
}

// By the logarithm every factor takes as much room, and what is before the first step has no place.
static void a_logarithmic_x_axis_gives_factors_equal_room(void **state)
{
    static double edges[200];
    static struct series_column columns[200];
    static struct trace_span got[200];
    struct axis y;
    axis_fit(&y, SCALE_LINEAR, 0, 10);
    struct trace_view v = {101, 100, 0, 10000, &y, true};
    assert_close(trace_x(&v, 1), 0, 1e-9);
    assert_close(trace_x(&v, 10), 25, 1e-9);
    assert_close(trace_x(&v, 100), 50, 1e-9);
    assert_close(trace_x(&v, 10000), 100, 1e-9);
    assert_true(trace_x(&v, 0) < -1000);
    struct series s;
    series_init(&s);
    series_add(&s, 0, 9); // nowhere, and no line comes from it
    series_add(&s, 10, 1);
    series_add(&s, 100, 5);
    trace_curve(&s, false, NULL, &v, got, columns, edges);
    for (int i = 0; i < v.width; i++)
        assert_true((got[i].low <= got[i].high) == (i >= 25 && i <= 50));
    assert_close(got[25].low, trace_y(&v, 1), 0.2);
    assert_close(got[50].high, trace_y(&v, 5), 1e-3);
    v.x0 = 100;
    assert_close(trace_x(&v, 1000), 50, 1e-9);
    series_fini(&s);
    struct ticks t;
    axis_ticks_log(0, 10000, 6, false, &t);
    assert_string_equal(t.at[0].label, "1");
    assert_string_equal(t.at[t.n - 1].label, "10k");
    axis_ticks_log(0, 10000, 6, true, &t);
    assert_string_equal(t.at[2].label, "100s");
    assert_string_equal(t.at[3].label, "17m");
}

// A mean with its band, a fork, a range and a run that is dim: each is to be told in plain letters as well.
static void bands_forks_and_ranges_look_as_kept(void **state)
{
    struct chart c;
    struct series low, high;
    struct str out = {0};
    chart_init(&c, 2, 300);
    series_init(&low);
    series_init(&high);
    for (uint32_t i = 0; i < c.series[0].n; i++) {
        series_add(&low, i, series_value(&c.series[0], i) - 0.3);
        series_add(&high, i, series_value(&c.series[0], i) + 0.2);
    }
    c.lines[0].low = &low;
    c.lines[0].high = &high;
    c.lines[1].dim = true;
    const struct plot_mark marks[] = {{100, NULL, MARK_CHECKPOINT}, {100, NULL, MARK_FORK}};
    c.plot.marks = marks;
    c.plot.n_marks = 2;
    c.plot.cursor = 250;
    c.plot.has_range = true;
    c.plot.other_end = 180;
    struct plot_result r = draw(&c.plot, 60, 14, GLYPHS_ASCII, &out);
    assert_true(r.y.low <= -0.3); // the band is part of the range
    draw(&c.plot, 60, 14, GLYPHS_BRAILLE, &out);
    c.plot.x_log = true;
    draw(&c.plot, 60, 14, GLYPHS_BRAILLE, &out);
    const struct span fixed = {-5, 5};
    c.plot.range = &fixed;
    r = draw(&c.plot, 60, 14, GLYPHS_ASCII, NULL);
    assert_true(r.y.low <= -5 && r.y.high >= 5);
    c.plot.range = NULL;
    c.plot.x1 = 1; // nothing to take a logarithm of
    draw(&c.plot, 60, 14, GLYPHS_ASCII, NULL);
    check_kept(&out, "chart-compare.txt");
    str_fini(&out);
    series_fini(&low);
    series_fini(&high);
    chart_fini(&c);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// Bar Q8 with room for a slow or busy machine, three times the bar as elsewhere: 16 x 100000 points at 200 x 50 in 8 ms.
// ATTUNE_BARS=whole: the bar itself. Processor time, so that others on the machine count little.
static void sixteen_long_runs_draw_fast(void **state)
{
    static struct chart c;
    chart_init(&c, 16, 100000);
    for (int k = 0; k < 16; k++) {
        series_set_smoothing(&c.series[k], SMOOTH_EMA, 0.9, 1);
        series_smooth_some(&c.series[k], UINT32_MAX);
    }
    c.plot.weight = 0.9;
    double best = 1e9;
    for (int i = 0; i < 7; i++) {
        double start = cpu_seconds();
        draw(&c.plot, 200, 50, GLYPHS_BRAILLE, NULL);
        best = fmin(best, cpu_seconds() - start);
    }
    print_message("          16 x 100000 points at 200 x 50: %.2f ms\n", best * 1e3);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const double limit = 0.24; // their checks cost most of it
#else
    const char *word = getenv("ATTUNE_BARS");
    const double limit = word && strcmp(word, "whole") == 0 ? 0.008 : 0.024;
#endif
    assert_true(best < limit);
    chart_fini(&c);
}

// A KL of 1e-9 at the first step is rounding: an axis from -2e-9 to 2e-9 would show it as a curve.
static void what_is_rounding_lies_on_the_axis_of_zero(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i < 10; i++)
        series_add(&s, i, (i % 3 - 1) * 4e-7);
    const struct plot_line line = {.series = &s, .label = "train", .letter = 't', .color = COLOR_SERIES};
    struct plot p = {.title = "KL", .lines = &line, .n_lines = 1, .x1 = 10, .cursor = NAN, .noise = 1e-6};
    struct plot_result r = draw(&p, 40, 10, GLYPHS_BRAILLE, NULL);
    assert_true(r.y.high == 1 && r.y.low <= 0 && r.y.low > -0.01);
    series_add(&s, 10, 0.002); // and then it moves
    p.x1 = 11;
    r = draw(&p, 40, 10, GLYPHS_BRAILLE, NULL);
    assert_true(r.y.high < 0.01);
    series_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_rounding_lies_on_the_axis_of_zero),
        cmocka_unit_test(trace_covers_points_and_lines),
        cmocka_unit_test(map_goes_from_steps_to_seconds_and_back),
        cmocka_unit_test(charts_look_as_kept),
        cmocka_unit_test(a_logarithmic_x_axis_gives_factors_equal_room),
        cmocka_unit_test(bands_forks_and_ranges_look_as_kept),
        cmocka_unit_test(guides_stand_at_the_numbers_and_hide_nothing),
        cmocka_unit_test(marks_leave_the_digits_of_the_axis),
        cmocka_unit_test(charts_draw_any_data_at_any_size),
        cmocka_unit_test(chart_counts_what_it_does_not_show),
        cmocka_unit_test(outliers_of_each_side_are_left_out_apart),
        cmocka_unit_test(nothing_is_drawn_beyond_the_last_point),
        cmocka_unit_test(sixteen_long_runs_draw_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
