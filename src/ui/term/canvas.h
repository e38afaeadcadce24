// A grid of cells that views draw on. It knows nothing of terminals: screen_curses.c puts it on one, tests and
// scripts save it as text. Coordinates are absolute, (0, 0) is at the top left; whatever falls outside of the
// clip rectangle is dropped silently, so that views need no checks at any size.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct rect {
    int x, y, width, height; // width or height < 1: empty
};
// Cut a strip off *r and return it; never more than there is.
struct rect rect_cut_top(struct rect *r, int height);
struct rect rect_cut_bottom(struct rect *r, int height);
struct rect rect_cut_left(struct rect *r, int width);
struct rect rect_cut_right(struct rect *r, int width);
struct rect rect_inset(struct rect r, int x, int y); // a margin on both sides
struct rect rect_common(struct rect a, struct rect b);

// Our palette: meanings, not colours. screen_curses.c maps them to what the terminal has.
enum color {
    COLOR_DEFAULT, // the terminal's own foreground or background
    COLOR_MUTED,   // frames, units, axes
    COLOR_TITLE,   // headings
    COLOR_ACCENT,  // keys in hints, the cursor's marker
    COLOR_GOOD, COLOR_WARN, COLOR_BAD, // never the only cue: words stand beside them
    COLOR_CURSOR,  // background of the line that the cursor is on
    COLOR_SERIES,  // COLOR_SERIES + 0..15: identity of the runs a..p
    COLOR_N = COLOR_SERIES + 16,
};
enum { N_SERIES_COLORS = 16 };
enum attr { ATTR_BOLD = 1, ATTR_UNDERLINE = 2, ATTR_REVERSE = 4 };
struct style {
    uint8_t fg, bg, attr;
};
// STYLE(COLOR_MUTED), STYLE(COLOR_DEFAULT, .attr = ATTR_BOLD)
#define STYLE(foreground, ...) ((struct style){.fg = (uint8_t)(foreground), ##__VA_ARGS__})

enum glyphs { GLYPHS_ASCII, GLYPHS_BLOCK, GLYPHS_BRAILLE };

struct cell {
    uint32_t code[3]; // the character and up to two combining marks (0: none); code[0] 0: right half of a wide one
    struct style style;
    uint8_t columns; // 1; 2 for a wide character; 0 for its right half
};

struct canvas {
    int width, height;
    struct cell *cells; // (height, width)
    struct rect clip;
    enum glyphs glyphs; // how curves and frames are to be drawn
    bool utf8;          // false: only ASCII can be shown; other characters become their nearest or '?'
    int cursor_x, cursor_y; // where the terminal's cursor shows; -1: hidden
};

void canvas_init(struct canvas *c, int width, int height, enum glyphs glyphs, bool utf8); // blank
void canvas_fini(struct canvas *c);
void canvas_resize(struct canvas *c, int width, int height); // and clears; sizes are limited to 1..1000
void canvas_clear(struct canvas *c); // blank, whole clip, no cursor
struct rect canvas_area(const struct canvas *c);
// Limits drawing to r within the present clip; returns the old clip for canvas_unclip.
struct rect canvas_clip(struct canvas *c, struct rect r);
void canvas_unclip(struct canvas *c, struct rect old);

// One character. Control characters and broken values are drawn as U+FFFD: no byte reaches a terminal as control.
void canvas_put(struct canvas *c, int x, int y, uint32_t code, struct style style);
// Text made visible (str_add_visible, on one line), cut at x + max_columns (max_columns < 0: at the clip).
// A cut text ends in "~" when it does not fit into max_columns >= 2. Returns the column after the last one drawn.
int canvas_text(struct canvas *c, int x, int y, int max_columns, struct style style, const char *text);
// The same, cut at its beginning, for paths: what tells them apart stands at their end.
int canvas_text_end(struct canvas *c, int x, int y, int max_columns, struct style style, const char *text);
int canvas_textf(struct canvas *c, int x, int y, int max_columns, struct style style, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
// The same, ending at column x + columns - 1. Too long a text is cut at its end.
void canvas_text_right(struct canvas *c, int x, int y, int columns, struct style style, const char *text);
// Ends of the next line of bytes[0..n) (made visible) in `width` columns: *shown without the space it broke at, the result
// with it.
size_t canvas_break_line(const char *bytes, size_t n, int width, size_t *shown);
// Text broken into lines at spaces; newlines in the text are kept. Skips the first `skip` lines. Returns how many
// lines the whole text has at this width (also when r is too small for them).
int canvas_paragraph(struct canvas *c, struct rect r, int skip, struct style style, const char *text, size_t n_bytes);
// The same in pieces of different styles: the next `n_bytes` of the text each; what is left has the last one's.
struct canvas_span {
    size_t n_bytes;
    struct style style;
};
int canvas_paragraph_spans(struct canvas *c, struct rect r, int skip, const struct canvas_span *spans, int n_spans,
                           const char *text, size_t n_bytes);
// The first line that is shown of n, of which `visible` fit: `top`, moved so that the cursor is among them (negative:
// there is none) and that no place stays empty below while there are lines above.
int scroll_top(int top, int cursor, int n, int visible);
void canvas_fill(struct canvas *c, struct rect r, uint32_t code, struct style style);
void canvas_restyle(struct canvas *c, struct rect r, struct style add); // adds attributes, sets bg and fg unless default
void canvas_hline(struct canvas *c, int x, int y, int width, struct style style);
void canvas_vline(struct canvas *c, int x, int y, int height, struct style style);
// A frame with a title in its upper edge (NULL: none); returns what is inside.
struct rect canvas_box(struct canvas *c, struct rect r, struct style style, const char *title);
// A share 0..1 as a bar; a row of values as a sparkline scaled to their own range (NaN: a gap).
void canvas_bar(struct canvas *c, int x, int y, int width, double share, struct style style);
void canvas_spark(struct canvas *c, int x, int y, int width, const double *values, int n, struct style style);

const struct cell *canvas_cell(const struct canvas *c, int x, int y);
bool cell_equal(const struct cell *a, const struct cell *b);
// The grid as lines of UTF-8 without trailing spaces. with_styles: each line that has styles is followed by lines
// that begin with "\t" and name them by column range ("\t3-9 accent+bold").
void canvas_save(const struct canvas *c, bool with_styles, struct str *out);
const char *color_name(enum color color);
