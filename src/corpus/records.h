// Where the rows of a file stand: lines of JSON, JSON objects on several lines, elements of a JSON array, or texts parted by
// blank lines. Only boundaries are found here, so that one broken row does not hide the others and every row has its line.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_form { RECORDS_LINES, RECORDS_OBJECTS, RECORDS_ARRAY, RECORDS_TEXTS };

struct records {
    const char *bytes;
    size_t n_bytes, at;
    int64_t line; // of bytes[at], from 1
    enum record_form form;
    const char *separator; // RECORDS_TEXTS: a line that parts texts, or NULL for blank lines
    bool opened, ended;    // RECORDS_ARRAY: behind '[', behind ']'
};
struct record {
    const char *bytes;
    size_t n_bytes;
    int64_t line;        // where it begins
    const char *damage;  // not NULL: no row can be read from it, and why
    bool at_end;         // the file ends inside of it
};

// `plain_text`: the file's name says .txt.
void records_start(struct records *r, const char *bytes, size_t n_bytes, bool plain_text);
bool records_next(struct records *r, struct record *out);
