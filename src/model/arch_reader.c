#include "config.h"

#include "model/arch_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void reader_fail(struct reader *r, int code, const char *format, ...)
{
    char text[600];
    va_list args;
    if (r->code)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->code = err_set(r->e, code, "%s", text);
}

int64_t reader_whole(struct reader *r, const char *key, int64_t fallback, int64_t min, int64_t max)
{
    int64_t value = fallback;
    if (fallback == INT64_MIN && !json_is_integer(json_object_get(r->config, key)))
        reader_fail(r, ERR_INPUT, "%s: \"%s\" is missing or not a whole number", r->where, key);
    if (!r->code)
        r->code = json_get_int(r->config, key, fallback, min, max, &value, r->where, r->e);
    return value;
}

int reader_needed(struct reader *r, const char *key, int64_t max)
{
    return (int)reader_whole(r, key, INT64_MIN, 1, max);
}

double reader_real(struct reader *r, const char *key, double fallback)
{
    double value = fallback;
    if (!r->code)
        r->code = json_get_double(r->config, key, fallback, &value, r->where, r->e);
    return value;
}

double reader_needed_real(struct reader *r, const char *key)
{
    if (!json_is_number(json_object_get(r->config, key)))
        reader_fail(r, ERR_INPUT, "%s: \"%s\" is missing or not a number", r->where, key);
    return reader_real(r, key, 0);
}

bool reader_flag(struct reader *r, const char *key, bool fallback)
{
    bool value = fallback;
    if (!r->code)
        r->code = json_get_bool(r->config, key, fallback, &value, r->where, r->e);
    return value;
}

const char *reader_text(struct reader *r, const char *key, const char *fallback)
{
    const char *value = fallback;
    if (!r->code)
        r->code = json_get_text(r->config, key, fallback, &value, r->where, r->e);
    return value;
}
