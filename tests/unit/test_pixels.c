// Pictures for terminals: what was encoded is decoded again, by the rules of the protocols, to the same pixels and bytes.
#include "config.h"

#include <ctype.h>

#include "testing.h"

#include "base/mem.h"
#include "base/rng.h"
#include "ui/term/kitty.h"
#include "ui/plot/painter.h"
#include "ui/plot/plot_pictures.h"
#include "ui/term/sixel.h"

// ---- sixels ----

struct decoded {
    int width, height, n_colors;
    uint8_t *rgb;
    bool *is_set;
};

static int number(const char **at)
{
    int n = 0;
    assert_true(isdigit((unsigned char)**at));
    for (; isdigit((unsigned char)**at); (*at)++)
        n = n * 10 + **at - '0';
    return n;
}

static void set_column(struct decoded *d, const uint8_t color[3], int x, int y, int bits)
{
    for (int k = 0; k < 6; k++) {
        if (!(bits >> k & 1))
            continue;
        assert_true(x < d->width && y + k < d->height); // nothing reaches below the picture
        const size_t i = (size_t)((y + k) * d->width + x);
        assert_false(d->is_set[i]);
        d->is_set[i] = true;
        memcpy(d->rgb + 3 * i, color, 3);
    }
}

static void decode(const char *at, struct decoded *d)
{
    uint8_t colors[256][3] = {{0}};
    int color = 0, x = 0, y = 0;
    assert_true(text_starts(at, "\033P0;1;0q\"1;1;"));
    at += strlen("\033P0;1;0q\"1;1;");
    d->width = number(&at);
    at++;
    d->height = number(&at);
    d->rgb = mem_alloc((size_t)d->width * (size_t)d->height, 3);
    d->is_set = mem_alloc((size_t)d->width * (size_t)d->height, sizeof *d->is_set);
    while (*at != '\033') {
        if (*at == '#') {
            at++;
            color = number(&at);
            assert_true(color < SIXEL_COLORS);
            if (*at == ';') {
                assert_true(text_starts(at, ";2;"));
                at += 2;
                for (int k = 0; k < 3; k++) {
                    at++;
                    colors[color][k] = (uint8_t)((number(&at) * 255 + 50) / 100);
                }
                d->n_colors++;
            }
        } else if (*at == '$') {
            x = 0;
            at++;
        } else if (*at == '-') {
            x = 0;
            y += 6;
            at++;
        } else {
            int n = 1;
            if (*at == '!') {
                at++;
                n = number(&at);
            }
            assert_true(*at >= '?' && *at <= '~');
            for (; n > 0; n--)
                set_column(d, colors[color], x++, y, *at - '?');
            at++;
        }
    }
    assert_string_equal(at, "\033\\");
}

static void expect_same(const uint8_t *rgb, int width, int height)
{
    struct str out = {0};
    struct decoded d = {0};
    sixel_encode(rgb, width, height, &out);
    decode(str_text(&out), &d);
    assert_int_equal(d.width, width);
    assert_int_equal(d.height, height);
    for (int i = 0; i < width * height; i++)
        assert_true(d.is_set[i]);
    assert_memory_equal(d.rgb, rgb, (size_t)(width * height * 3));
    free(d.rgb);
    free(d.is_set);
    str_fini(&out);
}

static void sixels_are_the_same_pixels_again(void **state)
{
    static const int sizes[][2] = {{1, 1}, {1, 6}, {7, 5}, {300, 12}, {33, 31}, {4, 13}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int width = sizes[s][0], height = sizes[s][1];
        uint8_t *rgb = mem_alloc((size_t)(width * height), 3);
        struct rng r = rng_make(3, RNG_TEST, (uint32_t)s);
        for (int i = 0; i < width * height; i++) { // long runs and single pixels, of parts that are whole percents
            const int color = i / 40 % 2 ? 0 : (int)rng_below(&r, 27);
            for (int k = 0, rest = color; k < 3; k++, rest /= 3)
                rgb[3 * i + k] = (uint8_t)(51 * 2 * (rest % 3));
        }
        expect_same(rgb, width, height);
        free(rgb);
    }
}

static void more_colours_than_there_are_become_the_nearest(void **state)
{
    enum { WIDTH = 256, HEIGHT = 12 };
    uint8_t *rgb = mem_alloc(WIDTH * HEIGHT, 3);
    struct str out = {0};
    struct decoded d = {0};
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        rgb[3 * i] = rgb[3 * i + 1] = (uint8_t)(i % WIDTH);
        rgb[3 * i + 2] = (uint8_t)(i / WIDTH * 20);
    }
    sixel_encode(rgb, WIDTH, HEIGHT, &out);
    decode(str_text(&out), &d);
    assert_int_equal(d.n_colors, SIXEL_COLORS);
    double away = 0;
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++) {
        assert_true(d.is_set[i / 3]);
        away += abs(d.rgb[i] - rgb[i]);
    }
    assert_true(away / (WIDTH * HEIGHT * 3) < 20);
    free(rgb);
    free(d.rgb);
    free(d.is_set);
    str_fini(&out);
}

// ---- kitty ----

static int digit(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
                                  : 63;
}

// The bytes of all pieces; each must fit into what a terminal has to take.
static void reassemble(const char *at, const char *control, struct str *out)
{
    for (int piece = 0, more = 1; more; piece++) {
        const char *data = strchr(at, ';'), *end = strstr(at, "\033\\");
        assert_true(text_starts(at, "\033_G") && data && end && data < end && end - data - 1 <= 4096);
        assert_true(piece > 0 || text_starts(at + 3, control));
        more = data[-1] - '0';
        assert_true(data[-2] == '=' && data[-3] == 'm' && (more == 0 || more == 1));
        for (data++; data < end; data += 4) {
            const int bits = digit(data[0]) << 18 | digit(data[1]) << 12 | (data[2] == '=' ? 0 : digit(data[2]) << 6) |
                             (data[3] == '=' ? 0 : digit(data[3]));
            str_addc(out, (char)(bits >> 16));
            if (data[2] != '=')
                str_addc(out, (char)(bits >> 8));
            if (data[3] != '=')
                str_addc(out, (char)bits);
        }
        at = end + 2;
    }
    assert_string_equal(at, "");
}

static void kittys_pieces_are_the_same_bytes_again(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 3071, 3072, 3073, 10000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct str bytes = {0}, out = {0}, back = {0};
        struct rng r = rng_make(5, RNG_TEST, (uint32_t)s);
        for (size_t i = 0; i < sizes[s]; i++)
            str_addc(&bytes, (char)rng_below(&r, 256));
        kitty_show(42, bytes.data, bytes.len, 60, 9, &out);
        reassemble(str_text(&out), "a=T,f=100,t=d,i=42,p=1,c=60,r=9,C=1,", &back);
        assert_int_equal(back.len, bytes.len);
        assert_memory_equal(back.data, bytes.data, bytes.len);
        str_fini(&bytes);
        str_fini(&out);
        str_fini(&back);
    }
}

// ---- pictures of plots ----

struct sample {
    struct series series;
    struct plot_line line;
    struct plot plot;
    struct plot_result drawn;
};

static void make_sample(struct sample *s)
{
    *s = (struct sample){0};
    series_init(&s->series);
    for (int i = 1; i <= 100; i++)
        series_add(&s->series, i, i % 10);
    s->line = (struct plot_line){.series = &s->series, .label = "a", .letter = 'a', .color = COLOR_SERIES};
    s->plot = (struct plot){.title = "t", .empty = "", .lines = &s->line, .n_lines = 1, .x0 = 0, .x1 = 100, .cursor = NAN};
    plot_range(&s->plot, &s->drawn);
    s->drawn.field = (struct rect){7, 3, 40, 8};
}

static void a_plot_is_made_once_until_something_changes(void **state)
{
    struct sample s;
    struct plot_pictures *p = mem_alloc(1, sizeof *p);
    make_sample(&s);
    if (!painter_has_png()) {
        print_message("no cairo: skipped\n");
        plot_pictures_free(p);
        series_fini(&s.series);
        return;
    }
    for (int protocol = PICTURES_KITTY; protocol <= PICTURES_SIXEL; protocol++) {
        p->protocol = (enum picture_protocol)protocol;
        p->cell_width = 9;
        p->cell_height = 19;
        p->hold = false;
        plot_pictures_begin(p);
        assert_true(plot_pictures_add(p, &s.plot, &s.drawn));
        uint64_t stamp = p->all[0].stamp;
        if (protocol == PICTURES_SIXEL) {
            struct decoded d = {0};
            decode(str_text(&p->all[0].bytes), &d);
            assert_true(d.width <= 40 * 9 && d.width >= 40 * 9 - 2);
            assert_true(d.height <= 150 && d.height > 144); // whole bands: 152 would reach into the cells below
            free(d.rgb);
            free(d.is_set);
        }
        plot_pictures_begin(p);
        assert_true(plot_pictures_add(p, &s.plot, &s.drawn));
        assert_true(p->all[0].stamp == stamp);
        // While data has to wait, what is shown stays; a cursor that moves does not wait.
        p->all[0].shown = stamp;
        p->hold = true;
        series_add(&s.series, 101 + protocol, 3);
        plot_pictures_begin(p);
        assert_true(plot_pictures_add(p, &s.plot, &s.drawn));
        assert_true(p->is_stale && p->all[0].stamp == stamp);
        p->hold = false;
        plot_pictures_begin(p);
        assert_true(plot_pictures_add(p, &s.plot, &s.drawn));
        assert_true(!p->is_stale && p->all[0].stamp != stamp);
        stamp = p->all[0].stamp;
        s.plot.cursor = 50 + protocol;
        plot_pictures_begin(p);
        assert_true(plot_pictures_add(p, &s.plot, &s.drawn));
        assert_true(p->all[0].stamp != stamp);
    }
    s.drawn.field.width = 1; // too small: stays cells
    plot_pictures_begin(p);
    assert_false(plot_pictures_add(p, &s.plot, &s.drawn));
    plot_pictures_free(p);
    series_fini(&s.series);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixels_are_the_same_pixels_again),
        cmocka_unit_test(more_colours_than_there_are_become_the_nearest),
        cmocka_unit_test(kittys_pieces_are_the_same_bytes_again),
        cmocka_unit_test(a_plot_is_made_once_until_something_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
