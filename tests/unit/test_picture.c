// Pictures of plots: where lines stand, what is told beside them, both painters, and that nothing from outside becomes
// markup.
#include "config.h"

#include "testing.h"

#ifdef HAVE_CAIRO
#include <cairo.h>
#endif

#include "ui/curves/curves_picture.h"
#include "ui/term/palette.h"
#include "ui/plot/picture.h"

static struct series straight(int64_t steps, double slope)
{
    struct series s;
    series_init(&s);
    for (int64_t i = 0; i <= steps; i++)
        series_add(&s, i, slope * (double)i);
    return s;
}

static struct plot plot_of(const struct plot_line *lines, int n, const char *title)
{
    return (struct plot){
        .title = title, .empty = "nothing", .lines = lines, .n_lines = n, .x0 = 0, .x1 = 100, .cursor = NAN};
}

static char *paint(const struct plot *plots, int n, enum theme theme, int width, int height)
{
    struct str out = {0};
    const struct picture picture = {.title = "", .note = "", .plots = plots, .n_plots = n};
    struct painter p = {.ops = &painter_svg, .out = &out, .theme = theme, .width = width, .height = height};
    assert_ok(picture_paint(&picture, &p, e));
    return str_take(&out);
}

// The n-th point of the first path behind `from` that has this class, in pixels.
static struct point path_point(const char *svg, const char *class, int n)
{
    struct str tag = {0};
    struct point at;
    str_addf(&tag, "<path class=\"%s\"", class);
    const char *path = strstr(svg, str_text(&tag));
    assert_non_null(path);
    path = strstr(path, " d=\"") + 4;
    for (int i = 0; i < n; i++)
        path += 1 + strcspn(path + 1, "ML\"");
    assert_int_equal(sscanf(path, "%*c%lf %lf", &at.x, &at.y), 2);
    str_fini(&tag);
    return at;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void picture_places_points_where_their_axes_say(void **state)
{
    struct series s = straight(100, 2);
    const struct plot_line line = {.series = &s, .label = "", .letter = 0, .color = COLOR_SERIES};
    const struct plot plot = plot_of(&line, 1, "t");
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    double x, y, width, height;
    const char *clip = strstr(strstr(svg, "<svg") + 4, "<svg x=\"");
    assert_int_equal(sscanf(clip, "<svg x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\"", &x, &y, &width, &height), 4);
    const struct point first = path_point(svg, "l8", 0), half = path_point(svg, "l8", 50), last = path_point(svg, "l8", 100);
    // 0 .. 200 fills the axis; the clip is a pixel larger than the field above, below and at the right.
    assert_close(first.x, x, 0.01);
    assert_close(first.y, y + height - 1, 0.01);
    assert_close(last.x, x + width - 1, 0.01);
    assert_close(last.y, y + 1, 0.01);
    assert_close(half.x, (first.x + last.x) / 2, 0.01);
    assert_close(half.y, (first.y + last.y) / 2, 0.01);
    free(svg);
    series_fini(&s);
}

static void picture_of_a_log_axis_bends_values(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i <= 4; i++)
        series_add(&s, 25 * i, pow(10, i));
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES};
    struct plot plot = plot_of(&line, 1, "t");
    plot.scale = SCALE_LOG;
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    const double step = path_point(svg, "l8", 0).y - path_point(svg, "l8", 1).y;
    for (int i = 1; i < 4; i++)
        assert_close(path_point(svg, "l8", i).y - path_point(svg, "l8", i + 1).y, step, 0.02);
    assert_true(step > 20);
    assert_non_null(strstr(svg, ">log</text>"));
    free(svg);
    series_fini(&s);
}

// Ten times as far is as far again.
static void picture_of_a_log_x_axis_bends_steps(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i <= 3; i++)
        series_add(&s, (int64_t)pow(10, i), 2 * i);
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES};
    struct plot plot = plot_of(&line, 1, "t");
    plot.x0 = 1;
    plot.x1 = 1000;
    plot.x_log = true;
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    const double step = path_point(svg, "l8", 1).x - path_point(svg, "l8", 0).x;
    for (int i = 1; i < 3; i++)
        assert_close(path_point(svg, "l8", i + 1).x - path_point(svg, "l8", i).x, step, 0.02);
    assert_true(step > 100);
    for (int i = 0; i <= 3; i++)
        assert_non_null(strstr(svg, (const char *[]){">1</text>", ">10</text>", ">100</text>", ">1000</text>"}[i]));
    free(svg);
    series_fini(&s);
}

// The band of a mean reaches from the lower edge to the upper one, stands behind the line and breaks where an edge does.
static void picture_shades_the_band_of_a_group(void **state)
{
    struct series mean = straight(100, 1), low, high;
    series_init(&low);
    series_init(&high);
    for (int i = 0; i <= 100; i++) {
        const bool none = i >= 48 && i <= 52;
        series_add(&low, i, none ? NAN : i - 20);
        series_add(&high, i, none ? NAN : i + 20);
    }
    const struct plot_line line = {.series = &mean, .low = &low, .high = &high, .label = "", .color = COLOR_SERIES + 1};
    const struct plot plot = plot_of(&line, 1, "t");
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    assert_int_equal(count(svg, "<polygon class=\"f9 thin\""), 2);
    const char *band = strstr(svg, "<polygon");
    assert_true(band < strstr(svg, "<path class=\"l9\""));
    double x, y, last_x, last_y;
    const char *points = strstr(band, "points=\"") + 8, *end = strchr(points, '"');
    assert_int_equal(sscanf(points, "%lf,%lf", &x, &y), 2);
    while (end[-1] != ' ')
        end--;
    assert_int_equal(sscanf(end, "%lf,%lf", &last_x, &last_y), 2);
    const struct point first = path_point(svg, "l9", 0), last = path_point(svg, "l9", 100);
    const double unit = (first.y - last.y) / 100; // pixels
    assert_close(x, first.x, 0.01);
    assert_close(last_x, first.x, 0.01);
    assert_close((first.y - y) / unit, 20, 0.5);
    assert_close((last_y - first.y) / unit, 20, 0.5);
    free(svg);
    if (painter_has_png()) {
        struct str out = {0};
        const struct picture picture = {.title = "", .note = "", .plots = &plot, .n_plots = 1};
        struct painter p = {.ops = &painter_png, .out = &out, .theme = THEME_LIGHT, .width = 600, .height = 400};
        assert_ok(picture_paint(&picture, &p, e));
        assert_true(out.len > 1000);
        str_fini(&out);
    }
    series_fini(&mean);
    series_fini(&low);
    series_fini(&high);
}

// More points than pixels: every extreme is in the path, and the path is short.
static void picture_keeps_extremes_of_many_points(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i < 100000; i++)
        series_add(&s, i, i == 54321 ? 9 : i == 12345 ? -9 : 0);
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES};
    struct plot plot = plot_of(&line, 1, "t");
    plot.x1 = 100000;
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    double top = 1e9, foot = -1e9, at_top = 0;
    const char *d = strstr(strstr(svg, "<path class=\"l8\""), " d=\"") + 4;
    int n = 0;
    for (; *d != '"'; d += 1 + strcspn(d + 1, "ML\""), n++) {
        double x, y;
        assert_int_equal(sscanf(d, "%*c%lf %lf", &x, &y), 2);
        at_top = y < top ? x : at_top;
        top = fmin(top, y);
        foot = fmax(foot, y);
    }
    const struct point first = path_point(svg, "l8", 0);
    assert_close(foot - first.y, first.y - top, 0.05); // 9 and -9 are as far from 0
    assert_true(foot - top > 200);
    assert_close((at_top - first.x) / (600 - 2 * 14 - 44.6 - 14), 0.54321, 0.01);
    assert_true(n < 4 * 600);
    free(svg);
    series_fini(&s);
}

static void picture_breaks_lines_at_values_that_are_no_numbers(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i <= 10; i++)
        series_add(&s, 10 * i, i == 4 || i == 6 ? NAN : i);
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES + 1};
    const struct plot plot = plot_of(&line, 1, "t");
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    char *path = strstr(strstr(svg, "<path class=\"l9\""), " d=\"") + 4;
    *strchr(path, '"') = ' ';
    char *end = strchr(path, '/');
    *end = '\0';
    assert_int_equal(count(path, "M"), 3);
    assert_int_equal(count(end + 1, "<circle class=\"f9\""), 1);   // the point between the two stands alone
    assert_int_equal(count(end + 1, "<path class=\"l9\""), 2 * 2); // a cross each, at the foot
    assert_non_null(strstr(end + 1, ">2 not finite</text>"));
    free(svg);
    series_fini(&s);
}

static void picture_tells_lines_by_letter_dash_and_color(void **state)
{
    struct series a = straight(100, 1), b = straight(100, 1.001), c = straight(80, 0.5);
    const struct plot_line lines[] = {
        {.series = &a, .label = "one", .value = "100.0", .letter = 'a', .color = COLOR_SERIES, .dash = DASH_SOLID,
         .raised = true},
        {.series = &b, .label = "two", .value = "100.1", .letter = 'b', .color = COLOR_SERIES + 1, .dash = DASH_LONG},
        {.series = &c, .label = "three", .value = "40.00", .letter = 'c', .color = COLOR_SERIES + 2, .dash = DASH_MIXED}};
    const struct plot plot = plot_of(lines, 3, "t");
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    assert_non_null(strstr(svg, "<path class=\"l9\" stroke-width=\"1.6\" stroke-dasharray=\"9 3\" d=\"M"));
    assert_non_null(strstr(svg, "<path class=\"l10\" stroke-width=\"1.6\" stroke-dasharray=\"9 3 3 3\" d=\"M"));
    assert_non_null(strstr(svg, "<path class=\"l8\" stroke-width=\"2.2\" d=\"M")); // the raised one
    const char *field = strstr(svg, "<svg x="); // in it the raised one lies over the others
    assert_true(strstr(field, "class=\"l8\"") > strstr(field, "class=\"l10\""));
    double ya = 0, yb = 0;
    const char *at = strstr(svg, "</svg>\n"); // behind the curves
    for (int k = 0; k < 2; k++) {
        struct str tag = {0};
        str_addf(&tag, ">%c</text>", 'a' + k);
        const char *text = strstr(at, str_text(&tag));
        assert_non_null(text);
        while (strncmp(text, " y=\"", 4) != 0)
            text--;
        *(k ? &yb : &ya) = atof(text + 4);
        str_fini(&tag);
    }
    assert_true(fabs(ya - yb) >= 11); // letters of lines that end together do not
    assert_non_null(strstr(svg, ">three</text>"));
    free(svg);
    series_fini(&a);
    series_fini(&b);
    series_fini(&c);
}

static void picture_draws_raw_values_faintly_behind_smoothed_ones(void **state)
{
    struct series s;
    series_init(&s);
    for (int i = 0; i <= 100; i++)
        series_add(&s, i, i % 2);
    series_set_smoothing(&s, SMOOTH_EMA, 0.9, 1);
    assert_true(series_smooth_some(&s, 1000));
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES};
    struct plot plot = plot_of(&line, 1, "t");
    plot.weight = 0.9;
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    const char *faint = strstr(svg, "<path class=\"l8 faint\""), *line_at = strstr(svg, "<path class=\"l8\"");
    assert_true(faint && faint < line_at);
    const struct point zero = path_point(svg, "l8 faint", 0), one = path_point(svg, "l8 faint", 1);
    for (int i = 0; i < 100; i += 9) // the very numbers of the smoothing
        assert_close(path_point(svg, "l8", i).y, zero.y + (one.y - zero.y) * series_smoothed(&s, (uint32_t)i), 0.02);
    plot.lines_only = true;
    free(svg);
    svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    assert_null(strstr(svg, "<path class=\"l8 faint\""));
    free(svg);
    series_fini(&s);
}

static void picture_makes_no_markup_of_text_from_outside(void **state)
{
    struct series s = straight(10, 1);
    const struct plot_line line = {
        .series = &s, .label = "<b>&\x1b\xff\xef\xbf\xbf", .value = "\"'", .letter = '<', .color = COLOR_SERIES};
    const struct plot plot = plot_of(&line, 1, "</title><script>alert(1)</script>");
    char *svg = paint(&plot, 1, THEME_LIGHT, 600, 400);
    assert_null(strstr(svg, "<script"));
    assert_non_null(strstr(svg, "&lt;/title&gt;&lt;script&gt;"));
    assert_non_null(strstr(svg, "&lt;b&gt;&amp;^[\xef\xbf\xbd\xef\xbf\xbd"));
    assert_non_null(strstr(svg, "&quot;&#39;"));
    assert_null(strchr(svg, 0x1b));
    free(svg);
    series_fini(&s);
}

static void picture_has_room_for_many_and_for_none(void **state)
{
    struct series s = straight(100, 1), none;
    series_init(&none);
    struct plot_line lines[RASTER_LINES];
    for (int i = 0; i < RASTER_LINES; i++)
        lines[i] = (struct plot_line){.series = &s, .label = "a long name of a run", .value = "100.0", .letter = 'a',
                                      .color = (uint8_t)(COLOR_SERIES + i % 16)};
    const struct plot_line empty = {.series = &none, .label = ""};
    struct plot plots[12];
    for (int i = 0; i < 12; i++)
        plots[i] = i == 5 ? plot_of(&empty, 1, "empty") : plot_of(lines, RASTER_LINES, "many");
    const int sizes[][2] = {{200, 200}, {300, 8000}, {8000, 300}, {1060, 900}};
    for (int k = 0; k < 4; k++) {
        char *svg = paint(plots, 12, THEME_AUTO, sizes[k][0], sizes[k][1]);
        assert_int_equal(count(svg, "<svg"), count(svg, "</svg>"));
        assert_int_equal(count(svg, "<text"), count(svg, "</text>"));
        assert_null(strstr(svg, "nan"));
        free(svg);
    }
    char *svg = paint(plots, 12, THEME_AUTO, 1060, 1200);
    assert_non_null(strstr(svg, ">nothing</text>"));
    assert_int_equal(count(svg, "@media(prefers-color-scheme:dark)"), 1);
    assert_true(count(svg, ">+") > 0); // how many names had no room
    free(svg);
    svg = paint(NULL, 0, THEME_DARK, 300, 300);
    assert_non_null(strstr(svg, "</svg>"));
    free(svg);
    series_fini(&s);
}

// The whole file, byte by byte: who changes how pictures look sees the difference.
static void picture_is_the_kept_one(void **state)
{
    struct series s, t;
    series_init(&s);
    series_init(&t);
    for (int i = 0; i <= 100; i++) {
        series_add(&s, i, i == 60 ? INFINITY : 0.7 * exp(-0.03 * i) + 0.02 * (i % 3));
        if (i % 10 == 0)
            series_add(&t, i, 0.6 * exp(-0.02 * i));
    }
    struct series *both[] = {&s, &t};
    for (int i = 0; i < 2; i++) {
        series_set_smoothing(both[i], SMOOTH_EMA, 0.8, 1);
        series_smooth_some(both[i], 1000);
    }
    const struct plot_line lines[] = {
        {.series = &s, .label = "train", .value = "0.0349", .letter = 't', .color = COLOR_SERIES},
        {.series = &t, .label = "held-out", .value = "0.0812", .letter = 'h', .color = COLOR_SERIES + 1}};
    const struct plot_mark marks[] = {{50, NULL, MARK_CHECKPOINT}, {30, NULL, MARK_CONTROL}, {60, NULL, MARK_TROUBLE}};
    struct plot plots[] = {plot_of(lines, 2, "loss"), plot_of(lines, 1, "loss")};
    plots[0].marks = marks;
    plots[0].n_marks = 3;
    plots[0].weight = plots[1].weight = 0.8;
    plots[1].scale = SCALE_LOG;
    char *svg = paint(plots, 2, THEME_AUTO, 800, 300), *path = test_source("tests/golden/plot.svg"), *kept = NULL;
    size_t n = 0;
    if (getenv("ATTUNE_UPDATE_SCREENS"))
        assert_ok(file_write(path, svg, strlen(svg), e));
    assert_ok(file_read(path, 1 << 20, &kept, &n, e));
    assert_string_equal(svg, kept);
    free(svg);
    free(kept);
    free(path);
    series_fini(&s);
    series_fini(&t);
}

#ifdef HAVE_CAIRO

struct cursor {
    const struct str *bytes;
    size_t at;
};

static cairo_status_t give(void *from, unsigned char *out, unsigned n)
{
    struct cursor *c = from;
    if (c->bytes->len - c->at < n)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(out, c->bytes->data + c->at, n);
    c->at += n;
    return CAIRO_STATUS_SUCCESS;
}

static uint32_t pixel(cairo_surface_t *s, int x, int y)
{
    return *(uint32_t *)(cairo_image_surface_get_data(s) + y * cairo_image_surface_get_stride(s) + 4 * x) & 0xffffff;
}

static void picture_of_pixels_has_the_same_lines(void **state)
{
    struct series s = straight(100, 0);
    const struct plot_line line = {.series = &s, .label = "", .color = COLOR_SERIES + 1, .raised = true};
    const struct plot plot = plot_of(&line, 1, "t");
    char *svg = paint(&plot, 1, THEME_LIGHT, 640, 420);
    const struct point middle = path_point(svg, "l9", 50);
    for (int dark = 0; dark < 2; dark++) {
        struct str out = {0};
        const struct picture picture = {.title = "", .note = "", .plots = &plot, .n_plots = 1};
        struct painter p = {
            .ops = &painter_png, .out = &out, .theme = dark ? THEME_DARK : THEME_LIGHT, .width = 640, .height = 420};
        assert_ok(picture_paint(&picture, &p, e));
        struct cursor c = {&out, 0};
        cairo_surface_t *back = cairo_image_surface_create_from_png_stream(give, &c);
        assert_int_equal(cairo_surface_status(back), 0);
        assert_int_equal(cairo_image_surface_get_width(back), 640);
        assert_int_equal(cairo_image_surface_get_height(back), 420);
        assert_int_equal(pixel(back, 1, 1), palette_paper(dark));
        assert_int_equal(pixel(back, (int)middle.x, (int)middle.y), palette_ink(COLOR_SERIES + 1, dark));
        assert_int_equal(pixel(back, (int)middle.x, (int)middle.y - 20), palette_paper(dark));
        cairo_surface_destroy(back);
        str_fini(&out);
    }
    free(svg);
    series_fini(&s);
}

#else

static void picture_of_pixels_has_the_same_lines(void **state)
{
    struct str out = {0};
    struct err fault = {0};
    const struct picture picture = {.title = "", .note = ""};
    struct painter p = {.ops = &painter_png, .out = &out, .width = 640, .height = 420};
    assert_int_equal(picture_paint(&picture, &p, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.text, "libcairo2-dev"));
    assert_false(painter_has_png());
}

#endif

static void palette_has_the_terminals_colors(void **state)
{
    assert_int_equal(palette_ink(COLOR_SERIES, false), 0x005faf);     // 25
    assert_int_equal(palette_ink(COLOR_SERIES + 1, true), 0xff0000);  // 196
    assert_int_equal(palette_ink(COLOR_SERIES + 3, true), 0x808080);  // 244
    assert_int_equal(palette_ink(COLOR_SERIES + 16, true), palette_ink(COLOR_SERIES, true));
    assert_ptr_equal(curves_painter("a.b/plot.svg"), &painter_svg);
    assert_ptr_equal(curves_painter("plot.png"), &painter_png);
    assert_null(curves_painter("plot.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picture_places_points_where_their_axes_say),
        cmocka_unit_test(picture_of_a_log_axis_bends_values),
        cmocka_unit_test(picture_of_a_log_x_axis_bends_steps),
        cmocka_unit_test(picture_shades_the_band_of_a_group),
        cmocka_unit_test(picture_keeps_extremes_of_many_points),
        cmocka_unit_test(picture_breaks_lines_at_values_that_are_no_numbers),
        cmocka_unit_test(picture_tells_lines_by_letter_dash_and_color),
        cmocka_unit_test(picture_draws_raw_values_faintly_behind_smoothed_ones),
        cmocka_unit_test(picture_makes_no_markup_of_text_from_outside),
        cmocka_unit_test(picture_has_room_for_many_and_for_none),
        cmocka_unit_test(picture_is_the_kept_one),
        cmocka_unit_test(picture_of_pixels_has_the_same_lines),
        cmocka_unit_test(palette_has_the_terminals_colors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
