#include "config.h"

#include "ui/term/text_pane.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

enum { MAX_SHOWN = 16 << 20 };

void text_pane_fini(struct text_pane *p)
{
    str_fini(&p->shown);
    free(p->parts);
    free(p->lines);
    free(p->wanted);
    free(p->found);
    *p = (struct text_pane){0};
}

void text_pane_clear(struct text_pane *p)
{
    str_clear(&p->shown);
    p->n_parts = p->n_lines = p->top = p->n_found = 0;
    p->width = 0;
    p->begin = 0;
    p->at_found = -1;
    p->cut = false;
}

// ---- the text ----

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool is_at(const char *text, const char *what, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(text[i]) != lower(what[i]))
            return false;
    return true;
}

static void search(struct text_pane *p)
{
    const size_t n = p->wanted ? strlen(p->wanted) : 0;
    p->n_found = 0;
    p->at_found = -1;
    for (size_t i = 0; n > 0 && i + n <= p->shown.len;) {
        const bool here = is_at(p->shown.data + i, p->wanted, n);
        if (here) {
            MEM_GROW(p->found, p->n_found, p->cap_found);
            p->found[p->n_found++] = i;
        }
        i += here ? n : 1;
    }
}

static void add_part(struct text_pane *p, struct style style, const char *text, size_t n_bytes)
{
    p->shown.max = MAX_SHOWN;
    str_add_visible(&p->shown, text, n_bytes, true);
    p->cut |= p->shown.truncated;
    MEM_GROW(p->parts, p->n_parts, p->cap_parts);
    p->parts[p->n_parts++] = (struct text_pane_part){p->shown.len, style};
}

void text_pane_add_spans(struct text_pane *p, const struct canvas_span *spans, int n_spans, const char *text,
                         size_t n_bytes)
{
    size_t at = 0, said = 0;
    for (int i = 0; i < n_spans; i++) {
        said = i == n_spans - 1 || spans[i].n_bytes > n_bytes - said ? n_bytes : said + spans[i].n_bytes;
        size_t end = said > at ? said : at;
        while (end > at && end < n_bytes &&
               ((unsigned char)text[end] & 0xc0) == 0x80) // a character belongs to one part
            end++;
        add_part(p, spans[i].style, text + at, end - at);
        at = end;
    }
    p->width = 0;
    search(p);
}

void text_pane_add(struct text_pane *p, struct style style, const char *text, size_t n_bytes)
{
    const struct canvas_span whole = {n_bytes, style};
    text_pane_add_spans(p, &whole, 1, text, n_bytes);
}

void text_pane_begin_here(struct text_pane *p)
{
    p->begin = p->shown.len;
}

// ---- lines ----

// The line that holds the byte.
static int line_of(const struct text_pane *p, size_t byte)
{
    int low = 0, high = p->n_lines;
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (p->lines[middle] <= byte)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void break_lines(struct text_pane *p, int width)
{
    const size_t reading = p->top > 0 && p->top < p->n_lines ? p->lines[p->top] : 0;
    if (width == p->width)
        return;
    p->width = width;
    p->n_lines = 0;
    for (size_t at = 0, shown; at < p->shown.len && width > 0;) {
        MEM_GROW(p->lines, p->n_lines, p->cap_lines);
        p->lines[p->n_lines++] = at;
        at += canvas_break_line(p->shown.data + at, p->shown.len - at, width, &shown);
    }
    p->top = reading ? line_of(p, reading) : 0;
}

int text_pane_lines(struct text_pane *p, int width)
{
    break_lines(p, width);
    return p->n_lines;
}

static int last_top(const struct text_pane *p)
{
    return p->n_lines > p->height ? p->n_lines - p->height : 0;
}

bool text_pane_scroll_to(struct text_pane *p, int line)
{
    const int most = last_top(p), before = p->top;
    p->top = line < 0 ? 0 : line > most ? most : line;
    return p->top != before;
}

bool text_pane_scroll(struct text_pane *p, int lines)
{
    return text_pane_scroll_to(p, p->top + lines);
}

int text_pane_top(const struct text_pane *p)
{
    return p->top;
}

int text_pane_page(const struct text_pane *p)
{
    return p->height > 2 ? p->height - 1 : 1;
}

int text_pane_below(const struct text_pane *p)
{
    const int below = p->n_lines - p->top - p->height;
    return below > 0 ? below : 0;
}

// ---- drawing ----

// Where to go on among parts and places when lines are drawn in order.
struct reading {
    int part, found;
};

static struct style style_at(const struct text_pane *p, struct reading *r, size_t byte)
{
    const size_t n_wanted = p->wanted ? strlen(p->wanted) : 0;
    while (r->part < p->n_parts - 1 && byte >= p->parts[r->part].end)
        r->part++;
    while (r->found < p->n_found && byte >= p->found[r->found] + n_wanted)
        r->found++;
    struct style s = p->n_parts ? p->parts[r->part].style : STYLE(COLOR_DEFAULT);
    if (r->found < p->n_found && byte >= p->found[r->found]) {
        s.attr |= ATTR_REVERSE;
        if (r->found == p->at_found)
            s.attr |= ATTR_BOLD | ATTR_UNDERLINE;
    }
    return s;
}

static void draw_line(const struct text_pane *p, struct canvas *c, int x, int y, int line, struct reading *r)
{
    const size_t from = p->lines[line], to = line + 1 < p->n_lines ? p->lines[line + 1] : p->shown.len;
    size_t shown;
    canvas_break_line(p->shown.data + from, to - from, p->width, &shown);
    for (size_t i = 0; i < shown;) {
        uint32_t code;
        const struct style s = style_at(p, r, from + i);
        i += utf8_decode(p->shown.data + from + i, shown - i, &code);
        if (code == '\t') {
            x += 4;
            continue;
        }
        canvas_put(c, x, y, code, s);
        x += code == UTF8_BAD ? 1 : utf8_columns(code);
    }
}

void text_pane_draw(struct text_pane *p, struct canvas *c, struct rect r)
{
    struct reading at = {0};
    p->height = r.height > 0 ? r.height : 0;
    break_lines(p, r.width);
    if (p->begin && p->n_lines)
        p->top = line_of(p, p->begin);
    p->begin = 0;
    text_pane_scroll(p, 0);
    struct rect old = canvas_clip(c, r);
    for (int i = 0; i < p->height && p->top + i < p->n_lines; i++)
        draw_line(p, c, r.x, r.y + i, p->top + i, &at);
    canvas_unclip(c, old);
}

// ---- search ----

int text_pane_find(struct text_pane *p, const char *what)
{
    free(p->wanted);
    p->wanted = NULL;
    if (what && *what) {
        struct str visible = {0}; // as the text is
        str_add_visible(&visible, what, strlen(what), true);
        p->wanted = str_take(&visible);
    }
    search(p);
    return p->n_found;
}

int text_pane_find_next(struct text_pane *p, int step)
{
    if (p->n_found == 0)
        return 0;
    if (p->at_found >= 0) {
        p->at_found = (p->at_found + step + p->n_found) % p->n_found;
    } else {
        const size_t seen = p->top < p->n_lines ? p->lines[p->top] : 0;
        p->at_found = 0;
        while (p->at_found < p->n_found - 1 && p->found[p->at_found] < seen)
            p->at_found++;
    }
    const int line = line_of(p, p->found[p->at_found]);
    if (line < p->top || line >= p->top + p->height)
        text_pane_scroll_to(p, line - p->height / 3);
    return p->at_found + 1;
}

int text_pane_found(const struct text_pane *p)
{
    return p->n_found;
}
