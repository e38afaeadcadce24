// What a picture is painted with: lines, boxes and text in pixels, the origin at the top left. Two painters: text of an SVG
// file (painter_svg.c), which needs no library, and pixels through cairo (painter_png.c). All text is monospaced, so that
// the layout knows its widths wherever the picture is looked at.
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "ui/term/canvas.h"
#include "ui/plot/plot.h"

// Dark and light decide about a PNG; an SVG that is THEME_AUTO follows who looks at it.
enum theme { THEME_LIGHT, THEME_DARK, THEME_AUTO };

struct point {
    double x, y; // x NaN: the line is interrupted
};

struct pen {
    uint8_t color;    // enum color
    enum dash dash;
    bool faint;       // behind what matters: raw values, the grid
    double width;
};

enum text_side { TEXT_LEFT, TEXT_RIGHT, TEXT_MIDDLE }; // where of the text (x, y) is
enum { FONT_SIZE = 12 };
#define FONT_ADVANCE 7.2 // pixels a column

struct painter {
    const struct painter_ops *ops;
    struct str *out;    // the file
    enum theme theme;
    int width, height;
    double scale;       // of pixels: those of the picture for one of width and height; 0: 1
    bool clear;         // pixels: no ground, what is below shows through
    bool embedded;      // SVG for a page that brings painter_svg_style itself
    void *state;
};

struct painter_ops {
    int (*begin)(struct painter *p, const char *title, struct err *e);
    void (*line)(struct painter *p, const struct point *points, int n, struct pen pen); // straight from point to point
    void (*area)(struct painter *p, const struct point *points, int n, uint8_t color); // a closed outline, filled thinly
    void (*dot)(struct painter *p, struct point at, double radius, uint8_t color, bool faint);
    void (*text)(struct painter *p, struct point at, enum text_side side, uint8_t color, bool bold, const char *text);
    void (*clip)(struct painter *p, double x, double y, double width, double height); // until unclip; not nested
    void (*unclip)(struct painter *p);
    int (*end)(struct painter *p, struct err *e); // *out is the whole file then; frees the state
};
extern const struct painter_ops painter_svg, painter_png;
// The same pixels as they are: *out is (height, width, 3) bytes of red, green and blue.
extern const struct painter_ops painter_pixels;

// The style sheet of the colours; inside of an SVG, or once in the page around several that are embedded.
void painter_svg_style(struct str *out, enum theme theme);
// Pixels of the picture for so many of width or height.
int painter_pixel(const struct painter *p, int length);
// The lengths of a dash: on, off, on, off; returns how many (0: solid).
int painter_dash(enum dash dash, double lengths[4]);
// false: this build can write no PNG, and beginning one says why.
bool painter_has_png(void);
