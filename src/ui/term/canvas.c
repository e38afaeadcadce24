#include "config.h"

#include "ui/term/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const struct cell blank = {.code = {' '}, .columns = 1};

struct rect rect_cut_top(struct rect *r, int height)
{
    if (height > r->height)
        height = r->height;
    if (height < 0)
        height = 0;
    struct rect top = {r->x, r->y, r->width, height};
    r->y += height;
    r->height -= height;
    return top;
}

struct rect rect_cut_bottom(struct rect *r, int height)
{
    struct rect rest = *r;
    *r = rect_cut_top(&rest, r->height - (height < 0 ? 0 : height));
    return rest;
}

struct rect rect_cut_left(struct rect *r, int width)
{
    if (width > r->width)
        width = r->width;
    if (width < 0)
        width = 0;
    struct rect left = {r->x, r->y, width, r->height};
    r->x += width;
    r->width -= width;
    return left;
}

struct rect rect_cut_right(struct rect *r, int width)
{
    struct rect rest = *r;
    *r = rect_cut_left(&rest, r->width - (width < 0 ? 0 : width));
    return rest;
}

struct rect rect_inset(struct rect r, int x, int y)
{
    return (struct rect){r.x + x, r.y + y, r.width - 2 * x, r.height - 2 * y};
}

struct rect rect_common(struct rect a, struct rect b)
{
    int x0 = a.x > b.x ? a.x : b.x, y0 = a.y > b.y ? a.y : b.y;
    int x1 = a.x + a.width < b.x + b.width ? a.x + a.width : b.x + b.width;
    int y1 = a.y + a.height < b.y + b.height ? a.y + a.height : b.y + b.height;
    return (struct rect){x0, y0, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0};
}

void canvas_init(struct canvas *c, int width, int height, enum glyphs glyphs, bool utf8)
{
    *c = (struct canvas){.glyphs = glyphs, .utf8 = utf8};
    canvas_resize(c, width, height);
}

void canvas_fini(struct canvas *c)
{
    free(c->cells);
    c->cells = NULL;
}

static int limited(int size)
{
    return size < 1 ? 1 : size > 1000 ? 1000 : size;
}

void canvas_resize(struct canvas *c, int width, int height)
{
    c->width = limited(width);
    c->height = limited(height);
    c->cells = mem_realloc(c->cells, (size_t)c->width * (size_t)c->height, sizeof *c->cells);
    canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
    size_t n = (size_t)c->width * (size_t)c->height;
    for (size_t i = 0; i < n; i++)
        c->cells[i] = blank;
    c->clip = canvas_area(c);
    c->cursor_x = c->cursor_y = -1;
}

struct rect canvas_area(const struct canvas *c)
{
    return (struct rect){0, 0, c->width, c->height};
}

struct rect canvas_clip(struct canvas *c, struct rect r)
{
    struct rect old = c->clip;
    c->clip = rect_common(old, r);
    return old;
}

void canvas_unclip(struct canvas *c, struct rect old)
{
    c->clip = old;
}

// What stands for a character where it cannot be shown: our own signs have a letter or line that reads the same.
static uint32_t ascii_for(uint32_t code)
{
    static const struct {
        uint32_t code;
        char ascii;
    } table[] = {
        {0x2500, '-'}, {0x2501, '='}, {0x2502, '|'}, {0x2503, '|'}, {0x250c, '+'}, {0x2510, '+'}, {0x2514, '+'},
        {0x2518, '+'}, {0x251c, '+'}, {0x2524, '+'}, {0x252c, '+'}, {0x2534, '+'}, {0x253c, '+'}, {0x2550, '='},
        {0x25cf, '*'}, {0x25cb, 'o'}, {0x25a0, '*'}, {0x25a1, '.'}, {0x25b6, '>'}, {0x25b8, '>'}, {0x25c6, '*'},
        {0x25bc, 'v'}, {0x25b2, '^'}, {0x2190, '<'}, {0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'}, {0x2212, '-'},
        {0x2713, '+'}, {0x2717, 'x'}, {0x00d7, 'x'}, {0x00b7, '.'}, {0x2026, '~'}, {0x2013, '-'}, {0x2014, '-'},
        {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'}, {0x201d, '"'}, {0x00a0, ' '}, {0x2591, '.'}, {0x2592, ':'},
        {0x2593, '#'}, {0x2588, '#'}, {0x00b1, '~'}, {0x2264, '<'}, {0x2265, '>'},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return (uint32_t)table[i].ascii;
    return 0;
}

// Where half of a wide character is overwritten, its other half becomes blank.
static void free_cell(struct canvas *c, int x, int y)
{
    struct cell *row = c->cells + (size_t)y * (size_t)c->width;
    if (row[x].columns == 0 && x > 0) {
        row[x - 1].code[0] = ' ';
        row[x - 1].code[1] = row[x - 1].code[2] = 0;
        row[x - 1].columns = 1;
    } else if (row[x].columns == 2 && x + 1 < c->width) {
        row[x + 1] = (struct cell){.code = {' '}, .style = row[x].style, .columns = 1};
    }
}

// Terminals disagree on how wide an emoji is that joiners, variation selectors, skin tones or tags are part of: some draw
// one picture of two columns, some all parts beside each other. A picture of another width than ours would push the rest
// of the line along. Without these characters every terminal draws the parts, each as wide as the table says.
static bool changes_width(uint32_t code, const struct cell *base)
{
    return code == 0xfe0e || code == 0xfe0f || (code >= 0x1f3fb && code <= 0x1f3ff) ||
           (code >= 0xe0020 && code <= 0xe007f) || (code == 0x200d && base->columns == 2);
}

static void add_mark(struct canvas *c, int x, int y, uint32_t code)
{
    if (x < c->clip.x || x >= c->clip.x + c->clip.width)
        return;
    struct cell *cell = c->cells + (size_t)y * (size_t)c->width + (size_t)x;
    if (cell->columns == 0 && x > 0)
        cell--;
    if (changes_width(code, cell))
        return;
    if (!cell->code[1])
        cell->code[1] = code;
    else if (!cell->code[2])
        cell->code[2] = code;
}

void canvas_put(struct canvas *c, int x, int y, uint32_t code, struct style style)
{
    if (y < c->clip.y || y >= c->clip.y + c->clip.height)
        return;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        code = 0xfffd;
    if (code > 0x7e && (!c->utf8 || c->glyphs == GLYPHS_ASCII)) {
        uint32_t ascii = ascii_for(code);
        if (ascii)
            code = ascii;
    }
    if (code >= 0x1f1e6 && code <= 0x1f1ff)
        code = 'A' + code - 0x1f1e6; // flags are two letters: alone, or drawn again alone, they mean what they say
    int columns = utf8_columns(code);
    if (code > 0x7e && !c->utf8)
        code = '?'; // of as many columns as it would have, so that the layout stays
    if (columns == 0) {
        if (c->utf8)
            add_mark(c, x - 1, y, code);
        return;
    }
    int right = c->clip.x + c->clip.width;
    if (x >= right || x < c->clip.x)
        return;
    if (columns == 2 && x + 1 >= right) {
        code = ' ';
        columns = 1;
    }
    struct cell *cell = c->cells + (size_t)y * (size_t)c->width + (size_t)x;
    free_cell(c, x, y);
    if (columns == 2)
        free_cell(c, x + 1, y);
    if (columns == 2 && code == '?') {
        cell[0] = cell[1] = (struct cell){.code = {'?'}, .style = style, .columns = 1};
        return;
    }
    cell[0] = (struct cell){.code = {code}, .style = style, .columns = (uint8_t)columns};
    if (columns == 2)
        cell[1] = (struct cell){.style = style};
}

int scroll_top(int top, int cursor, int n, int visible)
{
    if (cursor >= 0 && cursor < top)
        top = cursor;
    if (cursor >= top + visible)
        top = cursor - visible + 1;
    if (top > n - visible)
        top = n - visible;
    return top > 0 ? top : 0;
}

void canvas_fill(struct canvas *c, struct rect r, uint32_t code, struct style style)
{
    r = rect_common(r, c->clip);
    for (int y = r.y; y < r.y + r.height; y++)
        for (int x = r.x; x < r.x + r.width; x++)
            canvas_put(c, x, y, code, style);
}

void canvas_restyle(struct canvas *c, struct rect r, struct style add)
{
    r = rect_common(r, c->clip);
    for (int y = r.y; y < r.y + r.height; y++) {
        for (int x = r.x; x < r.x + r.width; x++) {
            struct style *style = &c->cells[(size_t)y * (size_t)c->width + (size_t)x].style;
            style->attr |= add.attr;
            if (add.fg != COLOR_DEFAULT)
                style->fg = add.fg;
            if (add.bg != COLOR_DEFAULT)
                style->bg = add.bg;
        }
    }
}

void canvas_hline(struct canvas *c, int x, int y, int width, struct style style)
{
    for (int i = 0; i < width; i++)
        canvas_put(c, x + i, y, 0x2500, style);
}

void canvas_vline(struct canvas *c, int x, int y, int height, struct style style)
{
    for (int i = 0; i < height; i++)
        canvas_put(c, x, y + i, 0x2502, style);
}

// In eighths of a cell where there are block characters.
void canvas_bar(struct canvas *c, int x, int y, int width, double share, struct style style)
{
    if (!(share > 0))
        share = 0;
    if (share > 1)
        share = 1;
    bool blocks = c->utf8 && c->glyphs != GLYPHS_ASCII;
    int eighths = (int)(share * width * 8 + 0.5);
    for (int i = 0; i < width; i++) {
        int part = eighths - i * 8;
        if (part >= 8)
            canvas_put(c, x + i, y, blocks ? 0x2588 : '#', style);
        else if (part > 0 && blocks)
            canvas_put(c, x + i, y, 0x2590 - (uint32_t)part, style);
        else
            canvas_put(c, x + i, y, blocks ? 0x2591 : '.', STYLE(COLOR_MUTED, .bg = style.bg));
    }
}

void canvas_spark(struct canvas *c, int x, int y, int width, const double *values, int n, struct style style)
{
    static const char levels[] = "_.,-~^*#";
    if (width < 1 || n < 1)
        return;
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++) {
        if (isfinite(values[i])) {
            low = fmin(low, values[i]);
            high = fmax(high, values[i]);
        }
    }
    bool blocks = c->utf8 && c->glyphs != GLYPHS_ASCII;
    for (int i = 0; i < width; i++) {
        // Fewer values than columns: at the left, so that a growing curve grows; more: the mean of those that share one.
        int from = n <= width ? i : (int)((int64_t)i * n / width);
        int to = n <= width ? i + 1 : (int)((int64_t)(i + 1) * n / width);
        double sum = 0;
        int count = 0;
        for (int k = from; k < to && k < n; k++) {
            if (isfinite(values[k])) {
                sum += values[k];
                count++;
            }
        }
        if (!count)
            continue;
        double share = high > low ? (sum / count - low) / (high - low) : 0.5;
        int level = (int)(share * 7 + 0.5);
        canvas_put(c, x + i, y, blocks ? 0x2581 + (uint32_t)level : (uint32_t)levels[level], style);
    }
}

const struct cell *canvas_cell(const struct canvas *c, int x, int y)
{
    return x >= 0 && y >= 0 && x < c->width && y < c->height ? c->cells + (size_t)y * (size_t)c->width + (size_t)x
                                                             : &blank;
}

bool cell_equal(const struct cell *a, const struct cell *b)
{
    return a->code[0] == b->code[0] && a->code[1] == b->code[1] && a->code[2] == b->code[2] &&
           a->style.fg == b->style.fg && a->style.bg == b->style.bg && a->style.attr == b->style.attr &&
           a->columns == b->columns;
}
