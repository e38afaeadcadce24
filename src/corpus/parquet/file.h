// What the parts of the Parquet reader share: the file's metadata, and the values of one row group's columns.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"
#include "corpus/parquet/parquet.h"

// Stated maxima of what a file may declare.
enum { PARQUET_MAX_NODES = 10000, PARQUET_MAX_DEPTH = 40, PARQUET_MAX_GROUPS = 1000000, PARQUET_MAX_FOOTER = 256 << 20 };

enum physical_type { TYPE_BOOLEAN, TYPE_INT32, TYPE_INT64, TYPE_INT96, TYPE_FLOAT, TYPE_DOUBLE, TYPE_BYTES, TYPE_FIXED };
enum repetition { REQUIRED, OPTIONAL, REPEATED };
enum meaning { // of a leaf's values, or of a group
    MEANS_NOTHING, MEANS_TEXT, MEANS_JSON, MEANS_UNSIGNED, MEANS_DECIMAL, MEANS_DATE, MEANS_TIME, MEANS_TIMESTAMP,
    MEANS_FLOAT16, MEANS_UUID, MEANS_LIST, MEANS_MAP,
};
// The schema's tree, parents before children. Levels: how many of its ancestors and itself are not required (def), and
// repeated (rep).
struct pq_node {
    char *name;
    enum repetition repetition;
    enum meaning meaning;
    enum physical_type type; // of a leaf
    int32_t type_length;     // TYPE_FIXED: bytes of a value
    int32_t scale;           // MEANS_DECIMAL
    int32_t unit;            // of times: a second has so many
    bool utc;
    int n_children;          // 0: a leaf
    int end;                 // the node behind this one's subtree
    int def, rep;
    int first_leaf, end_leaf; // the leaves of its subtree
};
struct pq_chunk {
    enum physical_type type;
    int32_t codec;
    int64_t n_values, offset, n_bytes;
};
struct pq_group {
    int64_t n_rows;
    struct pq_chunk *chunks; // one a leaf
};
struct pq_value {
    union {
        uint64_t bits;     // integers (extended to 64 bits), floats as they are, booleans
        const uint8_t *at; // bytes, TYPE_FIXED, TYPE_INT96
    };
    uint32_t n; // of bytes
};
// A column of the current row group. Levels: (n_levels); values: those that are not null.
struct pq_column {
    uint8_t *def, *rep; // NULL where the maximum is 0
    struct pq_value *values;
    size_t n_levels, n_values, at_level, at_value;
    struct pq_value *dictionary;
    size_t n_dictionary;
};
struct pq_buffer {
    struct pq_buffer *next;
    max_align_t bytes[];
};
struct parquet {
    char *path;
    int fd;
    const uint8_t *bytes; // or in memory
    uint64_t size, max_group_bytes, group_bytes;
    struct pq_node *nodes;
    int n_nodes, n_leaves, *leaf_nodes;
    struct pq_group *groups;
    size_t n_groups, at_group; // at_group: the next to load
    struct pq_column *columns; // (n_leaves), of the group before at_group
    struct pq_buffer *buffers; // what their values point into
    int64_t rows_left;         // of that group
};

// file.c, below the others
int pq_read_at(struct parquet *p, uint64_t offset, size_t n, void *out, struct err *e);
// Memory of the current row group; counted, and freed with it. NULL with *e set beyond the maximum.
void *pq_alloc(struct parquet *p, size_t n, size_t size, struct err *e);
void pq_free_group(struct parquet *p);

int pq_read_metadata(struct parquet *p, struct err *e);
int pq_load_column(struct parquet *p, const struct pq_group *g, int leaf, struct err *e);
json_t *pq_value_json(const struct pq_node *node, struct pq_value value); // never NULL
// The row that the columns stand at; NULL where their levels contradict each other.
json_t *pq_assemble_row(struct parquet *p);
