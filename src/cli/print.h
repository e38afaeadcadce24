// Output for people: width and colour of the terminal, wrapped text, aligned tables. What comes from models or
// data is shown with control bytes made visible.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

// Columns of the terminal that `out` is, between 40 and 140; 80 when it is none. $COLUMNS wins.
int print_width(FILE *out);
// A word to the person that something was done, which --quiet leaves out; never what was asked for.
void print_said(const char *format, ...) __attribute__((format(printf, 1, 2)));
// Colour is used on a terminal only, elsewhere with CLICOLOR_FORCE; not with NO_COLOR or, unless forced, TERM=dumb.
enum print_style { PRINT_BOLD, PRINT_DIM, PRINT_GOOD, PRINT_WARN, PRINT_BAD };
const char *print_on(FILE *out, enum print_style style); // "" without colour
const char *print_off(FILE *out);

// Text wrapped at `width`; the first line starts at column `at`, the others after `indent` blanks. Lines that
// start with a blank are kept as they are.
void print_wrapped(FILE *out, const char *text, int at, int indent, int width);
// Text from outside on one line, cut to `columns` with "..." (0: not cut).
void print_visible(FILE *out, const char *text, int columns);

// A line of n texts (const char *) as a table has it with --plain; print_is_plain: whether lines that stand in columns are
// to be these.
bool print_is_plain(void);
void print_record(FILE *out, int n, ...);

// A table: cells are added row by row, columns get as wide as their cells, numbers are right-aligned.
struct print_table {
    struct print_cell {
        char *text;
        int style; // enum print_style, -1: plain
    } *cells;
    size_t n_cells, cap_cells;
    int n_columns;
    const char *align; // one a column: 'l' or 'r'; 'L': may be cut; 'W', the last one: wrapped, its lines below one another
    const char *spare; // one character a column: '1' is left out first where not all fit, then '2', ...; '-' never. NULL:
                       // none
};
void print_table_init(struct print_table *t, const char *align);
void print_table_cell(struct print_table *t, int style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Columns of `spare` are left out and the widest left column that is marked 'L' is cut so that the table fits. Frees
// the cells; `out` NULL: only that. With --plain none of it: a row is a line of all its cells with tabs between them.
void print_table_end(struct print_table *t, FILE *out, int width);

// "2026-11-22 14:03", local time; "-" for 0.
const char *print_time(char *out, size_t size, long long wall_ms);
// A metric: 4 significant digits, "-" for NaN when `dash`.
const char *print_number(char *out, size_t size, double value);
