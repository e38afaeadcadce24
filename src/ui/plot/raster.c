#include "config.h"

#include "ui/plot/raster.h"

#include <stdlib.h>

#include "base/mem.h"

void raster_init(struct raster *r, int columns, int rows, enum glyphs glyphs)
{
    BUG_IF(columns < 1 || rows < 1);
    *r = (struct raster){.columns = columns, .rows = rows, .glyphs = glyphs};
    r->dot_x = glyphs == GLYPHS_ASCII ? 1 : 2;
    r->dot_y = glyphs == GLYPHS_ASCII ? 1 : glyphs == GLYPHS_BLOCK ? 2 : 4;
    r->width = columns * r->dot_x;
    r->height = rows * r->dot_y;
    size_t n = (size_t)columns * (size_t)rows;
    r->line = mem_alloc(n, 1);
    r->faint = mem_alloc(n, 1);
    r->line_of = mem_alloc(n, 1);
    r->faint_of = mem_alloc(n, 1);
    r->lines = mem_alloc(n, sizeof *r->lines);
}

void raster_fini(struct raster *r)
{
    free(r->line);
    free(r->faint);
    free(r->line_of);
    free(r->faint_of);
    free(r->lines);
    *r = (struct raster){0};
}

void raster_column(struct raster *r, int x, int y0, int y1, int owner, bool faint)
{
    if (y0 > y1) {
        int swap = y0;
        y0 = y1;
        y1 = swap;
    }
    if (x < 0 || x >= r->width || y1 < 0 || y0 >= r->height)
        return;
    y0 = y0 < 0 ? 0 : y0;
    y1 = y1 >= r->height ? r->height - 1 : y1;
    const int column = x / r->dot_x, bit_x = x % r->dot_x;
    for (int row = y0 / r->dot_y; row * r->dot_y <= y1; row++) {
        const size_t i = (size_t)row * (size_t)r->columns + (size_t)column;
        const int top = row * r->dot_y, first = y0 > top ? y0 - top : 0;
        const int last = y1 < top + r->dot_y ? y1 - top : r->dot_y - 1;
        uint8_t bits = 0;
        for (int y = first; y <= last; y++)
            bits |= (uint8_t)(1u << (y * r->dot_x + bit_x));
        if (faint) {
            r->faint[i] |= bits;
            r->faint_of[i] = (uint8_t)owner;
        } else {
            r->line[i] |= bits;
            r->line_of[i] = (uint8_t)owner;
            r->lines[i] |= 1u << owner;
        }
    }
}

void raster_shade(struct raster *r, int x, int y0, int y1, int owner)
{
    const int first = y0 < y1 ? y0 : y1, last = y0 < y1 ? y1 : y0;
    for (int y = first < 0 ? 0 : first; y <= last && y < r->height; y++)
        if ((x + y) % 2 == 0)
            raster_column(r, x, y, y, owner, true);
}

static uint32_t cell_code(const struct raster *r, uint8_t dots)
{
    if (r->glyphs == GLYPHS_BRAILLE) {
        // Unicode numbers the dots 1-2-3-7 down the left side and 4-5-6-8 down the right.
        static const uint8_t bits[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
        uint32_t code = 0x2800;
        for (int i = 0; i < 8; i++)
            code += dots >> i & 1 ? bits[i] : 0;
        return code;
    }
    // Bits: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
    static const uint16_t blocks[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                        0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    return blocks[dots & 15];
}

void raster_paint(const struct raster *r, struct canvas *c, int x, int y, const struct raster_line *lines)
{
    for (int row = 0; row < r->rows; row++) {
        for (int column = 0; column < r->columns; column++) {
            size_t i = (size_t)row * (size_t)r->columns + (size_t)column;
            bool is_line = r->line[i] != 0;
            uint8_t dots = is_line ? r->line[i] : r->faint[i];
            if (!dots)
                continue;
            const struct raster_line *line = &lines[is_line ? r->line_of[i] : r->faint_of[i]];
            uint32_t code = r->glyphs != GLYPHS_ASCII ? cell_code(r, dots) : is_line ? (uint32_t)line->letter : '.';
            canvas_put(c, x + column, y + row, code, is_line ? line->style : line->faint);
        }
    }
}
