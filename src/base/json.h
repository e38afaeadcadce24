// JSON through jansson, with errors that say file:line:column, a maximum, and getters that check types.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Reads a whole file (also .gz) of at most `max` bytes. Duplicate keys are an error.
int json_read(const char *path, size_t max, json_t **out, struct err *e);
// `where` names the text in errors ("data.jsonl:17").
int json_parse(const char *text, size_t n_bytes, const char *where, json_t **out, struct err *e);
// The same without our error: NULL, and the parser's own words in *fault. Numbers beyond what a double or 64 bits hold
// never make a text invalid, since nobody may read them: whole ones become doubles, NaN, Infinity and 1e400 become a
// value of no usable type (json_is_unreadable), which all getters refuse.
json_t *json_decode(const char *text, size_t n_bytes, json_error_t *fault);
json_t *json_unreadable(const char *text); // such a value, for what is no number either ("binary data")
bool json_is_unreadable(const json_t *value, const char **text); // *text: as the file has it; may be NULL
// A number that a computation gave. JSON has none that is not finite: it becomes a value that json_is_unreadable, never a
// NULL that json_pack or an array would pass over; whoever writes it out looks for one with json_find_unreadable.
json_t *json_computed(double value);
json_t *json_any_text(const char *text); // broken bytes as U+FFFD
// The first such value inside of `value`, its place ("responses[1].logp") into path; NULL when there is none.
struct str;
const json_t *json_find_unreadable(const json_t *value, struct str *path, const char **text);
// Writes atomically, indented by 2, keys in the order they were set.
int json_write(const char *path, const json_t *value, struct err *e);

// Optional members: the default when absent or null, an error when of another type or out of range.
int json_get_int(const json_t *object, const char *key, int64_t fallback, int64_t min, int64_t max, int64_t *out,
                 const char *where, struct err *e);
int json_get_double(const json_t *object, const char *key, double fallback, double *out, const char *where,
                    struct err *e);
int json_get_bool(const json_t *object, const char *key, bool fallback, bool *out, const char *where, struct err *e);
// Borrowed text, or `fallback` (may be NULL).
int json_get_text(const json_t *object, const char *key, const char *fallback, const char **out, const char *where,
                  struct err *e);
