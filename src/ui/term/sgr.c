#include "config.h"

#include "ui/term/sgr.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MOST_SEQUENCE = 64 };

struct pen {
    uint8_t fg, attr;
    bool dim;
};

// The eight colours as meanings that every palette has; black and white are the terminal's own text.
static uint8_t meaning(int color)
{
    static const uint8_t colors[8] = {COLOR_DEFAULT, COLOR_BAD,    COLOR_GOOD,   COLOR_WARN,
                                      COLOR_TITLE,   COLOR_ACCENT, COLOR_ACCENT, COLOR_DEFAULT};
    return color == 8 ? COLOR_MUTED : color >= 0 && color < 16 ? colors[color % 8] : COLOR_DEFAULT;
}

static void set(struct pen *p, int code)
{
    if (code == 0)
        *p = (struct pen){0};
    else if (code == 1)
        p->attr |= ATTR_BOLD;
    else if (code == 2)
        p->dim = true;
    else if (code == 4)
        p->attr |= ATTR_UNDERLINE;
    else if (code == 7)
        p->attr |= ATTR_REVERSE;
    else if (code == 22) {
        p->attr &= (uint8_t)~ATTR_BOLD;
        p->dim = false;
    } else if (code == 24)
        p->attr &= (uint8_t)~ATTR_UNDERLINE;
    else if (code == 27)
        p->attr &= (uint8_t)~ATTR_REVERSE;
    else if ((code >= 30 && code <= 37) || code == 39)
        p->fg = code == 39 ? COLOR_DEFAULT : meaning(code - 30);
    else if (code >= 90 && code <= 97)
        p->fg = meaning(code - 90 + 8);
}

// "1;31", "38;5;9;1", "38:5:9": parameters apart by ; with parts apart by : where they belong to one. Of colours beyond the
// sixteen nothing is known but that they are some.
static void obey(struct pen *p, const char *text, size_t n)
{
    int numbers[MOST_SEQUENCE] = {0}, count = 1;
    for (size_t i = 0; i < n; i++)
        if (text[i] == ';' || text[i] == ':')
            count++;
        else if (numbers[count - 1] < 1000)
            numbers[count - 1] = numbers[count - 1] * 10 + (text[i] - '0');
    for (int i = 0; i < count; i++) {
        const bool extended = numbers[i] == 38 || numbers[i] == 48;
        const int kind = extended && i + 1 < count ? numbers[i + 1] : 0;
        if (!extended) {
            set(p, numbers[i]);
            continue;
        }
        if (numbers[i] == 38)
            p->fg = kind == 5 && i + 2 < count ? meaning(numbers[i + 2]) : COLOR_DEFAULT;
        i += kind == 5 ? 2 : memchr(text, ':', n) ? count : 4;
    }
}

// Bytes of a whole sequence ESC [ digits and ; : that ends in m or K; 0: it is none.
static size_t sequence(const char *bytes, size_t n)
{
    size_t i = 2;
    if (n < 3 || bytes[0] != '\x1b' || bytes[1] != '[')
        return 0;
    while (i < n && i < MOST_SEQUENCE && strchr("0123456789;:", bytes[i]) && bytes[i])
        i++;
    return i < n && (bytes[i] == 'm' || bytes[i] == 'K') ? i + 1 : 0;
}

static void add(struct sgr_text *t, const struct pen *p, const char *bytes, size_t n)
{
    const struct style style = {.fg = p->fg == COLOR_DEFAULT && p->dim ? COLOR_MUTED : p->fg, .attr = p->attr};
    struct canvas_span *last = t->n_spans ? &t->spans[t->n_spans - 1] : NULL;
    str_addn(&t->text, bytes, n);
    if (last && last->style.fg == style.fg && last->style.attr == style.attr) {
        last->n_bytes += n;
        return;
    }
    MEM_GROW(t->spans, t->n_spans, t->cap_spans);
    t->spans[t->n_spans++] = (struct canvas_span){n, style};
}

static void cut_to(struct sgr_text *t, size_t length)
{
    while (t->text.len > length) {
        struct canvas_span *last = &t->spans[t->n_spans - 1];
        const size_t over = t->text.len - length, n = over < last->n_bytes ? over : last->n_bytes;
        last->n_bytes -= n;
        t->text.len -= n;
        t->n_spans -= last->n_bytes == 0;
    }
    if (t->text.data)
        t->text.data[t->text.len] = '\0';
}

void sgr_read(struct sgr_text *out, const char *bytes, size_t n)
{
    struct pen pen = {0};
    size_t line = 0; // where the line begins in the text
    bool returned = false;
    str_clear(&out->text);
    out->n_spans = 0;
    for (size_t i = 0; i < n;) {
        const size_t used = sequence(bytes + i, n - i);
        if (used) {
            if (bytes[i + used - 1] == 'm')
                obey(&pen, bytes + i + 2, used - 3);
            i += used;
            continue;
        }
        if (bytes[i] == '\r') {
            returned = true;
            i++;
            continue;
        }
        if (returned && bytes[i] != '\n')
            cut_to(out, line);
        returned = false;
        add(out, &pen, bytes + i, 1);
        if (bytes[i++] == '\n')
            line = out->text.len;
    }
}

void sgr_fini(struct sgr_text *t)
{
    str_fini(&t->text);
    free(t->spans);
    *t = (struct sgr_text){0};
}
