// UTF-8, strictly: overlong forms, surrogates and values past U+10FFFF are broken bytes.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0xffffffffu

// Decodes one code point of bytes[0..n), n > 0, into *code. Returns the bytes used; a broken byte gives
// *code = UTF8_BAD and uses 1.
size_t utf8_decode(const char *bytes, size_t n, uint32_t *code);

// Writes `code` to out (at least 4 bytes) and returns how many bytes it took (0 for an invalid code point).
size_t utf8_encode(uint32_t code, char *out);

bool utf8_is_valid(const char *bytes, size_t n);

// Terminal columns of a code point: 0 for what joins the character before it, 2 for wide ones, 1 else. Where the locale
// is UTF-8 this is wcwidth(), which curses and most terminals count by; so layout and terminal agree. Elsewhere the
// same is derived from Unicode's tables.
int utf8_columns(uint32_t code);

// Columns of a whole text, broken bytes counting 1.
size_t utf8_text_columns(const char *bytes, size_t n);
