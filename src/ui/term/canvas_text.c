// Text on a canvas: made visible, measured in columns, cut or broken into lines, as the title of a box; and the canvas as
// text.
#include "config.h"

#include "ui/term/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

int canvas_text(struct canvas *c, int x, int y, int max_columns, struct style style, const char *text)
{
    struct str shown = {.max = 64 * 1024};
    str_add_visible(&shown, text, strlen(text), false);
    const char *bytes = str_text(&shown);
    size_t n = shown.len;
    bool cut = max_columns >= 0 && utf8_text_columns(bytes, n) > (size_t)max_columns;
    int room = max_columns < 0 ? c->width : cut && max_columns >= 2 ? max_columns - 1 : max_columns;
    int end = x;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_decode(bytes + i, n - i, &code);
        int columns = code == UTF8_BAD ? 1 : utf8_columns(code);
        if (end - x + columns > room)
            break;
        canvas_put(c, end, y, code, style);
        end += columns;
    }
    if (cut && max_columns >= 2)
        canvas_put(c, end++, y, '~', style);
    str_fini(&shown);
    return end;
}

int canvas_text_end(struct canvas *c, int x, int y, int max_columns, struct style style, const char *text)
{
    size_t n = strlen(text), from = 0;
    if (max_columns < 2 || utf8_text_columns(text, n) <= (size_t)max_columns)
        return canvas_text(c, x, y, max_columns, style, text);
    while (from < n && utf8_text_columns(text + from, n - from) > (size_t)max_columns - 1) {
        uint32_t code;
        from += utf8_decode(text + from, n - from, &code);
    }
    canvas_put(c, x, y, '~', style);
    return canvas_text(c, x + 1, y, max_columns - 1, style, text + from);
}

int canvas_textf(struct canvas *c, int x, int y, int max_columns, struct style style, const char *format, ...)
{
    struct str s = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    int end = canvas_text(c, x, y, max_columns, style, str_text(&s));
    str_fini(&s);
    return end;
}

void canvas_text_right(struct canvas *c, int x, int y, int columns, struct style style, const char *text)
{
    int have = (int)utf8_text_columns(text, strlen(text));
    canvas_text(c, have < columns ? x + columns - have : x, y, columns, style, text);
}

struct rect canvas_box(struct canvas *c, struct rect r, struct style style, const char *title)
{
    if (r.width < 2 || r.height < 2)
        return (struct rect){r.x, r.y, 0, 0};
    int right = r.x + r.width - 1, bottom = r.y + r.height - 1;
    canvas_hline(c, r.x + 1, r.y, r.width - 2, style);
    canvas_hline(c, r.x + 1, bottom, r.width - 2, style);
    canvas_vline(c, r.x, r.y + 1, r.height - 2, style);
    canvas_vline(c, right, r.y + 1, r.height - 2, style);
    canvas_put(c, r.x, r.y, 0x250c, style);
    canvas_put(c, right, r.y, 0x2510, style);
    canvas_put(c, r.x, bottom, 0x2514, style);
    canvas_put(c, right, bottom, 0x2518, style);
    if (title && r.width > 6) {
        canvas_put(c, r.x + 2, r.y, ' ', style);
        int end = canvas_text(c, r.x + 3, r.y, r.width - 6, STYLE(COLOR_TITLE, .attr = ATTR_BOLD), title);
        canvas_put(c, end, r.y, ' ', style);
    }
    return rect_inset(r, 1, 1);
}

size_t canvas_break_line(const char *bytes, size_t n, int width, size_t *shown)
{
    int columns = 0;
    size_t space = 0, after_space = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        if (bytes[i] == '\n') {
            *shown = i;
            return i + 1;
        }
        size_t used = utf8_decode(bytes + i, n - i, &code);
        int wide = code == UTF8_BAD ? 1 : code == '\t' ? 4 : utf8_columns(code);
        if (code == ' ') {
            space = i;
            after_space = i + 1;
        }
        if (columns + wide > width && i > 0) {
            *shown = after_space ? space : i;
            return after_space ? after_space : i;
        }
        columns += wide;
        i += used;
    }
    *shown = n;
    return n;
}

// Spans of the text as ends in what is shown of it; a character that two of them share belongs to the first.
static size_t *show_spans(struct str *visible, const struct canvas_span *spans, int n_spans, const char *text,
                          size_t n_bytes)
{
    size_t *ends = mem_alloc((size_t)n_spans, sizeof *ends), at = 0, said = 0;
    for (int i = 0; i < n_spans; i++) {
        said = i == n_spans - 1 || spans[i].n_bytes > n_bytes - said ? n_bytes : said + spans[i].n_bytes;
        size_t end = said > at ? said : at;
        while (end > at && end < n_bytes && ((unsigned char)text[end] & 0xc0) == 0x80)
            end++;
        str_add_visible(visible, text + at, end - at, true);
        ends[i] = visible->len;
        at = end;
    }
    return ends;
}

int canvas_paragraph_spans(struct canvas *c, struct rect r, int skip, const struct canvas_span *spans, int n_spans,
                           const char *text, size_t n_bytes)
{
    struct str visible = {.max = 1024 * 1024};
    size_t *ends = show_spans(&visible, spans, n_spans, text, n_bytes), at = 0;
    const char *bytes = str_text(&visible);
    int line = 0, span = 0;
    while (at < visible.len && r.width > 0) {
        size_t shown, used = canvas_break_line(bytes + at, visible.len - at, r.width, &shown);
        const bool seen = line >= skip && line - skip < r.height;
        int x = r.x;
        for (size_t i = 0; i < shown && seen;) {
            uint32_t code;
            while (span < n_spans - 1 && at + i >= ends[span])
                span++;
            i += utf8_decode(bytes + at + i, shown - i, &code);
            if (code == '\t') {
                x += 4;
                continue;
            }
            canvas_put(c, x, r.y + line - skip, code, spans[span].style);
            x += code == UTF8_BAD ? 1 : utf8_columns(code);
        }
        line++;
        at += used;
    }
    free(ends);
    str_fini(&visible);
    return line;
}

int canvas_paragraph(struct canvas *c, struct rect r, int skip, struct style style, const char *text, size_t n_bytes)
{
    const struct canvas_span whole = {n_bytes, style};
    return canvas_paragraph_spans(c, r, skip, &whole, 1, text, n_bytes);
}

const char *color_name(enum color color)
{
    static const char *const names[] = {"default", "muted", "title", "accent", "good", "warn", "bad", "cursor"};
    static const char *const series[] = {"run-a", "run-b", "run-c", "run-d", "run-e", "run-f", "run-g", "run-h",
                                         "run-i", "run-j", "run-k", "run-l", "run-m", "run-n", "run-o", "run-p"};
    return color < COLOR_SERIES ? names[color] : color < COLOR_N ? series[color - COLOR_SERIES] : "?";
}

static void save_styles(const struct cell *row, int width, struct str *out)
{
    for (int x = 0; x < width;) {
        struct style s = row[x].style;
        int end = x + 1;
        while (end < width && row[end].style.fg == s.fg && row[end].style.bg == s.bg && row[end].style.attr == s.attr)
            end++;
        if (s.fg || s.bg || s.attr) {
            str_addf(out, "\t%d-%d %s", x, end - 1, color_name(s.fg));
            if (s.bg)
                str_addf(out, " on %s", color_name(s.bg));
            if (s.attr & ATTR_BOLD)
                str_add(out, " bold");
            if (s.attr & ATTR_UNDERLINE)
                str_add(out, " underline");
            if (s.attr & ATTR_REVERSE)
                str_add(out, " reverse");
            str_addc(out, '\n');
        }
        x = end;
    }
}

void canvas_save(const struct canvas *c, bool with_styles, struct str *out)
{
    for (int y = 0; y < c->height; y++) {
        const struct cell *row = c->cells + (size_t)y * (size_t)c->width;
        int width = c->width;
        while (width > 0 && row[width - 1].code[0] == ' ' && !row[width - 1].code[1])
            width--;
        for (int x = 0; x < width; x++) {
            for (int k = 0; k < 3 && row[x].code[k]; k++) {
                char bytes[4];
                str_addn(out, bytes, utf8_encode(row[x].code[k], bytes));
            }
        }
        str_addc(out, '\n');
        if (with_styles)
            save_styles(row, c->width, out);
    }
}
