#include "config.h"

#include "ui/kept.h"

#include <math.h>
#include <stdio.h>

static char trouble[80];
static bool has_trouble;

void kept_refuse(const char *key)
{
    if (has_trouble)
        return;
    snprintf(trouble, sizeof trouble, "%s", key);
    has_trouble = true;
}

const char *kept_trouble(void)
{
    const bool had = has_trouble;
    has_trouble = false;
    return had ? trouble : NULL;
}

int64_t kept_int(const json_t *from, const char *key, int64_t min, int64_t max, int64_t fallback)
{
    const json_t *value = json_object_get(from, key);
    const int64_t number = json_integer_value(value);
    if (!value)
        return fallback;
    if (json_is_integer(value) && number >= min && number <= max)
        return number;
    kept_refuse(key);
    return fallback;
}

double kept_number(const json_t *from, const char *key, double min, double max, double fallback)
{
    const json_t *value = json_object_get(from, key);
    const double number = json_number_value(value);
    if (!value)
        return fallback;
    if (json_is_number(value) && isfinite(number) && number >= min && number <= max)
        return number;
    kept_refuse(key);
    return fallback;
}

bool kept_bool(const json_t *from, const char *key, bool fallback)
{
    const json_t *value = json_object_get(from, key);
    if (value && !json_is_boolean(value))
        kept_refuse(key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

const char *kept_text(const json_t *from, const char *key, const char *fallback)
{
    const json_t *value = json_object_get(from, key);
    if (value && !json_is_string(value))
        kept_refuse(key);
    return json_is_string(value) ? json_string_value(value) : fallback;
}

const json_t *kept_object(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    if (value && !json_is_object(value))
        kept_refuse(key);
    return json_is_object(value) ? value : NULL;
}

const json_t *kept_array(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    if (value && !json_is_array(value))
        kept_refuse(key);
    return json_is_array(value) ? value : NULL;
}
