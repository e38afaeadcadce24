// Texts by code points: counting, stripping, repeating, splitting, upper and lower case, kinds of characters.
#include "config.h"

#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "text/jinja/value.h"

size_t jx_chars(const char *text, size_t n)
{
    size_t chars = 0;
    for (size_t i = 0; i < n; i++)
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
    return chars;
}

size_t jx_offset(const char *text, size_t n, size_t chars)
{
    size_t i = 0;
    for (; i < n; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80 && chars-- == 0)
            break;
    return i;
}

// What Python's str.isspace says.
bool jx_is_space(uint32_t code)
{
    return code == ' ' || (code >= 9 && code <= 13) || (code >= 28 && code <= 31) || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
           code == 0x202f || code == 0x205f || code == 0x3000;
}

static bool is_in(uint32_t code, struct jval chars)
{
    for (size_t at = 0; at < chars.n;) {
        uint32_t other;
        at += utf8_decode(chars.text + at, chars.n - at, &other);
        if (other == code)
            return true;
    }
    return false;
}

struct jval jx_strip(struct jrun *r, struct jval text, struct jval chars, bool left, bool right)
{
    if (chars.kind != J_TEXT && chars.kind != J_NONE && chars.kind != J_ABSENT)
        jx_fail(r, ERR_INPUT, "strip needs a text of characters, not '%s'", jx_kind_name(chars));
    const char *start = text.text, *end = start + text.n;
    uint32_t code;
    while (left && start < end) {
        size_t used = utf8_decode(start, (size_t)(end - start), &code);
        if (!(chars.kind == J_TEXT ? is_in(code, chars) : jx_is_space(code)))
            break;
        start += used;
        jx_step(r, 1 + chars.n / 8);
    }
    while (right && start < end) {
        const char *last = end - 1;
        while (last > start && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        utf8_decode(last, (size_t)(end - last), &code);
        if (!(chars.kind == J_TEXT ? is_in(code, chars) : jx_is_space(code)))
            break;
        end = last;
        jx_step(r, 1 + chars.n / 8);
    }
    return jx_text(start, (size_t)(end - start));
}

const char *jx_find(const char *text, size_t n, const char *what, size_t m)
{
    if (m == 0)
        return text;
    return m > n ? NULL : memmem(text, n, what, m);
}

struct jval jx_replace(struct jrun *r, struct jval text, struct jval old, struct jval by, int64_t count)
{
    struct jbuffer b = {0};
    const char *p = text.text, *end = p + text.n;
    for (int64_t done = 0; count < 0 || done < count; done++) {
        const char *found = jx_find(p, (size_t)(end - p), old.text, old.n);
        if (!found || (old.n == 0 && p == end && done && text.n == 0))
            break;
        jx_step(r, 1 + (size_t)(found - p) / 64);
        jx_put(r, &b, p, (size_t)(found - p));
        jx_put(r, &b, by.text, by.n);
        p = found + old.n;
        if (old.n)
            continue;
        if (p == end) // an empty text is found before each character and at the end
            return jx_taken(r, &b);
        uint32_t code;
        size_t used = utf8_decode(p, (size_t)(end - p), &code);
        jx_put(r, &b, p, used);
        p += used;
    }
    jx_put(r, &b, p, (size_t)(end - p));
    return jx_taken(r, &b);
}

struct jval jx_repeat(struct jrun *r, struct jval text, int64_t times)
{
    size_t n = times > 0 ? (size_t)times : 0, bytes;
    if (!mem_mul(n, text.n, &bytes) || bytes > r->limits.memory)
        bytes = r->limits.memory; // refused by the allocation
    char *out = jx_alloc(r, bytes + 1, 1);
    jx_step(r, text.n ? n / 16 : 0);
    for (size_t i = 0; text.n && i < n; i++)
        memcpy(out + i * text.n, text.text, text.n);
    return jx_text(out, text.n * n);
}

struct jval jx_split_lines(struct jrun *r, struct jval text, bool keep_ends)
{
    struct jval out = jx_list(r, J_LIST, 0);
    const char *p = text.text, *end = p + text.n;
    for (const char *start = p; p < end;) {
        uint32_t code;
        size_t used = utf8_decode(p, (size_t)(end - p), &code);
        jx_step(r, 1);
        const char *stop = p;
        p += used;
        if (!((code >= 10 && code <= 13) || (code >= 28 && code <= 30) || code == 0x85 || code == 0x2028 ||
              code == 0x2029)) {
            if (p == end)
                jx_append(r, out.list, jx_text(start, (size_t)(p - start)));
            continue;
        }
        if (code == '\r' && p < end && *p == '\n')
            p++;
        jx_append(r, out.list, jx_text(start, (size_t)((keep_ends ? p : stop) - start)));
        start = p;
    }
    return out;
}

// Letters, and the numerals and circled letters that come in both cases.
enum letter { NO_CASE, UPPER, LOWER, TITLE };

static enum letter letter_case(uint32_t code)
{
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU: return UPPER;
    case UTF8PROC_CATEGORY_LL: return LOWER;
    case UTF8PROC_CATEGORY_LT: return TITLE;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_SO:
        return utf8proc_tolower((utf8proc_int32_t)code) != (utf8proc_int32_t)code   ? UPPER
               : utf8proc_toupper((utf8proc_int32_t)code) != (utf8proc_int32_t)code ? LOWER
                                                                                     : NO_CASE;
    default: return NO_CASE;
    }
}

static void put_code(struct jrun *r, struct jbuffer *b, utf8proc_int32_t code)
{
    char out[4];
    jx_put(r, b, out, utf8_encode((uint32_t)code, out));
}

// Some small letters have capitals of several characters (\u00df: SS), which are those of what they fold to.
static void put_upper(struct jrun *r, struct jbuffer *b, uint32_t code, bool title)
{
    utf8proc_int32_t folded[8], own = (utf8proc_int32_t)code;
    int last_class = 0;
    utf8proc_ssize_t n = letter_case(code) == UPPER
                             ? 1
                             : utf8proc_decompose_char(own, folded, 8, UTF8PROC_CASEFOLD, &last_class);
    if (n < 2 || n > 8 || (title && own != 0xdf && (utf8proc_totitle(own) != own || letter_case(code) == TITLE))) {
        put_code(r, b, title ? utf8proc_totitle(own) : utf8proc_toupper(own));
        return;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++)
        put_code(r, b, title && i ? folded[i] : utf8proc_toupper(folded[i]));
}

// For comparing without regard to case; or as it is.
static void put_folded(struct jrun *r, struct jbuffer *b, uint32_t code, bool fold)
{
    utf8proc_int32_t folded[8] = {(utf8proc_int32_t)code};
    int last_class = 0;
    utf8proc_ssize_t n =
        fold ? utf8proc_decompose_char((utf8proc_int32_t)code, folded, 8, UTF8PROC_CASEFOLD, &last_class) : 1;
    for (utf8proc_ssize_t i = 0; i < n && i < 8; i++)
        put_code(r, b, folded[i]);
}

static void put_lower(struct jrun *r, struct jbuffer *b, uint32_t code)
{
    put_code(r, b, utf8proc_tolower((utf8proc_int32_t)code));
}

struct jval jx_recase(struct jrun *r, struct jval text, enum jcase how)
{
    struct jbuffer b = {0};
    bool begins = true;
    for (size_t at = 0; at < text.n;) {
        uint32_t code;
        at += utf8_decode(text.text + at, text.n - at, &code);
        jx_step(r, 1);
        if (how == CASE_FOLD || (how == CASE_SWAP && letter_case(code) == TITLE))
            put_folded(r, &b, code, how == CASE_FOLD);
        else if (how == CASE_SWAP ? letter_case(code) == LOWER : how == CASE_UPPER)
            put_upper(r, &b, code, false);
        else if (begins && how != CASE_LOWER && how != CASE_SWAP)
            put_upper(r, &b, code, how != CASE_WORDS);
        else
            put_lower(r, &b, code);
        if (how == CASE_CAPITALIZE)
            begins = false;
        else if (how == CASE_TITLE)
            begins = letter_case(code) == NO_CASE;
        else if (how == CASE_WORDS) // jinja2's filter title: behind these and white space
            begins = code == '-' || code == '(' || code == '{' || code == '[' || code == '<' || jx_is_space(code);
    }
    return jx_taken(r, &b);
}

static bool is_a(uint32_t code, enum jclass what)
{
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO: return what == IS_ALPHA || what == IS_ALNUM;
    case UTF8PROC_CATEGORY_ND: return what == IS_DIGIT || what == IS_NUMERIC || what == IS_ALNUM;
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO: return what == IS_NUMERIC || what == IS_ALNUM;
    default: return what == IS_SPACE && jx_is_space(code);
    }
}

bool jx_is_all(struct jval text, enum jclass what)
{
    bool found = false;
    for (size_t at = 0; at < text.n;) {
        uint32_t code;
        at += utf8_decode(text.text + at, text.n - at, &code);
        if (what != IS_UPPER && what != IS_LOWER) {
            if (!(what == IS_SPACE ? jx_is_space(code) : is_a(code, what)))
                return false;
            found = true;
        } else if (letter_case(code) != NO_CASE) {
            if (letter_case(code) != (what == IS_UPPER ? UPPER : LOWER))
                return false;
            found = true;
        }
    }
    return found;
}
