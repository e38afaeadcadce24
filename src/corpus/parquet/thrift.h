// Thrift's compact protocol, as far as Parquet's metadata need it. A reader never goes beyond its bytes: behind the first
// fault it is `bad`, and everything read from it is zero or empty.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum thrift_type {
    THRIFT_TRUE = 1, THRIFT_FALSE, THRIFT_BYTE, THRIFT_I16, THRIFT_I32, THRIFT_I64, THRIFT_DOUBLE, THRIFT_BINARY,
    THRIFT_LIST, THRIFT_SET, THRIFT_MAP, THRIFT_STRUCT,
};
struct thrift {
    const uint8_t *at, *end;
    int depth; // of structs that are open
    bool bad;
};
struct thrift_field {
    int id;
    enum thrift_type type;
};

// In a struct: opens it, then its fields one after the other (false behind the last), each read or skipped.
void thrift_struct(struct thrift *t, struct thrift_field *f);
bool thrift_field(struct thrift *t, struct thrift_field *f);
void thrift_skip(struct thrift *t, enum thrift_type type);
// Values of a field; of another type they are a fault.
int64_t thrift_int(struct thrift *t, const struct thrift_field *f);
bool thrift_bool(struct thrift *t, const struct thrift_field *f);
const char *thrift_binary(struct thrift *t, const struct thrift_field *f, size_t *n);
// Opens a list of elements of the type; their number, which the bytes left bound.
size_t thrift_list(struct thrift *t, const struct thrift_field *f, enum thrift_type of);
