// Parquet's encodings over bytes in memory. All take a cursor that they advance, never read beyond its end, and return
// false where the bytes are damaged.
#pragma once

#include "corpus/parquet/file.h"

struct pq_bytes {
    const uint8_t *at, *end;
};
bool pq_varint(struct pq_bytes *b, uint64_t *out);
bool pq_u32(struct pq_bytes *b, uint32_t *out); // little endian

// The hybrid of runs and bit-packed groups: n numbers of `width` bits (0 to 32).
bool pq_hybrid(struct pq_bytes *b, int width, uint32_t *out, size_t n);
// The older form of levels: packed from the highest bit on.
bool pq_bit_packed(struct pq_bytes *b, int width, uint32_t *out, size_t n);
bool pq_delta_binary(struct pq_bytes *b, uint64_t *out, size_t n); // DELTA_BINARY_PACKED, exactly n numbers

// n values into out. Bytes point into what the cursor reads, or into memory of the row group; false also where there is
// no memory (*e set).
bool pq_plain(struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n);
bool pq_delta(struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n);
bool pq_delta_lengths(struct parquet *p, struct pq_bytes *b, struct pq_value *out, size_t n, struct err *e);
bool pq_delta_prefixes(struct parquet *p, struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n,
                       struct err *e);
bool pq_byte_stream_split(struct parquet *p, struct pq_bytes *b, const struct pq_node *node, struct pq_value *out, size_t n,
                          struct err *e);
