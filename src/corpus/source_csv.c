// CSV and TSV (RFC 4180) with a header row: quoted cells with doubled quotes and line ends in them, LF, CRLF or CR, a byte
// order mark. What parts the cells is the character that the header has most of: comma, tab or semicolon.
#include "config.h"

#include "corpus/source_kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

enum { MAX_COLUMNS = 1000 };

struct csv {
    const char *path, *bytes;
    size_t n_bytes, at;
    int64_t line; // of bytes[at], from 1
    bool old_mac; // lines end with CR alone: no LF is in the file
    char delimiter;
    char **columns; // (n_columns); NULL: a column without a name, which is not read
    size_t n_columns;
    struct str cells;               // of the current row, each with a NUL behind it
    size_t ends[MAX_COLUMNS];       // where the cell ends in `cells`
    size_t n_cells;
    char damage[240];
};

static bool at_line_end(const struct csv *s)
{
    return s->at >= s->n_bytes || s->bytes[s->at] == '\n' ||
           (s->bytes[s->at] == '\r' && (s->old_mac || s->at + 1 == s->n_bytes || s->bytes[s->at + 1] == '\n'));
}

static void skip_line_end(struct csv *s)
{
    if (s->at < s->n_bytes && s->bytes[s->at] == '\r')
        s->at++;
    if (s->at < s->n_bytes && s->bytes[s->at] == '\n')
        s->at++;
    else if (!s->old_mac)
        return;
    s->line++;
}

static void skip_rest_of_line(struct csv *s)
{
    const char *newline = memchr(s->bytes + s->at, s->old_mac ? '\r' : '\n', s->n_bytes - s->at);
    s->at = newline ? (size_t)(newline - s->bytes) : s->n_bytes;
    skip_line_end(s);
}

// From behind the opening quote to behind the closing one.
static int quoted_cell(struct csv *s, struct err *e)
{
    const int64_t line = s->line;
    for (;;) {
        const char *quote = memchr(s->bytes + s->at, '"', s->n_bytes - s->at);
        if (!quote)
            return err_set(e, ERR_INPUT, "cannot read %s: the quote that opens at line %lld is never closed (a quote "
                           "inside of a quoted cell is written twice)", s->path, (long long)line);
        const size_t end = (size_t)(quote - s->bytes);
        for (size_t i = s->at; i < end; i++)
            s->line += s->bytes[i] == (s->old_mac ? '\r' : '\n');
        str_addn(&s->cells, s->bytes + s->at, end - s->at);
        s->at = end + 1;
        if (s->at >= s->n_bytes || s->bytes[s->at] != '"')
            return 0;
        str_addc(&s->cells, '"');
        s->at++;
    }
}

static void plain_cell(struct csv *s)
{
    const size_t begin = s->at;
    while (!at_line_end(s) && s->bytes[s->at] != s->delimiter)
        s->at++;
    str_addn(&s->cells, s->bytes + begin, s->at - begin);
}

// The cells of one row: 1; 0 at the end of the file. What is wrong with the row alone goes to s->damage.
static int read_cells(struct csv *s, int64_t *line, struct err *e)
{
    while (s->at < s->n_bytes && at_line_end(s)) // an empty line is no row
        skip_line_end(s);
    if (s->at >= s->n_bytes)
        return 0;
    *line = s->line;
    const size_t begin = s->at;
    s->n_cells = 0;
    s->damage[0] = '\0';
    str_clear(&s->cells);
    for (;;) {
        const bool quoted = s->at < s->n_bytes && s->bytes[s->at] == '"';
        if (quoted) {
            s->at++;
            int code = quoted_cell(s, e);
            if (code)
                return code;
        } else {
            plain_cell(s);
        }
        const bool ended = at_line_end(s);
        if (!ended && s->bytes[s->at] != s->delimiter) {
            snprintf(s->damage, sizeof s->damage, "text stands behind the closing quote of cell %zu (a quote inside of a "
                     "quoted cell is written twice)", s->n_cells + 1);
            skip_rest_of_line(s);
            return 1;
        }
        if (s->n_cells < MAX_COLUMNS)
            s->ends[s->n_cells] = s->cells.len;
        s->n_cells++;
        str_addc(&s->cells, '\0');
        if (ended)
            break;
        s->at++;
    }
    if (s->at - begin > SOURCE_MAX_ROW_BYTES)
        snprintf(s->damage, sizeof s->damage, "the row is longer than 16 MiB");
    else if (!utf8_is_valid(s->bytes + begin, s->at - begin))
        snprintf(s->damage, sizeof s->damage, "the row is not valid UTF-8");
    skip_line_end(s);
    return 1;
}

static const char *cell(const struct csv *s, size_t i, size_t *n)
{
    const size_t begin = i ? s->ends[i - 1] + 1 : 0;
    *n = s->ends[i] - begin;
    return str_text(&s->cells) + begin;
}

static int next(void *state, struct source_row *out, struct err *e)
{
    struct csv *s = state;
    int code = read_cells(s, &out->line, e);
    if (code <= 0)
        return code;
    if (!s->damage[0] && s->n_cells != s->n_columns)
        snprintf(s->damage, sizeof s->damage, "the row has %zu %s, the header names %zu (a text with %s in it must stand "
                 "in quotes)", s->n_cells, text_plural((int64_t)s->n_cells, "cell", "cells"), s->n_columns,
                 s->delimiter == ',' ? "commas" : s->delimiter == ';' ? "semicolons" : "tabs");
    if (s->damage[0]) {
        out->damage = s->damage;
        return 1;
    }
    out->object = json_object();
    for (size_t i = 0; i < s->n_columns; i++) {
        size_t n;
        const char *bytes = cell(s, i, &n);
        if (s->columns[i])
            json_object_set_new_nocheck(out->object, s->columns[i], csv_cell(s->columns[i], bytes, n));
    }
    return 1;
}

static void close_csv(void *state)
{
    struct csv *s = state;
    for (size_t i = 0; s->columns && i < s->n_columns; i++)
        free(s->columns[i]);
    free(s->columns);
    str_fini(&s->cells);
    free(s);
}

static char find_delimiter(const struct csv *s, char likely)
{
    static const char candidates[] = ",\t;";
    size_t counts[3] = {0};
    bool in_quotes = false;
    for (size_t i = s->at;
         i < s->n_bytes && (in_quotes || (s->bytes[i] != '\n' && !(s->old_mac && s->bytes[i] == '\r'))); i++) {
        const char *is = s->bytes[i] ? strchr(candidates, s->bytes[i]) : NULL;
        in_quotes = in_quotes != (s->bytes[i] == '"');
        if (is && !in_quotes)
            counts[is - candidates]++;
    }
    size_t best = (size_t)(strchr(candidates, likely) - candidates);
    for (size_t i = 0; i < 3; i++)
        if (counts[i] > counts[best])
            best = i;
    return candidates[best];
}

static int read_header(struct csv *s, struct err *e)
{
    int64_t line;
    int code = read_cells(s, &line, e);
    if (code < 0)
        return code;
    if (code == 0)
        return err_set(e, ERR_INPUT, "cannot use %s as data: it holds no rows", s->path);
    if (s->damage[0])
        return err_set(e, ERR_INPUT, "cannot read %s: in the header, line %lld, %s", s->path, (long long)line, s->damage);
    if (s->n_cells > MAX_COLUMNS)
        return err_set(e, ERR_LIMIT, "%s has %zu columns, at most %d are read", s->path, s->n_cells, MAX_COLUMNS);
    s->n_columns = s->n_cells;
    s->columns = mem_alloc(s->n_columns, sizeof *s->columns);
    for (size_t i = 0; i < s->n_columns; i++) {
        size_t n;
        const char *name = cell(s, i, &n);
        for (; n && strchr(" \t", *name); n--)
            name++;
        while (n && strchr(" \t", name[n - 1]))
            n--;
        if (memchr(name, '\0', n))
            return err_set(e, ERR_INPUT, "cannot read %s: the name of column %zu holds a NUL character", s->path, i + 1);
        s->columns[i] = n ? mem_strndup(name, n) : NULL;
        for (size_t j = 0; n && j < i; j++)
            if (s->columns[j] && strcmp(s->columns[j], s->columns[i]) == 0)
                return err_set(e, ERR_INPUT, "cannot read %s: columns %zu and %zu of its header, line %lld, are both "
                               "named \"%.80s\"", s->path, j + 1, i + 1, (long long)line, s->columns[i]);
    }
    return 0;
}

static const struct source_ops csv_ops = {.name = "CSV", .unit = "line", .next = next, .close = close_csv};
static const struct source_ops tsv_ops = {.name = "TSV", .unit = "line", .next = next, .close = close_csv};

int source_open_csv(void **state, const struct source_ops **ops, const char *path, const char *bytes, size_t n,
                    char delimiter, struct err *e)
{
    struct csv *s = mem_alloc(1, sizeof *s);
    s->path = path;
    s->bytes = bytes;
    s->n_bytes = n;
    s->at = n >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    s->line = 1;
    s->old_mac = !memchr(bytes, '\n', n);
    s->cells.max = SIZE_MAX / 2; // the file's size is the bound
    s->delimiter = find_delimiter(s, delimiter);
    int code = read_header(s, e);
    if (code) {
        close_csv(s);
        return code;
    }
    *ops = s->delimiter == '\t' ? &tsv_ops : &csv_ops;
    *state = s;
    return 0;
}
