// Methods of texts, as Python has them.
#include "config.h"

#include <string.h>

#include "base/utf8.h"
#include "text/jinja/value.h"

#define METHOD(name) static struct jval name(struct jrun *r, struct jval self, const struct jargs *args)

METHOD(m_strip)
{
    return jx_strip(r, self, args->items[0], true, true);
}

METHOD(m_lstrip)
{
    return jx_strip(r, self, args->items[0], true, false);
}

METHOD(m_rstrip)
{
    return jx_strip(r, self, args->items[0], false, true);
}

// At white space, runs of it being one.
static void split_words(struct jrun *r, struct jval text, int64_t most, struct jlist *out)
{
    struct jval rest = jx_strip(r, text, jx_none(), true, false);
    while (rest.n) {
        size_t at = 0;
        if (most >= 0 && (int64_t)out->n == most)
            at = rest.n;
        while (at < rest.n) {
            uint32_t code;
            size_t used = utf8_decode(rest.text + at, rest.n - at, &code);
            jx_step(r, 1);
            if (jx_is_space(code))
                break;
            at += used;
        }
        jx_append(r, out, jx_text(rest.text, at));
        rest = jx_strip(r, jx_text(rest.text + at, rest.n - at), jx_none(), true, false);
    }
}

static const char *find_last(const char *text, size_t n, const char *what, size_t m)
{
    for (const char *p = text + n; p >= text + m; p--)
        if (memcmp(p - m, what, m) == 0)
            return p - m;
    return NULL;
}

METHOD(m_split)
{
    struct jval out = jx_list(r, J_LIST, 0);
    int64_t most = jx_arg_int(r, args, 1, -1);
    if (!jx_given(args, 0)) {
        split_words(r, self, most, out.list);
        return out;
    }
    struct jval by = jx_arg_text(r, args, 0), rest = self;
    if (!by.n)
        jx_fail(r, ERR_INPUT, "split needs a separator that is not empty");
    while (most < 0 || (int64_t)out.list->n < most) {
        const char *found = jx_find(rest.text, rest.n, by.text, by.n);
        if (!found)
            break;
        size_t n = (size_t)(found - rest.text);
        jx_step(r, 1 + n / 64);
        jx_append(r, out.list, jx_text(rest.text, n));
        rest = jx_text(found + by.n, rest.n - n - by.n);
    }
    jx_append(r, out.list, rest);
    return out;
}

static struct jval reversed(struct jrun *r, struct jval list)
{
    struct jval out = jx_list(r, J_LIST, list.list->n);
    for (size_t i = list.list->n; i--;)
        jx_append(r, out.list, list.list->items[i]);
    return out;
}

METHOD(m_rsplit)
{
    int64_t most = jx_arg_int(r, args, 1, -1);
    if (most < 0)
        return m_split(r, self, args);
    struct jval out = jx_list(r, J_LIST, 0), rest = self;
    const bool words = !jx_given(args, 0);
    struct jval by = words ? jx_text("", 0) : jx_arg_text(r, args, 0);
    if (!words && !by.n)
        jx_fail(r, ERR_INPUT, "rsplit needs a separator that is not empty");
    rest = words ? jx_strip(r, rest, jx_none(), false, true) : rest;
    while ((int64_t)out.list->n < most) {
        size_t end, start;
        jx_step(r, 1 + rest.n / 16);
        if (words) {
            size_t at = start = end = 0; // the last white space
            bool found = false;
            while (at < rest.n) {
                uint32_t code;
                size_t used = utf8_decode(rest.text + at, rest.n - at, &code);
                if (jx_is_space(code)) {
                    found = true;
                    end = at;
                    start = at + used;
                }
                at += used;
            }
            if (!found)
                break;
        } else {
            const char *found = find_last(rest.text, rest.n, by.text, by.n);
            if (!found)
                break;
            end = (size_t)(found - rest.text);
            start = end + by.n;
        }
        jx_append(r, out.list, jx_text(rest.text + start, rest.n - start));
        rest = jx_text(rest.text, end);
        if (words)
            rest = jx_strip(r, rest, jx_none(), false, true);
    }
    if (!words || rest.n)
        jx_append(r, out.list, rest);
    return reversed(r, out);
}

METHOD(m_splitlines)
{
    return jx_split_lines(r, self, jx_arg_true(args, 0, false));
}

static struct jval partition(struct jrun *r, struct jval self, struct jval by, bool last)
{
    if (!by.n)
        jx_fail(r, ERR_INPUT, "partition needs a separator that is not empty");
    jx_step(r, self.n / 16);
    const char *found = (last ? find_last : jx_find)(self.text, self.n, by.text, by.n);
    struct jval out = jx_list(r, J_TUPLE, 3), empty = jx_text("", 0);
    size_t n = found ? (size_t)(found - self.text) : self.n;
    jx_append(r, out.list, found ? jx_text(self.text, n) : last ? empty : self);
    jx_append(r, out.list, found ? by : empty);
    jx_append(r, out.list, found ? jx_text(found + by.n, self.n - n - by.n) : last ? self : empty);
    return out;
}

METHOD(m_partition)
{
    return partition(r, self, jx_arg_text(r, args, 0), false);
}

METHOD(m_rpartition)
{
    return partition(r, self, jx_arg_text(r, args, 0), true);
}

static bool has_end(struct jval text, struct jval end, bool first)
{
    return end.n <= text.n && memcmp(first ? text.text : text.text + text.n - end.n, end.text, end.n) == 0;
}

// What start and end of startswith, find, count and the like leave of a text; false: nothing, not even the empty text.
static bool cut(struct jrun *r, struct jval *text, const struct jargs *args, size_t *skipped)
{
    *skipped = 0;
    if (args->items[1].kind == J_ABSENT && args->items[2].kind == J_ABSENT)
        return true;
    int64_t n = jx_length(r, *text), start = jx_given(args, 1) ? jx_arg_int(r, args, 1, 0) : 0;
    start = start < 0 ? start < -n ? 0 : start + n : start;
    if (start > n)
        return false;
    struct jval part = jx_slice(r, *text, jx_int(start), args->items[2], jx_none());
    *skipped = (size_t)start;
    *text = part;
    return true;
}

static struct jval starts(struct jrun *r, struct jval self, const struct jargs *args, bool first)
{
    size_t skipped;
    struct jval what = args->items[0];
    if (what.kind != J_TUPLE) { // one text, or several of which any will do
        what = jx_list(r, J_TUPLE, 1);
        jx_append(r, what.list, jx_arg_text(r, args, 0));
    }
    const bool found = cut(r, &self, args, &skipped);
    for (size_t i = 0; i < what.list->n; i++) {
        if (what.list->items[i].kind != J_TEXT)
            jx_fail(r, ERR_INPUT, "startswith and endswith need texts, not '%s'", jx_kind_name(what.list->items[i]));
        if (found && has_end(self, what.list->items[i], first))
            return jx_bool(true);
    }
    return jx_bool(false);
}

METHOD(m_startswith)
{
    return starts(r, self, args, true);
}

METHOD(m_endswith)
{
    return starts(r, self, args, false);
}

static int64_t position(struct jrun *r, struct jval self, const struct jargs *args, bool last)
{
    struct jval what = jx_arg_text(r, args, 0);
    size_t skipped;
    jx_step(r, self.n / 16);
    if (!cut(r, &self, args, &skipped))
        return -1;
    const char *found = (last ? find_last : jx_find)(self.text, self.n, what.text, what.n);
    return found ? (int64_t)(skipped + jx_chars(self.text, (size_t)(found - self.text))) : -1;
}

METHOD(m_find)
{
    return jx_int(position(r, self, args, false));
}

METHOD(m_rfind)
{
    return jx_int(position(r, self, args, true));
}

METHOD(m_index)
{
    int64_t at = position(r, self, args, false);
    if (at < 0)
        jx_fail(r, ERR_INPUT, "index does not find its text");
    return jx_int(at);
}

METHOD(m_rindex)
{
    int64_t at = position(r, self, args, true);
    if (at < 0)
        jx_fail(r, ERR_INPUT, "rindex does not find its text");
    return jx_int(at);
}

METHOD(m_count)
{
    struct jval what = jx_arg_text(r, args, 0);
    size_t skipped;
    if (!cut(r, &self, args, &skipped))
        return jx_int(0);
    if (!what.n)
        return jx_int(jx_length(r, self) + 1);
    int64_t n = 0;
    for (const char *p = self.text, *end = p + self.n; (p = jx_find(p, (size_t)(end - p), what.text, what.n)); n++) {
        jx_step(r, 1);
        p += what.n;
    }
    return jx_int(n);
}

METHOD(m_replace)
{
    return jx_replace(r, self, jx_arg_text(r, args, 0), jx_arg_text(r, args, 1), jx_arg_int(r, args, 2, -1));
}

METHOD(m_removeprefix)
{
    struct jval what = jx_arg_text(r, args, 0);
    return has_end(self, what, true) ? jx_text(self.text + what.n, self.n - what.n) : self;
}

METHOD(m_removesuffix)
{
    struct jval what = jx_arg_text(r, args, 0);
    return has_end(self, what, false) ? jx_text(self.text, self.n - what.n) : self;
}

METHOD(m_join)
{
    const struct jlist *list = jx_iterate(r, args->items[0]);
    struct jbuffer b = {0};
    for (size_t i = 0; i < list->n; i++) {
        if (list->items[i].kind != J_TEXT)
            jx_fail(r, ERR_INPUT, "join needs texts, and element %zu is '%s'", i, jx_kind_name(list->items[i]));
        jx_step(r, 1);
        if (i)
            jx_put(r, &b, self.text, self.n);
        jx_put(r, &b, list->items[i].text, list->items[i].n);
    }
    return jx_taken(r, &b);
}

#define RECASE(name, how)                                                                          \
    METHOD(name)                                                                                   \
    {                                                                                              \
        return jx_recase(r, self, how);                                                            \
    }
RECASE(m_upper, CASE_UPPER)
RECASE(m_lower, CASE_LOWER)
RECASE(m_casefold, CASE_FOLD)
RECASE(m_title, CASE_TITLE)
RECASE(m_capitalize, CASE_CAPITALIZE)
RECASE(m_swapcase, CASE_SWAP)

#define IS_ALL(name, what)                                                                         \
    METHOD(name)                                                                                   \
    {                                                                                              \
        jx_step(r, self.n / 8);                                                                    \
        return jx_bool(jx_is_all(self, what));                                                     \
    }
IS_ALL(m_isdigit, IS_DIGIT)
IS_ALL(m_isnumeric, IS_NUMERIC)
IS_ALL(m_isalpha, IS_ALPHA)
IS_ALL(m_isalnum, IS_ALNUM)
IS_ALL(m_isspace, IS_SPACE)
IS_ALL(m_isupper, IS_UPPER)
IS_ALL(m_islower, IS_LOWER)

static struct jval padded(struct jrun *r, struct jval self, const struct jargs *args, int side)
{
    int64_t width = jx_arg_int(r, args, 0, 0), n = jx_length(r, self), more = width > n ? width - n : 0;
    struct jval fill = args->items[1].kind == J_ABSENT ? jx_text(" ", 1) : jx_arg_text(r, args, 1);
    if (jx_chars(fill.text, fill.n) != 1)
        jx_fail(r, ERR_INPUT, "one character is needed to fill with");
    int64_t left = side < 0 ? 0 : side > 0 ? more : more / 2 + (more & width & 1);
    struct jval text = jx_binary(r, '*', fill, jx_int(left));
    text = jx_binary(r, '+', text, self);
    return jx_binary(r, '+', text, jx_binary(r, '*', fill, jx_int(more - left)));
}

METHOD(m_ljust)
{
    return padded(r, self, args, -1);
}

METHOD(m_rjust)
{
    return padded(r, self, args, 1);
}

METHOD(m_center)
{
    return padded(r, self, args, 0);
}

METHOD(m_zfill)
{
    int64_t width = jx_arg_int(r, args, 0, 0), n = jx_length(r, self);
    struct jval zeros = jx_binary(r, '*', jx_text("0", 1), jx_int(width > n ? width - n : 0));
    const size_t sign = self.n && (*self.text == '-' || *self.text == '+');
    zeros = jx_binary(r, '+', jx_text(self.text, sign), zeros);
    return jx_binary(r, '+', zeros, jx_text(self.text + sign, self.n - sign));
}

// "{} {0} {name}": without conversions and widths.
METHOD(m_format)
{
    struct jbuffer b = {0};
    const char *p = self.text, *end = p + self.n;
    int next = 0;
    for (; p < end; p++) {
        if ((*p == '{' || *p == '}') && p + 1 < end && p[1] == *p) {
            jx_put(r, &b, p++, 1);
            continue;
        }
        if (*p != '{') {
            if (*p == '}')
                jx_fail(r, ERR_INPUT, "a single } in a text with format");
            jx_put(r, &b, p, 1);
            continue;
        }
        const char *start = ++p;
        while (p < end && *p != '}')
            p++;
        size_t n = (size_t)(p - start);
        if (p == end || memchr(start, ':', n) || memchr(start, '!', n) || memchr(start, '.', n) ||
            memchr(start, '[', n))
            jx_fail(r, ERR_INPUT, "format knows {}, {0} and {name} only");
        char name[64];
        text_copy(name, sizeof name, "");
        if (n < sizeof name) {
            memcpy(name, start, n);
            name[n] = '\0';
        }
        int64_t at = -1;
        if (!n)
            at = next++;
        const struct jval *v = (n ? text_to_i64(name, &at) : true) && at >= 0 && at < args->n ? &args->items[at] : NULL;
        for (int i = 0; !v && i < args->n_keywords; i++)
            if (strcmp(args->keywords[i].name, name) == 0)
                v = &args->keywords[i].value;
        if (!v)
            jx_fail(r, ERR_INPUT, "format has no value for {%s}", name);
        jx_put_text(r, &b, *v);
    }
    return jx_taken(r, &b);
}

const struct jbuiltin jx_text_methods[] = {
    {"strip", "/ chars", 0, m_strip}, {"lstrip", "/ chars", 0, m_lstrip}, {"rstrip", "/ chars", 0, m_rstrip},
    {"split", "sep maxsplit", 0, m_split}, {"rsplit", "sep maxsplit", 0, m_rsplit},
    {"splitlines", "keepends", 0, m_splitlines}, {"partition", "/ sep", 1, m_partition},
    {"rpartition", "/ sep", 1, m_rpartition}, {"startswith", "/ prefix start end", 1, m_startswith},
    {"endswith", "/ suffix start end", 1, m_endswith}, {"find", "/ sub start end", 1, m_find},
    {"rfind", "/ sub start end", 1, m_rfind}, {"index", "/ sub start end", 1, m_index},
    {"rindex", "/ sub start end", 1, m_rindex}, {"count", "/ sub start end", 1, m_count},
    {"replace", "/ old new count", 2, m_replace}, {"removeprefix", "/ prefix", 1, m_removeprefix},
    {"removesuffix", "/ suffix", 1, m_removesuffix}, {"join", "/ iterable", 1, m_join}, {"upper", "", 0, m_upper},
    {"lower", "", 0, m_lower}, {"casefold", "", 0, m_casefold}, {"title", "", 0, m_title},
    {"capitalize", "", 0, m_capitalize}, {"swapcase", "", 0, m_swapcase}, {"isdigit", "", 0, m_isdigit},
    {"isdecimal", "", 0, m_isdigit}, {"isnumeric", "", 0, m_isnumeric}, {"isalpha", "", 0, m_isalpha},
    {"isalnum", "", 0, m_isalnum}, {"isspace", "", 0, m_isspace}, {"isupper", "", 0, m_isupper},
    {"islower", "", 0, m_islower}, {"ljust", "/ width fill", 1, m_ljust}, {"rjust", "/ width fill", 1, m_rjust},
    {"center", "/ width fill", 1, m_center}, {"zfill", "/ width", 1, m_zfill}, {"format", NULL, 0, m_format}, {0}};
