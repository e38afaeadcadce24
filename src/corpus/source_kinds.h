// The kinds of files behind source.h. Each opens over bytes that outlive its state, or over a file.
#pragma once

#include <stdbool.h>

#include "corpus/source.h"

struct source_ops {
    const char *name; // "JSON lines"
    const char *unit; // what source_row.line counts: "line" or "row"
    // The next row: 1; 0 at the end; negative where nothing behind this place can be read. *out is zero before.
    int (*next)(void *state, struct source_row *out, struct err *e);
    void (*close)(void *state);
};

// JSON lines, a JSON array, or plain text. Never fails.
void source_open_records(void **state, const struct source_ops **ops, const char *bytes, size_t n, bool plain_text);
const char *source_records_separator(const void *state); // of plain text

// CSV, TSV. `path` names it in errors; `delimiter` is the likeliest, others are found by the header.
int source_open_csv(void **state, const struct source_ops **ops, const char *path, const char *bytes, size_t n,
                    char delimiter, struct err *e);
// A cell as what its column is about: texts stay texts; see csv_cells.c.
json_t *csv_cell(const char *column, const char *bytes, size_t n);

int source_open_parquet_file(void **state, const struct source_ops **ops, const char *path, struct err *e);
int source_open_parquet(void **state, const struct source_ops **ops, const char *path, const char *bytes, size_t n,
                        struct err *e);
