// Pixels through cairo, the only file that knows it.
#include "config.h"

#include "ui/plot/painter.h"

#include <math.h>
#include <string.h>

// In pixels; as the terminal's dashes are, whose unit is a cell.
int painter_dash(enum dash dash, double lengths[4])
{
    static const double all[DASH_N][4] = {{0}, {9, 3}, {3, 3}, {9, 3, 3, 3}};
    static const int n[DASH_N] = {0, 2, 2, 4};
    for (int i = 0; i < 4; i++)
        lengths[i] = all[dash][i];
    return n[dash];
}

int painter_pixel(const struct painter *p, int length)
{
    return p->scale > 0 ? (int)lrint(length * p->scale) : length;
}

#ifdef HAVE_CAIRO

#include <cairo.h>

#include "ui/term/palette.h"

#ifdef __SANITIZE_ADDRESS__
// The fonts that cairo has found stay with fontconfig until the end; they are no leak of ours.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
#endif

bool painter_has_png(void)
{
    return true;
}

static void set_color(struct painter *p, uint32_t rgb, double opacity)
{
    cairo_set_source_rgba(p->state, (rgb >> 16 & 255) / 255.0, (rgb >> 8 & 255) / 255.0, (rgb & 255) / 255.0, opacity);
}

static uint32_t rgb_of(const struct painter *p, uint8_t color)
{
    return palette_ink((enum color)color, p->theme == THEME_DARK);
}

static int begin(struct painter *p, const char *title, struct err *e)
{
    cairo_surface_t *surface = cairo_image_surface_create(p->clear ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24,
                                                          painter_pixel(p, p->width), painter_pixel(p, p->height));
    p->state = cairo_create(surface);
    cairo_surface_destroy(surface); // the context holds it
    if (cairo_status(p->state)) {
        const char *why = cairo_status_to_string(cairo_status(p->state));
        cairo_destroy(p->state);
        return err_set(e, ERR_LIMIT, "a picture of %d x %d pixels cannot be made: %s", p->width, p->height, why);
    }
    if (p->scale > 0)
        cairo_scale(p->state, p->scale, p->scale);
    set_color(p, palette_paper(p->theme == THEME_DARK), 1);
    if (!p->clear)
        cairo_paint(p->state);
    cairo_set_line_join(p->state, CAIRO_LINE_JOIN_ROUND);
    return 0;
}

static void line(struct painter *p, const struct point *points, int n, struct pen pen)
{
    double lengths[4];
    const int n_lengths = painter_dash(pen.dash, lengths);
    bool draws = false;
    set_color(p, rgb_of(p, pen.color), pen.faint ? 0.3 : 1);
    cairo_set_dash(p->state, lengths, n_lengths, 0);
    cairo_set_line_width(p->state, pen.width);
    cairo_new_path(p->state);
    for (int i = 0; i < n; i++) {
        if (isnan(points[i].x))
            draws = false;
        else if (draws)
            cairo_line_to(p->state, points[i].x, points[i].y);
        else
            cairo_move_to(p->state, points[i].x, points[i].y);
        draws = !isnan(points[i].x);
    }
    cairo_stroke(p->state);
}

static void area(struct painter *p, const struct point *points, int n, uint8_t color)
{
    set_color(p, rgb_of(p, color), 0.16);
    cairo_new_path(p->state);
    for (int i = 0; i < n; i++)
        cairo_line_to(p->state, points[i].x, points[i].y);
    cairo_close_path(p->state);
    cairo_fill(p->state);
}

static void dot(struct painter *p, struct point at, double radius, uint8_t color, bool faint)
{
    set_color(p, rgb_of(p, color), faint ? 0.3 : 1);
    cairo_new_path(p->state);
    cairo_arc(p->state, at.x, at.y, radius, 0, 2 * M_PI);
    cairo_fill(p->state);
}

static void text(struct painter *p, struct point at, enum text_side side, uint8_t color, bool bold, const char *what)
{
    struct str shown = {0}; // cairo takes no broken UTF-8
    str_add_visible(&shown, what, strlen(what), false);
    cairo_text_extents_t extents;
    cairo_select_font_face(p->state, "monospace", CAIRO_FONT_SLANT_NORMAL,
                           bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(p->state, FONT_SIZE);
    cairo_text_extents(p->state, str_text(&shown), &extents);
    const double left = side == TEXT_LEFT ? 0 : side == TEXT_RIGHT ? extents.x_advance : extents.x_advance / 2;
    set_color(p, rgb_of(p, color), 1);
    cairo_move_to(p->state, at.x - left, at.y);
    cairo_show_text(p->state, str_text(&shown));
    str_fini(&shown);
}

static void clip(struct painter *p, double x, double y, double width, double height)
{
    cairo_save(p->state);
    cairo_new_path(p->state);
    cairo_rectangle(p->state, x, y, width, height);
    cairo_clip(p->state);
}

static void unclip(struct painter *p)
{
    cairo_restore(p->state);
}

static cairo_status_t take_bytes(void *out, const unsigned char *bytes, unsigned n)
{
    str_addn(out, (const char *)bytes, n);
    return ((struct str *)out)->truncated ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

static int end(struct painter *p, struct err *e)
{
    cairo_status_t status = cairo_status(p->state);
    if (!status)
        status = cairo_surface_write_to_png_stream(cairo_get_target(p->state), take_bytes, p->out);
    cairo_destroy(p->state);
    return status ? err_set(e, ERR_LIMIT, "the picture cannot be made: %s", cairo_status_to_string(status)) : 0;
}

const struct painter_ops painter_png = {begin, line, area, dot, text, clip, unclip, end};

// Cairo has them as numbers 0xXXRRGGBB of the machine's byte order.
static int end_pixels(struct painter *p, struct err *e)
{
    cairo_surface_t *surface = cairo_get_target(p->state);
    const cairo_status_t status = cairo_status(p->state);
    cairo_surface_flush(surface);
    const unsigned char *rows = cairo_image_surface_get_data(surface);
    const int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    for (int y = 0; y < height && !status; y++)
        for (int x = 0; x < width; x++) {
            uint32_t pixel;
            memcpy(&pixel, rows + (size_t)y * (size_t)stride + (size_t)x * 4, sizeof pixel);
            str_addn(p->out, (const char[]){(char)(pixel >> 16), (char)(pixel >> 8), (char)pixel}, 3);
        }
    cairo_destroy(p->state);
    return status ? err_set(e, ERR_LIMIT, "the picture cannot be made: %s", cairo_status_to_string(status)) : 0;
}

const struct painter_ops painter_pixels = {begin, line, area, dot, text, clip, unclip, end_pixels};

#else

bool painter_has_png(void)
{
    return false;
}

static int begin(struct painter *p, const char *title, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "this build of Attune has no cairo, which PNG pictures are painted with: write an "
                                       "SVG, or install libcairo2-dev and build again");
}

const struct painter_ops painter_png = {.begin = begin}, painter_pixels = {.begin = begin};

#endif
