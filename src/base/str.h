// A growing string with a stated maximum, and the few text helpers that everybody needs.
// `struct str s = {0};` is empty and ready; data is always NUL-terminated once something was added.
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    char *data;
    size_t len, cap;
    size_t max;     // 0: 1 GiB
    bool truncated; // something did not fit under max and was dropped
};

void str_fini(struct str *s);
void str_clear(struct str *s);
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *bytes, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *format, va_list args);
const char *str_text(const struct str *s); // "" when empty
char *str_take(struct str *s);             // the heap string; *s is empty again

bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);
// strlcpy, for UTF-8: always terminates, between two characters; returns false when the text was cut.
bool text_copy(char *out, size_t size, const char *text);
// Levenshtein distance, for "did you mean"; 99 when one of them is longer than 60 bytes.
size_t text_distance(const char *a, const char *b);
// Adds "; did you mean dpo, dpop or ipo?" with at most three of the names, the nearest first; nothing when none is near.
void str_add_near(struct str *s, const char *typed, const char *const *names, size_t n);
// The word that goes with a number: `one` for 1, else `more`.
const char *text_plural(int64_t n, const char *one, const char *more);
// Whole-text numbers: false unless all of `text` is one (finite, for doubles).
bool text_to_double(const char *text, double *out);
bool text_to_i64(const char *text, int64_t *out);

// Adds a text as one word of a shell's command line.
void str_add_quoted(struct str *s, const char *text);
// Shows bytes from outside safely on a terminal: control bytes as ^[ or \x9b, broken UTF-8 as U+FFFD.
// Newline and tab are kept when keep_lines, else shown as well.
void str_add_visible(struct str *s, const char *bytes, size_t n, bool keep_lines);
// The same as text of HTML or XML: what is markup there is escaped, in attributes too.
void str_add_markup(struct str *s, const char *bytes, size_t n, bool keep_lines);
