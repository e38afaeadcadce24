// A field of dots over character cells: braille 2 x 4, quarter blocks 2 x 2, or letters 1 x 1. A cell shows one colour:
// that of the line drawn last into it, so the line on top is drawn last. Faint dots (the raw values behind a smoothed
// line) show only where no line is.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/term/canvas.h"

enum { RASTER_LINES = 32 };

struct raster {
    int columns, rows;   // cells
    int dot_x, dot_y;    // dots a cell
    int width, height;   // dots
    enum glyphs glyphs;
    uint8_t *line, *faint;           // (rows, columns) dots of a cell, bit y * dot_x + x
    uint8_t *line_of, *faint_of;     // who drew last
    uint32_t *lines;                 // who drew at all, one bit a line
};

void raster_init(struct raster *r, int columns, int rows, enum glyphs glyphs);
void raster_fini(struct raster *r);
// Dots x, y0 .. y1 (any order), y counted from the top; what is outside is dropped.
void raster_column(struct raster *r, int x, int y0, int y1, int owner, bool faint);
// Every other dot of them, faintly: a surface behind the lines.
void raster_shade(struct raster *r, int x, int y0, int y1, int owner);
struct raster_line {
    char letter; // what it is drawn with in GLYPHS_ASCII
    struct style style, faint;
};
void raster_paint(const struct raster *r, struct canvas *c, int x, int y, const struct raster_line *lines);
