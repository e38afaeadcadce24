// Parquet files, row by row as JSON. One row group is in memory at a time. Read are: all physical types; the encodings
// PLAIN, dictionary, RLE, BIT_PACKED, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT;
// data pages of both versions; snappy, gzip, zstd; lists (also in the older forms of two levels), maps and structs.
//
// What becomes what: texts, enumerations -> text; JSON -> what it says; integers, decimals, floats -> numbers; booleans;
// dates and times -> text ("2024-05-01", "2024-05-01T12:30:00.250000Z", "12:30:00"); UUID -> text; lists and bare repeated
// members -> list; maps -> object, where keys are no texts a list of {"key", "value"}; bytes that are no UTF-8 and numbers
// that are not finite -> a value that nobody can read (json_is_unreadable).
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

struct parquet;
// Most bytes that the decoded values of one row group may take.
#define PARQUET_MAX_GROUP_BYTES ((uint64_t)8 << 30)
// Over a file, or over bytes that outlive it; `path` names them in errors.
int parquet_open_file(struct parquet **out, const char *path, uint64_t max_group_bytes, struct err *e);
int parquet_open(struct parquet **out, const char *path, const void *bytes, size_t n, uint64_t max_group_bytes,
                 struct err *e);
// The next row, the caller's: 1; 0 behind the last. Behind an error nothing more can be read.
int parquet_next(struct parquet *p, json_t **row, struct err *e);
void parquet_close(struct parquet *p); // NULL is fine
