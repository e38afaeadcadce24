// The colours of runs are told apart by people who see colours otherwise: CIEDE2000 distances of each set, as it is and as
// three deficiencies see it (Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB).
#include "config.h"

#include <math.h>

#include "testing.h"

#include "ui/term/palette.h"

struct lab {
    double l, a, b;
};

static double linear(double part)
{
    return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
}

static double lab_part(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

// From linear sRGB, white D65.
static struct lab lab_of(const double rgb[3])
{
    const double x = 0.4124564 * rgb[0] + 0.3575761 * rgb[1] + 0.1804375 * rgb[2];
    const double y = 0.2126729 * rgb[0] + 0.7151522 * rgb[1] + 0.0721750 * rgb[2];
    const double z = 0.0193339 * rgb[0] + 0.1191920 * rgb[1] + 0.9503041 * rgb[2];
    const double fx = lab_part(x / 0.95047), fy = lab_part(y), fz = lab_part(z / 1.08883);
    return (struct lab){116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)};
}

static double hue(double b, double a)
{
    if (a == 0 && b == 0)
        return 0;
    const double h = atan2(b, a) * 180 / M_PI;
    return h < 0 ? h + 360 : h;
}

// Sharma, Wu and Dalal 2005.
static double distance(struct lab p, struct lab q)
{
    const double rad = M_PI / 180;
    const double mean_c = (hypot(p.a, p.b) + hypot(q.a, q.b)) / 2, c7 = pow(mean_c, 7);
    const double g = 0.5 * (1 - sqrt(c7 / (c7 + pow(25, 7))));
    const double a1 = (1 + g) * p.a, a2 = (1 + g) * q.a;
    const double c1 = hypot(a1, p.b), c2 = hypot(a2, q.b), h1 = hue(p.b, a1), h2 = hue(q.b, a2);
    double dh = c1 * c2 == 0 ? 0 : h2 - h1;
    dh += dh > 180 ? -360 : dh < -180 ? 360 : 0;
    const double d_l = q.l - p.l, d_c = c2 - c1, d_h = 2 * sqrt(c1 * c2) * sin(dh * rad / 2);
    const double l = (p.l + q.l) / 2, c = (c1 + c2) / 2;
    double h = h1 + h2;
    if (c1 * c2 != 0)
        h = fabs(h1 - h2) <= 180 ? h / 2 : h < 360 ? (h + 360) / 2 : (h - 360) / 2;
    const double t = 1 - 0.17 * cos((h - 30) * rad) + 0.24 * cos(2 * h * rad) + 0.32 * cos((3 * h + 6) * rad) -
                     0.20 * cos((4 * h - 63) * rad);
    const double turn = 30 * exp(-pow((h - 275) / 25, 2)), r_c = 2 * sqrt(pow(c, 7) / (pow(c, 7) + pow(25, 7)));
    const double s_l = 1 + 0.015 * pow(l - 50, 2) / sqrt(20 + pow(l - 50, 2)), s_c = 1 + 0.045 * c, s_h = 1 + 0.015 * c * t;
    const double r_t = -sin(2 * turn * rad) * r_c;
    return sqrt(pow(d_l / s_l, 2) + pow(d_c / s_c, 2) + pow(d_h / s_h, 2) + r_t * d_c / s_c * d_h / s_h);
}

static void the_distance_is_that_of_the_paper_s_examples(void **state)
{
    static const struct {
        struct lab p, q;
        double want;
    } cases[] = {
        {{50, 2.6772, -79.7751}, {50, 0, -82.7485}, 2.0425},
        {{50, -1, 2}, {50, 0, 0}, 2.3669},
        {{50, 2.5, 0}, {73, 25, -18}, 27.1492},
        {{60.2574, -34.0099, 36.2677}, {60.4626, -34.1751, 39.4387}, 1.2644},
        {{22.7233, 20.0904, -46.6940}, {23.0331, 14.9730, -42.5619}, 2.0373},
        {{2.0776, 0.0795, -1.1350}, {0.9033, -0.0636, -0.5514}, 0.9082},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fabs(distance(cases[i].p, cases[i].q) - cases[i].want) < 1e-4);
}

static const double visions[4][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
};

static void linear_of(int index, double rgb[3])
{
    const uint32_t packed = palette_rgb(index);
    for (int i = 0; i < 3; i++)
        rgb[i] = linear((packed >> (16 - 8 * i) & 255) / 255.0);
}

static struct lab seen(int index, int vision)
{
    double rgb[3], out[3];
    linear_of(index, rgb);
    for (int i = 0; i < 3; i++) {
        out[i] = 0;
        for (int k = 0; k < 3; k++)
            out[i] += visions[vision][i][k] * rgb[k];
        out[i] = fmin(1, fmax(0, out[i]));
    }
    return lab_of(out);
}

static double least(enum background background, int n, int vision)
{
    double least = INFINITY;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            least = fmin(least, distance(seen(palette_color(background, 256, false, COLOR_SERIES + i), vision),
                                         seen(palette_color(background, 256, false, COLOR_SERIES + k), vision)));
    return least;
}

static void colours_of_runs_are_told_apart_by_everybody_q19(void **state)
{
    static const struct {
        const char *name;
        enum background background;
        int n;
        double bar;
    } sets[] = { // the best that search found for dark ones is 14.0 in tenths
        {"dark, 8 runs", BACKGROUND_DARK, 8, 13.95}, {"dark, 16 runs", BACKGROUND_DARK, 16, 9},
        {"light, 8 runs", BACKGROUND_LIGHT, 8, 14},
        {"light, 16 runs", BACKGROUND_LIGHT, 16, 9}, {"unknown, 8 runs", BACKGROUND_UNKNOWN, 8, 10.5},
    };
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        double d[4];
        for (int vision = 0; vision < 4; vision++)
            d[vision] = least(sets[s].background, sets[s].n, vision);
        print_message("          %s: %.1f, protan %.1f, deutan %.1f, tritan %.1f, bar %.1f\n", sets[s].name, d[0], d[1],
                      d[2], d[3], sets[s].bar);
        for (int vision = 0; vision < 4; vision++)
            assert_true(d[vision] >= sets[s].bar);
    }
}

static double luminance(int index)
{
    double rgb[3];
    linear_of(index, rgb);
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2];
}

// WCAG's contrast with black and with white.
static void colours_can_be_read_on_their_background(void **state)
{
    for (int color = COLOR_MUTED; color < COLOR_N; color++) {
        if (color == COLOR_TITLE || color == COLOR_CURSOR)
            continue;
        const double on_black = (luminance(palette_color(BACKGROUND_DARK, 256, false, (enum color)color)) + 0.05) / 0.05;
        const double on_white = 1.05 / (luminance(palette_color(BACKGROUND_LIGHT, 256, false, (enum color)color)) + 0.05);
        if (on_black < 4.5 || on_white < 3.0)
            fail_msg("%s: contrast %.1f on black, %.1f on white", color_name((enum color)color), on_black, on_white);
    }
}

static void fewer_colours_stay_within_what_there_is(void **state)
{
    for (int color = 0; color < COLOR_N; color++) {
        assert_int_equal(palette_color(BACKGROUND_DARK, 0, false, (enum color)color), -1);
        assert_in_range(palette_color(BACKGROUND_LIGHT, 8, false, (enum color)color) + 1, 0, 8);
        assert_int_not_equal(palette_color(BACKGROUND_DARK, 8, false, (enum color)color), 4); // blue on black
    }
    assert_int_equal(palette_color(BACKGROUND_DARK, 256, true, COLOR_MUTED), -1);
    assert_int_equal(palette_rgb(16), 0);
    assert_int_equal(palette_rgb(231), 0xffffff);
    assert_int_equal(palette_rgb(39), 0x00afff);
    assert_int_equal(palette_rgb(244), 0x808080);
}

static void backgrounds_are_read_as_terminals_say_them(void **state)
{
    assert_int_equal(palette_background("rgb:0000/0000/0000"), BACKGROUND_DARK);
    assert_int_equal(palette_background("rgb:ffff/ffff/ffff"), BACKGROUND_LIGHT);
    assert_int_equal(palette_background("rgb:00/2b/36"), BACKGROUND_DARK);   // solarized dark
    assert_int_equal(palette_background("rgb:fdfd/f6f6/e3e3"), BACKGROUND_LIGHT); // and light
    assert_int_equal(palette_background("rgba:1e1e/1e1e/2e2e/ffff"), BACKGROUND_DARK);
    assert_int_equal(palette_background("#f0f0f0"), BACKGROUND_LIGHT);
    assert_int_equal(palette_background("rgb:f/f/f"), BACKGROUND_LIGHT);
    assert_int_equal(palette_background("rgb:ffff/ffff"), BACKGROUND_UNKNOWN);
    assert_int_equal(palette_background("?"), BACKGROUND_UNKNOWN);
    assert_int_equal(palette_background(""), BACKGROUND_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_distance_is_that_of_the_paper_s_examples),
        cmocka_unit_test(colours_of_runs_are_told_apart_by_everybody_q19),
        cmocka_unit_test(colours_can_be_read_on_their_background),
        cmocka_unit_test(fewer_colours_stay_within_what_there_is),
        cmocka_unit_test(backgrounds_are_read_as_terminals_say_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
