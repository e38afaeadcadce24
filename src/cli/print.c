#include "config.h"

#include "cli/print.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/manner.h"
#include "base/mem.h"
#include "base/utf8.h"

int print_width(FILE *out)
{
    const char *columns = getenv("COLUMNS");
    int64_t width = 80;
    struct winsize size;
    if (!columns || !text_to_i64(columns, &width)) {
        width = 80;
        if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
            width = size.ws_col;
    }
    return width < 40 ? 40 : width > 140 ? 140 : (int)width;
}

static bool has_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM"), *force = getenv("CLICOLOR_FORCE");
    if (no && *no)
        return false;
    if (force && *force && strcmp(force, "0") != 0)
        return true;
    return isatty(fileno(out)) && term && strcmp(term, "dumb") != 0;
}

void print_said(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!manner_is(MANNER_QUIET))
        vprintf(format, args);
    va_end(args);
}

const char *print_on(FILE *out, enum print_style style)
{
    static const char *const codes[] = {"\033[1m", "\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    return has_colour(out) ? codes[style] : "";
}

const char *print_off(FILE *out)
{
    return has_colour(out) ? "\033[0m" : "";
}

// One paragraph, text[0..n) without newlines; *at is the column where the next word would start.
static void wrap_paragraph(FILE *out, const char *text, size_t n, int *at, int indent, int width)
{
    bool first = true;
    for (size_t i = 0; i < n;) {
        size_t start = i;
        while (i < n && text[i] != ' ')
            i++;
        int columns = (int)utf8_text_columns(text + start, i - start);
        if (!first && *at + 1 + columns > width) {
            fprintf(out, "\n%*s", indent, "");
            *at = indent;
        } else if (!first) {
            fputc(' ', out);
            (*at)++;
        }
        fwrite(text + start, 1, i - start, out);
        *at += columns;
        first = false;
        while (i < n && text[i] == ' ')
            i++;
    }
}

void print_wrapped(FILE *out, const char *text, int at, int indent, int width)
{
    for (;;) {
        size_t n = strcspn(text, "\n");
        if (*text == ' ') {
            fwrite(text, 1, n, out);
            at += (int)n;
        } else {
            wrap_paragraph(out, text, n, &at, indent, width);
        }
        fputc('\n', out);
        if (!text[n] || !text[n + 1])
            return;
        text += n + 1;
        if (*text != '\n')
            fprintf(out, "%*s", indent, "");
        at = indent;
    }
}

// Cuts visible text to a number of columns, with "..." where something was lost.
static void cut_columns(struct str *s, int columns)
{
    if (columns <= 3 || (int)utf8_text_columns(s->data, s->len) <= columns)
        return;
    size_t i = 0;
    int used = 0;
    while (i < s->len) {
        uint32_t code;
        size_t n = utf8_decode(s->data + i, s->len - i, &code);
        int wide = code == UTF8_BAD ? 1 : utf8_columns(code);
        if (used + wide > columns - 3)
            break;
        used += wide;
        i += n;
    }
    s->data[i] = 0;
    s->len = i;
    str_add(s, "...");
}

void print_visible(FILE *out, const char *text, int columns)
{
    struct str s = {0};
    str_add_visible(&s, text, strlen(text), false);
    if (columns && s.len)
        cut_columns(&s, columns);
    fputs(str_text(&s), out);
    str_fini(&s);
}

void print_table_init(struct print_table *t, const char *align)
{
    *t = (struct print_table){.align = align, .n_columns = (int)strlen(align)};
}

void print_table_cell(struct print_table *t, int style, const char *format, ...)
{
    struct str raw = {0}, shown = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&raw, format, args);
    va_end(args);
    str_add_visible(&shown, str_text(&raw), raw.len, false);
    str_fini(&raw);
    MEM_GROW(t->cells, t->n_cells, t->cap_cells);
    str_add(&shown, ""); // an empty cell is a text, too
    t->cells[t->n_cells++] = (struct print_cell){.text = shown.data ? str_take(&shown) : mem_strdup(""), .style = style};
}

static int cell_columns(const struct print_cell *cell)
{
    return (int)utf8_text_columns(cell->text, strlen(cell->text));
}

// at: where the cell begins, width: where the line ends.
static void print_wrapped_cell(FILE *out, const struct print_cell *cell, int at, int width)
{
    if (cell->style >= 0)
        fputs(print_on(out, (enum print_style)cell->style), out);
    print_wrapped(out, cell->text, at, at, width);
    if (cell->style >= 0)
        fputs(print_off(out), out);
}

static void print_cell(FILE *out, const struct print_cell *cell, int width, char align, bool last)
{
    int pad = width - cell_columns(cell);
    if (align == 'r')
        fprintf(out, "%*s", pad, "");
    if (cell->style >= 0)
        fputs(print_on(out, (enum print_style)cell->style), out);
    fputs(cell->text, out);
    if (cell->style >= 0)
        fputs(print_off(out), out);
    if (align != 'r' && !last)
        fprintf(out, "%*s", pad, "");
}

// Leaves out columns, in the order of t->spare, until the others fit; a column that is left out has the width -1.
static int leave_out(const struct print_table *t, int *widths, int total, int width)
{
    for (char order = '1'; t->spare && order <= '9' && total > width; order++) {
        const char *at = strchr(t->spare, order);
        if (!at)
            continue;
        int *c = &widths[at - t->spare];
        total -= *c + 2;
        *c = -1;
    }
    return total;
}

static void free_table(struct print_table *t)
{
    for (size_t i = 0; i < t->n_cells; i++)
        free(t->cells[i].text);
    free(t->cells);
    *t = (struct print_table){0};
}

// Tabs and ends of lines within a cell were made visible when it was added.
static void print_plainly(const struct print_table *t, FILE *out)
{
    for (size_t i = 0; i < t->n_cells; i++)
        fprintf(out, "%s%c", t->cells[i].text, (i + 1) % (size_t)t->n_columns ? '\t' : '\n');
}

bool print_is_plain(void)
{
    return manner_is(MANNER_PLAIN);
}

void print_record(FILE *out, int n, ...)
{
    va_list args;
    struct print_table t = {.n_columns = n};
    va_start(args, n);
    for (int i = 0; i < n; i++)
        print_table_cell(&t, -1, "%s", va_arg(args, const char *));
    va_end(args);
    print_plainly(&t, out);
    free_table(&t);
}

void print_table_end(struct print_table *t, FILE *out, int width)
{
    if (print_is_plain()) {
        if (out)
            print_plainly(t, out);
        free_table(t);
        return;
    }
    int *widths = mem_alloc((size_t)t->n_columns, sizeof *widths), total = 0, widest = -1;
    for (size_t i = 0; i < t->n_cells; i++) {
        int c = (int)(i % (size_t)t->n_columns), columns = cell_columns(&t->cells[i]);
        if (columns > widths[c])
            widths[c] = columns;
    }
    for (int c = 0; c < t->n_columns; c++) {
        total += widths[c] + (c ? 2 : 0);
        if (t->align[c] == 'L' && (widest < 0 || widths[c] > widths[widest]))
            widest = c;
    }
    total = leave_out(t, widths, total, width);
    int n_shown = t->n_columns;
    while (n_shown > 1 && widths[n_shown - 1] < 0)
        n_shown--;
    if (widest >= 0 && total > width) {
        int room = widths[widest] - (total - width);
        widths[widest] = room < 8 ? 8 : room;
    }
    for (size_t i = 0; i < t->n_cells; i++) {
        int c = (int)(i % (size_t)t->n_columns);
        bool last = c == n_shown - 1;
        if (widths[c] < 0)
            continue;
        if (c == widest) {
            struct str s = {0};
            str_add(&s, t->cells[i].text);
            if (s.len)
                cut_columns(&s, widths[c]);
            free(t->cells[i].text);
            t->cells[i].text = s.data ? str_take(&s) : mem_strdup("");
        }
        if (!out)
            continue;
        if (last && t->align[c] == 'W') {
            print_wrapped_cell(out, &t->cells[i], total - widths[c], width);
            continue;
        }
        print_cell(out, &t->cells[i], widths[c], t->align[c], last);
        fputs(last ? "\n" : "  ", out);
    }
    free_table(t);
    free(widths);
}

const char *print_time(char *out, size_t size, long long wall_ms)
{
    if (wall_ms == 0) {
        text_copy(out, size, "-");
        return out;
    }
    return clock_text(out, size, wall_ms, "%Y-%m-%d %H:%M");
}

const char *print_number(char *out, size_t size, double value)
{
    if (isnan(value))
        text_copy(out, size, "-");
    else if (value != 0 && (fabs(value) < 1e-3 || fabs(value) >= 1e6))
        snprintf(out, size, "%.2e", value);
    else
        snprintf(out, size, "%.4g", value);
    return out;
}
