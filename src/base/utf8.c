#include "config.h"

#include "base/utf8.h"

#include <utf8proc.h>
#include <wchar.h>

size_t utf8_decode(const char *bytes, size_t n, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)bytes;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80) {
        *code = s[0];
        return 1;
    }
    size_t len = s[0] >= 0xf0 && s[0] < 0xf8 ? 4 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : 0;
    *code = UTF8_BAD;
    if (len == 0 || len > n)
        return 1;
    uint32_t value = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (s[i] & 0x3f);
    }
    if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 1;
    *code = value;
    return len;
}

size_t utf8_encode(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        if (code >= 0xd800 && code < 0xe000)
            return 0;
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    if (code > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

bool utf8_is_valid(const char *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_decode(bytes + i, n - i, &code);
        if (code == UTF8_BAD)
            return false;
    }
    return true;
}

int utf8_columns(uint32_t code)
{
    if (code < 0x7f)
        return 1;
    if (code >= 0x1f3fb && code <= 0x1f3ff)
        return 0; // a skin tone: some terminals join it to the emoji before it, some do not; it is not sent (canvas.c)
    int width = wcwidth((wchar_t)code); // -1: not of this locale, or younger than this C library
    if (width >= 0)
        return width;
    if ((code >= 0x1160 && code <= 0x11ff) || (code >= 0xd7b0 && code <= 0xd7ff))
        return 0; // vowels and final consonants of Hangul stand in the cell of their first consonant
    if (utf8proc_category((utf8proc_int32_t)code) == UTF8PROC_CATEGORY_MC)
        return 1; // "spacing" marks, such as the vowel signs of Hindi and Tamil, have a cell of their own
    width = utf8proc_charwidth((utf8proc_int32_t)code);
    return width < 0 ? 1 : width;
}

size_t utf8_text_columns(const char *bytes, size_t n)
{
    size_t columns = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += utf8_decode(bytes + i, n - i, &code);
        columns += code == UTF8_BAD ? 1 : (size_t)utf8_columns(code);
    }
    return columns;
}
