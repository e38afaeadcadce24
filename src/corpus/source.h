// Where rows come from, one shape for every kind of file: JSON lines, a JSON array, plain text, CSV and TSV, Parquet,
// each also packed with gzip, and data sets of several files. What a file is is decided by what it holds, then by its name.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

struct source_row {
    json_t *object;     // the members of the row, the caller's to free; NULL: a plain text, or damaged
    const char *text;   // of plain text: not terminated, until the next row
    size_t n_text;
    int64_t line;       // where the row begins; of Parquet, which has no lines, its number from 1
    const char *damage; // not NULL: no row can be read here, and why; until the next row
    bool cut;           // damaged because the file ends here, in the middle: nobody knows what followed
};

// Stated maxima: a whole text file (unpacked), and one row.
#define SOURCE_MAX_FILE_BYTES ((size_t)4 << 30)
#define SOURCE_MAX_ROW_BYTES ((size_t)16 << 20)

struct source;
// A file, a folder with the files of one data set, or a pattern of files ("data/train-*.parquet"; see shards.h).
int source_open(struct source **out, const char *path, struct err *e);
// Bytes in memory, which outlive the source; `name` stands for them in errors, and its ending helps as a file's does.
int source_open_bytes(struct source **out, const char *name, const char *bytes, size_t n_bytes, struct err *e);
// 1: a row (also a damaged one); 0: the end; negative: nothing more can be read.
int source_next(struct source *s, struct source_row *out, struct err *e);
// From the first row again, also where it came through a pipe.
int source_rewind(struct source *s, struct err *e);
const char *source_form(const struct source *s); // "JSON lines", "CSV", ...
const char *source_unit(const struct source *s); // "line" or "row"
const char *source_file(const struct source *s); // the file that the last row came from
size_t source_n_files(const struct source *s);
const char *source_separator(const struct source *s); // of plain text: what parts the texts; NULL: blank lines
bool source_is_text(const struct source *s);          // rows are plain texts
// Adds the (unpacked) bytes of all files, in order.
int source_hash(struct source *s, struct sha256 *hash, struct err *e);
void source_close(struct source *s); // NULL is fine
