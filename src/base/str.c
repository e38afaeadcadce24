#include "config.h"

#include "base/str.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

void str_fini(struct str *s)
{
    free(s->data);
    *s = (struct str){.max = s->max};
}

void str_clear(struct str *s)
{
    s->len = 0;
    s->truncated = false;
    if (s->data)
        s->data[0] = '\0';
}

void str_addn(struct str *s, const char *bytes, size_t n)
{
    size_t max = s->max ? s->max : (size_t)1 << 30;
    if (n > max - s->len) {
        n = max - s->len;
        s->truncated = true;
    }
    if (s->len + n + 1 > s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        while (cap < s->len + n + 1)
            cap *= 2;
        s->data = mem_realloc(s->data, cap, 1);
        s->cap = cap;
    }
    if (n)
        memcpy(s->data + s->len, bytes, n);
    s->len += n;
    s->data[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
    str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *format, va_list args)
{
    char small[512];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    if (n >= 0 && (size_t)n < sizeof small) {
        str_addn(s, small, (size_t)n);
    } else if (n >= 0) {
        char *large = mem_alloc((size_t)n + 1, 1);
        vsnprintf(large, (size_t)n + 1, format, again);
        str_addn(s, large, (size_t)n);
        free(large);
    }
    va_end(again);
}

void str_addf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str_vaddf(s, format, args);
    va_end(args);
}

const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
    char *text = s->data ? s->data : mem_strdup("");
    *s = (struct str){.max = s->max};
    return text;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *text, const char *suffix)
{
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

bool text_copy(char *out, size_t size, const char *text)
{
    size_t n = strlen(text);
    size_t fits = n < size ? n : size - 1;
    for (int i = 0; i < 3 && fits > 0 && fits < n && ((unsigned char)text[fits] & 0xc0) == 0x80; i++)
        fits--; // no half of a character
    memcpy(out, text, fits);
    out[fits] = '\0';
    return fits == n;
}

bool text_to_double(const char *text, double *out)
{
    char *end;
    if (!*text)
        return false;
    double value = strtod(text, &end);
    if (*end || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool text_to_i64(const char *text, int64_t *out)
{
    char *end;
    if (!*text)
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno)
        return false;
    *out = value;
    return true;
}

void str_add_quoted(struct str *s, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@%";
    if (*text && strspn(text, plain) == strlen(text)) {
        str_add(s, text);
        return;
    }
    str_addc(s, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            str_add(s, "'\\''");
        else
            str_addc(s, *text);
    }
    str_addc(s, '\'');
}

void str_add_visible(struct str *s, const char *bytes, size_t n, bool keep_lines)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = utf8_decode(bytes + i, n - i, &code);
        if (code == UTF8_BAD)
            str_add(s, "\xef\xbf\xbd");
        else if (keep_lines && (code == '\n' || code == '\t'))
            str_addc(s, (char)code);
        else if (code < 0x20 || code == 0x7f)
            str_addf(s, "^%c", (int)(code ^ 0x40));
        else if (code >= 0x80 && code < 0xa0)
            str_addf(s, "\\x%02x", (unsigned)code);
        else if (code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                 (code >= 0x2066 && code <= 0x2069))
            str_addf(s, "<U+%04X>", (unsigned)code); // direction marks could reorder the screen
        else
            str_addn(s, bytes + i, used);
        i += used;
    }
}

void str_add_markup(struct str *s, const char *bytes, size_t n, bool keep_lines)
{
    struct str shown = {.max = s->max};
    str_add_visible(&shown, bytes, n, keep_lines);
    for (size_t i = 0; i < shown.len; i++) {
        const char c = shown.data[i];
        if (shown.len - i >= 3 && memcmp(shown.data + i, "\xef\xbf", 2) == 0 && (unsigned char)shown.data[i + 2] >= 0xbe) {
            str_add(s, "\xef\xbf\xbd"); // U+FFFE and U+FFFF, which XML does not have
            i += 2;
            continue;
        }
        switch (c) {
        case '&':
            str_add(s, "&amp;");
            break;
        case '<':
            str_add(s, "&lt;");
            break;
        case '>':
            str_add(s, "&gt;");
            break;
        case '"':
            str_add(s, "&quot;");
            break;
        case '\'':
            str_add(s, "&#39;");
            break;
        default:
            str_addc(s, c);
        }
    }
    str_fini(&shown);
}

const char *text_plural(int64_t n, const char *one, const char *more)
{
    return n == 1 ? one : more;
}

size_t text_distance(const char *a, const char *b)
{
    size_t row[64], m = strlen(b);
    if (strlen(a) > 60 || m > 60)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[m];
}

// Near is: two letters or a third of them are wrong, or it is the beginning of the name. SIZE_MAX: far.
static size_t nearness(const char *typed, const char *name)
{
    const size_t d = text_distance(typed, name), n = strlen(typed), most = n / 3 > 2 ? n / 3 : 2;
    return (d <= most && d < n) || (n >= 2 && d < 99 && text_starts(name, typed)) ? d : SIZE_MAX;
}

void str_add_near(struct str *s, const char *typed, const char *const *names, size_t n)
{
    enum { MOST = 3 };
    const char *best[MOST];
    size_t far[MOST], kept = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t d = nearness(typed, names[i]);
        size_t at = kept;
        while (at > 0 && far[at - 1] > d)
            at--;
        if (d == SIZE_MAX || at == MOST)
            continue;
        kept += kept < MOST;
        memmove(best + at + 1, best + at, (kept - at - 1) * sizeof *best);
        memmove(far + at + 1, far + at, (kept - at - 1) * sizeof *far);
        best[at] = names[i];
        far[at] = d;
    }
    for (size_t i = 0; i < kept; i++)
        str_addf(s, "%s%s", i == 0 ? "; did you mean " : i + 1 == kept ? " or " : ", ", best[i]);
    if (kept)
        str_addc(s, '?');
}
