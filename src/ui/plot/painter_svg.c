// SVG as text. Colours are classes of a style sheet, so that one picture serves light and dark; clipping is by nested <svg>,
// which needs no identifiers that could meet those of another picture on the same page.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/plot/painter.h"
#include "ui/term/palette.h"

// Two digits behind the point at most, no "-0": the same bytes on every machine.
static void add_number(struct str *s, double value)
{
    char text[40];
    snprintf(text, sizeof text, "%.2f", fmin(fmax(value, -1e6), 1e6));
    size_t n = strlen(text);
    while (text[n - 1] == '0')
        n--;
    if (text[n - 1] == '.')
        n--;
    text[n] = '\0';
    str_add(s, strcmp(text, "-0") == 0 ? "0" : text);
}

static void add_member(struct str *s, const char *name, double value)
{
    str_addf(s, " %s=\"", name);
    add_number(s, value);
    str_addc(s, '"');
}

static void add_colors(struct str *s, bool dark)
{
    str_addf(s, ".paper{fill:#%06x}", (unsigned)palette_paper(dark));
    for (int c = 0; c < COLOR_N; c++) {
        if (c == COLOR_CURSOR)
            continue;
        const unsigned rgb = palette_ink((enum color)c, dark);
        str_addf(s, ".l%d{stroke:#%06x}.f%d{fill:#%06x}", c, rgb, c, rgb);
    }
}

void painter_svg_style(struct str *out, enum theme theme)
{
    str_addf(out, "svg.plot,.plot text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:%dpx}"
                  ".plot path{fill:none;stroke-linejoin:round}.plot .faint{opacity:.3}.plot .thin{opacity:.16}.plot "
                  ".b{font-weight:bold}",
             FONT_SIZE);
    add_colors(out, theme == THEME_DARK);
    if (theme == THEME_AUTO) {
        str_add(out, "@media(prefers-color-scheme:dark){");
        add_colors(out, true);
        str_addc(out, '}');
    }
}

static int begin(struct painter *p, const char *title, struct err *e)
{
    str_addf(p->out, "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d "
                     "%d\" role=\"img\"><title>", p->width, p->height, p->width, p->height);
    str_add_markup(p->out, title, strlen(title), false);
    str_add(p->out, "</title>\n");
    if (!p->embedded) {
        str_add(p->out, "<style>");
        painter_svg_style(p->out, p->theme);
        str_add(p->out, "</style>\n");
    }
    str_addf(p->out, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", p->width, p->height);
    return 0;
}

static void line(struct painter *p, const struct point *points, int n, struct pen pen)
{
    double lengths[4];
    const int n_lengths = painter_dash(pen.dash, lengths);
    str_addf(p->out, "<path class=\"l%d%s\"", pen.color, pen.faint ? " faint" : "");
    add_member(p->out, "stroke-width", pen.width);
    for (int i = 0; i < n_lengths; i++) {
        str_add(p->out, i ? " " : " stroke-dasharray=\"");
        add_number(p->out, lengths[i]);
    }
    str_add(p->out, n_lengths ? "\" d=\"" : " d=\"");
    bool draws = false;
    for (int i = 0; i < n; i++) {
        if (isnan(points[i].x)) {
            draws = false;
            continue;
        }
        str_addc(p->out, draws ? 'L' : 'M');
        add_number(p->out, points[i].x);
        str_addc(p->out, ' ');
        add_number(p->out, points[i].y);
        draws = true;
    }
    str_add(p->out, "\"/>\n");
}

static void area(struct painter *p, const struct point *points, int n, uint8_t color)
{
    str_addf(p->out, "<polygon class=\"f%d thin\" points=\"", color);
    for (int i = 0; i < n; i++) {
        str_add(p->out, i ? " " : "");
        add_number(p->out, points[i].x);
        str_addc(p->out, ',');
        add_number(p->out, points[i].y);
    }
    str_add(p->out, "\"/>\n");
}

static void dot(struct painter *p, struct point at, double radius, uint8_t color, bool faint)
{
    str_addf(p->out, "<circle class=\"f%d%s\"", color, faint ? " faint" : "");
    add_member(p->out, "cx", at.x);
    add_member(p->out, "cy", at.y);
    add_member(p->out, "r", radius);
    str_add(p->out, "/>\n");
}

static void text(struct painter *p, struct point at, enum text_side side, uint8_t color, bool bold, const char *what)
{
    static const char *const anchors[] = {"", " text-anchor=\"end\"", " text-anchor=\"middle\""};
    str_addf(p->out, "<text class=\"f%d%s\"%s", color, bold ? " b" : "", anchors[side]);
    add_member(p->out, "x", at.x);
    add_member(p->out, "y", at.y);
    str_addc(p->out, '>');
    str_add_markup(p->out, what, strlen(what), false);
    str_add(p->out, "</text>\n");
}

static void clip(struct painter *p, double x, double y, double width, double height)
{
    str_add(p->out, "<svg");
    add_member(p->out, "x", x);
    add_member(p->out, "y", y);
    add_member(p->out, "width", width);
    add_member(p->out, "height", height);
    str_add(p->out, " viewBox=\"");
    const double box[] = {x, y, width, height};
    for (int i = 0; i < 4; i++) {
        str_add(p->out, i ? " " : "");
        add_number(p->out, box[i]);
    }
    str_add(p->out, "\">\n");
}

static void unclip(struct painter *p)
{
    str_add(p->out, "</svg>\n");
}

static int end(struct painter *p, struct err *e)
{
    str_add(p->out, "</svg>\n");
    return p->out->truncated ? err_set(e, ERR_LIMIT, "the picture is too large") : 0;
}

const struct painter_ops painter_svg = {begin, line, area, dot, text, clip, unclip, end};
