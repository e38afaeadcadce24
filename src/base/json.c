#include "config.h"

#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

enum { DECODE_FLAGS = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL };

// ---- numbers that no variable of ours holds ----
// Python writes NaN, Infinity and whole numbers of any length. Nobody may ever read them, so they must not refuse the
// file: whole numbers beyond 64 bits become doubles, and what is not finite becomes an object {UNREADABLE: its text},
// which every getter refuses because it is not of the type it wants.
#define UNREADABLE "\x01number"

json_t *json_unreadable(const char *text)
{
    return json_pack("{s:s}", UNREADABLE, text);
}

bool json_is_unreadable(const json_t *value, const char **text)
{
    const json_t *inner = json_is_object(value) ? json_object_get(value, UNREADABLE) : NULL;
    if (inner && text)
        *text = json_string_value(inner);
    return inner != NULL;
}

// How many bytes at p are a number, NaN or an infinity.
static size_t number_bytes(const char *p, size_t n)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n >= strlen(words[i]) && memcmp(p, words[i], strlen(words[i])) == 0)
            return strlen(words[i]);
    size_t k = 0;
    if (*p == '-' || (*p >= '0' && *p <= '9'))
        for (k = 1; k < n && p[k] && strchr("0123456789.eE+-", p[k]);)
            k++;
    return k;
}

static void put_number(struct str *out, const char *p, size_t n)
{
    char *end, *text = mem_strndup(p, n);
    errno = 0;
    const bool whole = text[strspn(text, "-0123456789")] == '\0';
    const double value = strtod(text, &end);
    if (*end) // no number at all: the parser says it better
        str_add(out, text);
    else if (!isfinite(value))
        str_addf(out, "{\"\\u0001number\": \"%.60s\"}", text);
    else if (whole && (strtoll(text, NULL, 10), errno == ERANGE))
        str_addf(out, "%s.0", text);
    else
        str_add(out, text);
    free(text);
}

static void rewrite_numbers(struct str *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = number_bytes(text + i, n - i), from = i;
        if (k) {
            put_number(out, text + i, k);
            i += k;
            continue;
        }
        if (text[i++] == '"') {
            while (i < n && text[i] != '"')
                i += text[i] == '\\' && i + 1 < n ? 2 : 1;
            i += i < n;
        }
        str_addn(out, text + from, i - from);
    }
}

json_t *json_decode(const char *text, size_t n_bytes, json_error_t *fault)
{
    json_error_t other;
    json_t *value = json_loadb(text, n_bytes, DECODE_FLAGS, fault);
    if (value)
        return value;
    struct str again = {.max = 32 * n_bytes + 64};
    rewrite_numbers(&again, text, n_bytes);
    if (again.len != n_bytes)
        value = json_loadb(again.data, again.len, DECODE_FLAGS, &other);
    str_fini(&again);
    return value;
}

json_t *json_computed(double value)
{
    if (isfinite(value))
        return json_real(value);
    return json_pack("{s:s}", UNREADABLE, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

static const json_t *find_inside(const json_t *value, struct str *path, size_t start, const char **text)
{
    const json_t *found = json_find_unreadable(value, path, text);
    if (!found && path->len > start) {
        path->len = start;
        path->data[start] = '\0';
    }
    return found;
}

const json_t *json_find_unreadable(const json_t *value, struct str *path, const char **text)
{
    const size_t start = path->len;
    const json_t *found;
    json_t *item;
    const char *key;
    size_t i;
    if (json_is_unreadable(value, text))
        return value;
    json_array_foreach(value, i, item) {
        str_addf(path, "[%zu]", i);
        if ((found = find_inside(item, path, start, text)))
            return found;
    }
    json_object_foreach((json_t *)value, key, item) {
        str_addf(path, "%s%.60s", start ? "." : "", key);
        if ((found = find_inside(item, path, start, text)))
            return found;
    }
    return NULL;
}

int json_parse(const char *text, size_t n_bytes, const char *where, json_t **out, struct err *e)
{
    json_error_t fault;
    json_t *value = json_decode(text, n_bytes, &fault);
    if (!value)
        return err_set(e, ERR_INPUT, "%s is not valid JSON: line %d, column %d: %s", where, fault.line, fault.column,
                       fault.text);
    *out = value;
    return 0;
}

int json_read(const char *path, size_t max, json_t **out, struct err *e)
{
    char *text;
    size_t n;
    int code = file_read(path, max, &text, &n, e);
    if (code)
        return code;
    code = json_parse(text, n, path, out, e);
    free(text);
    return code;
}

int json_write(const char *path, const json_t *value, struct err *e)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (!text)
        return err_set(e, ERR_FAIL, "cannot write %s: its content is not valid JSON text", path);
    size_t n = strlen(text);
    text[n] = '\n'; // over the NUL: json_dumps gave us n + 1 bytes and file_write needs no terminator
    int code = file_write(path, text, n + 1, e);
    free(text);
    return code;
}

static const json_t *member(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

int json_get_int(const json_t *object, const char *key, int64_t fallback, int64_t min, int64_t max, int64_t *out,
                 const char *where, struct err *e)
{
    const json_t *value = member(object, key);
    if (value && !json_is_integer(value))
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be a whole number", where, key);
    int64_t number = value ? (int64_t)json_integer_value(value) : fallback;
    if (value && (number < min || number > max))
        return err_set(e, ERR_INPUT, "%s: \"%s\" is %lld, must be %lld to %lld", where, key, (long long)number,
                       (long long)min, (long long)max);
    *out = number;
    return 0;
}

int json_get_double(const json_t *object, const char *key, double fallback, double *out, const char *where,
                    struct err *e)
{
    const json_t *value = member(object, key);
    if (value && !json_is_number(value))
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be a number", where, key);
    *out = value ? json_number_value(value) : fallback;
    return 0;
}

int json_get_bool(const json_t *object, const char *key, bool fallback, bool *out, const char *where, struct err *e)
{
    const json_t *value = member(object, key);
    if (value && !json_is_boolean(value))
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be true or false", where, key);
    *out = value ? json_is_true(value) : fallback;
    return 0;
}

int json_get_text(const json_t *object, const char *key, const char *fallback, const char **out, const char *where,
                  struct err *e)
{
    const json_t *value = member(object, key);
    if (value && !json_is_string(value))
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be a text", where, key);
    *out = value ? json_string_value(value) : fallback;
    return 0;
}

json_t *json_any_text(const char *text)
{
    struct str s = {0};
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t used = utf8_decode(text + i, n - i, &code);
        if (code == UTF8_BAD)
            str_add(&s, "\xef\xbf\xbd");
        else
            str_addn(&s, text + i, used);
        i += used;
    }
    json_t *value = json_string(str_text(&s));
    str_fini(&s);
    return value;
}
