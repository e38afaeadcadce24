#include "config.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

int json_parse(const char *text, size_t n_bytes, const char *where, json_t **out, struct err *e)
{
    json_error_t fault;
    json_t *value = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &fault);
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
