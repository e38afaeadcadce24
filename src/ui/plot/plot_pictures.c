#include "config.h"

#include "ui/plot/plot_pictures.h"

#include <stdlib.h>
#include <string.h>

#include "ui/term/kitty.h"
#include "ui/plot/picture.h"
#include "ui/term/sixel.h"

// A line of text in a picture is as high as a cell, or not much less.
#define LINE_PIXELS 17.0

void plot_pictures_begin(struct plot_pictures *p)
{
    p->n = 0;
    p->is_stale = false;
}

void plot_pictures_free(struct plot_pictures *p)
{
    for (int i = 0; p && i < PLOT_PICTURES; i++)
        str_fini(&p->all[i].bytes);
    free(p);
}

// ---- what a picture depends on (FNV-1a over it) ----

static void mix_bytes(uint64_t *stamp, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *stamp = (*stamp ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
}

static void mix(uint64_t *stamp, double number)
{
    mix_bytes(stamp, &number, sizeof number);
}

// Points are only added, or forgotten from a place on, which n_rewinds counts.
static void mix_series(uint64_t *stamp, const struct series *s)
{
    if (!s)
        return;
    mix(stamp, s->n);
    mix_bytes(stamp, &s, sizeof s);
    mix(stamp, s->n_rewinds);
    mix(stamp, s->n_smooth);
    mix(stamp, s->weight);
    mix(stamp, s->unit);
    mix(stamp, s->n ? (double)series_value(s, s->n - 1) : 0);
}

static uint64_t stamp_of(const struct plot_pictures *p, const struct plot *plot, const struct plot_result *drawn)
{
    uint64_t stamp = 0xcbf29ce484222325u;
    const double numbers[] = {p->protocol,
                              p->cell_width,
                              p->cell_height,
                              p->dark,
                              drawn->field.width,
                              drawn->field.height,
                              drawn->y.scale,
                              drawn->y.low,
                              drawn->y.high,
                              drawn->y.unit,
                              plot->x0,
                              plot->x1,
                              plot->x_kind,
                              plot_is_x_log(plot),
                              plot->guides,
                              plot->weight,
                              plot->cursor,
                              plot->has_range,
                              plot->has_range ? plot->other_end : 0,
                              plot->lines_only,
                              plot->n_lines,
                              plot->n_marks};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        mix(&stamp, numbers[i]);
    for (int k = 0; k < plot->n_lines; k++) {
        const struct plot_line *l = &plot->lines[k];
        const unsigned char looks[] = {(unsigned char)l->letter, l->color, (unsigned char)l->dash, l->raised, l->dim};
        mix_bytes(&stamp, looks, sizeof looks);
        mix_series(&stamp, l->series);
        mix_series(&stamp, l->low);
        mix_series(&stamp, l->high);
        mix(&stamp, l->map ? l->map->n : 0);
    }
    for (int i = 0; i < plot->n_marks; i++) {
        mix(&stamp, plot->marks[i].step);
        mix(&stamp, plot->marks[i].kind);
    }
    return stamp ? stamp : 1;
}

// ---- making one ----

static bool same_rect(struct rect a, struct rect b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

// Sixels come in bands of six rows: a last one that is not full would reach into the cells below.
static int pixel_rows(const struct plot_pictures *p, int rows)
{
    const int pixels = rows * p->cell_height;
    return p->protocol == PICTURES_SIXEL ? pixels - pixels % 6 : pixels;
}

static bool make(const struct plot_pictures *p, const struct plot *plot, const struct plot_result *drawn, int number,
                 struct str *out)
{
    const bool kitty = p->protocol == PICTURES_KITTY;
    const int width = drawn->field.width * p->cell_width, height = pixel_rows(p, drawn->field.height),
              rows = drawn->field.height;
    const double scale = p->cell_height / LINE_PIXELS < 1 ? 1 : p->cell_height / LINE_PIXELS;
    struct str pixels = {.max = (size_t)64 << 20};
    struct err fault = {0};
    struct painter painter = {.ops = kitty ? &painter_png : &painter_pixels, .out = &pixels, .scale = scale, .clear = kitty,
                              .theme = p->dark ? THEME_DARK : THEME_LIGHT, .width = (int)(width / scale),
                              .height = (int)(height / scale)};
    if (painter.width < 16 || painter.height < 8 || width > PICTURE_LARGEST || height > PICTURE_LARGEST)
        return false;
    str_clear(out);
    bool ok = picture_paint_field(plot, drawn, rows > 12 ? 7 : (rows + 1) / 2, &painter, &fault) == 0 && !pixels.truncated;
    if (ok && kitty)
        kitty_show(KITTY_FIRST + number, pixels.data, pixels.len, drawn->field.width, drawn->field.height, out);
    else if (ok) // as many pixels as the painter made of its size
        sixel_encode((const uint8_t *)pixels.data, painter_pixel(&painter, painter.width),
                     painter_pixel(&painter, painter.height), out);
    str_fini(&pixels);
    return ok && out->len <= PLOT_PICTURE_MOST;
}

bool plot_pictures_add(struct plot_pictures *p, const struct plot *plot, const struct plot_result *drawn)
{
    if (p->n >= PLOT_PICTURES || drawn->field.width < 2 || drawn->field.height < 1)
        return false;
    struct plot_picture *at = &p->all[p->n];
    const uint64_t stamp = stamp_of(p, plot, drawn);
    const bool fits = same_rect(at->field, drawn->field);
    if (fits && at->stamp == stamp) {
        p->n++;
        return true;
    }
    if (fits && p->hold && at->shown && at->shown == at->stamp) {
        p->is_stale = true;
        p->n++;
        return true;
    }
    at->stamp = 0;
    if (!make(p, plot, drawn, p->n, &at->bytes))
        return false;
    at->field = drawn->field;
    at->stamp = stamp;
    p->n++;
    return true;
}
