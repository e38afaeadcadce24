// Rows as a CSV file (RFC 4180, with a head) or as lines of JSON, to a file or to standard output. A file is there whole or
// not at all. Numbers have the digits that tell them from every other.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum table_form { TABLE_CSV, TABLE_JSONL };

struct table_file;
// path "-": standard output, where text is made visible when that is a terminal. The names are borrowed.
int table_open(struct table_file **out, const char *path, enum table_form form, const char *const *columns, int n_columns,
               struct err *e);
// Cells of the row that is being made, by column, in ascending order; those that are left out are empty. CSV writes numbers
// that are not finite as NaN, inf and -inf; JSON, which has none, as null.
void table_text(struct table_file *t, int column, const char *text);
void table_number(struct table_file *t, int column, double value);
void table_int(struct table_file *t, int column, int64_t value);
int table_end_row(struct table_file *t, struct err *e);
int64_t table_rows(const struct table_file *t);
int table_commit(struct table_file *t, struct err *e); // frees t, also on failure
void table_abort(struct table_file *t);                // NULL is fine
