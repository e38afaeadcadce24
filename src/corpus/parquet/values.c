// What a stored value is as JSON; parquet.h says it in words.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "corpus/parquet/file.h"

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_unreadable(isnan(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity");
}

static json_t *whole(int64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *text(const uint8_t *at, size_t n)
{
    json_t *value = utf8_is_valid((const char *)at, n) ? json_stringn((const char *)at, n) : NULL;
    return value ? value : json_unreadable("binary data");
}

static json_t *json_text(const uint8_t *at, size_t n)
{
    json_error_t fault;
    json_t *value = json_decode((const char *)at, n, &fault);
    return value ? value : text(at, n);
}

// Year, month and day of a count of days since 1970 (the proleptic Gregorian calendar).
static void civil(int64_t days, int64_t *year, int *month, int *day)
{
    const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static void add_date(struct str *s, int64_t days)
{
    int64_t year;
    int month, day;
    civil(days, &year, &month, &day);
    str_addf(s, "%04lld-%02d-%02d", (long long)year, month, day);
}

// A time of the day in parts of a second of which there are `unit`; the fraction only where there is one.
static void add_time(struct str *s, int64_t parts, int32_t unit)
{
    const int64_t seconds = parts / unit, fraction = parts % unit;
    str_addf(s, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
    if (fraction)
        str_addf(s, ".%0*lld", unit == 1000 ? 3 : unit == 1000000 ? 6 : 9, (long long)fraction);
}

static json_t *take(struct str *s)
{
    json_t *value = json_string(str_text(s));
    str_fini(s);
    return value;
}

static json_t *date(int64_t days)
{
    struct str s = {0};
    add_date(&s, days);
    return take(&s);
}

static json_t *time_of_day(int64_t parts, int32_t unit)
{
    struct str s = {0};
    if (parts < 0 || parts / unit >= 86400)
        return json_unreadable("a time beyond the day");
    add_time(&s, parts, unit);
    return take(&s);
}

static json_t *timestamp(int64_t parts, int32_t unit, bool utc)
{
    struct str s = {0};
    const int64_t a_day = (int64_t)unit * 86400;
    int64_t days = parts / a_day, rest = parts % a_day;
    if (rest < 0) {
        rest += a_day;
        days--;
    }
    add_date(&s, days);
    str_add(&s, "T");
    add_time(&s, rest, unit);
    str_add(&s, utc ? "Z" : "");
    return take(&s);
}

static uint64_t little_endian(const uint8_t *at, int n)
{
    uint64_t value = 0;
    for (int i = 0; i < n; i++)
        value |= (uint64_t)at[i] << 8 * i;
    return value;
}

// Nanoseconds of the day, and a Julian day.
static json_t *int96(const uint8_t *at)
{
    const uint64_t nanoseconds = little_endian(at, 8);
    const int64_t days = (int64_t)little_endian(at + 8, 4) - 2440588;
    struct str s = {0};
    if (nanoseconds >= 86400000000000u)
        return json_unreadable("a time beyond the day");
    add_date(&s, days);
    str_add(&s, "T");
    add_time(&s, (int64_t)nanoseconds, 1000000000);
    return take(&s);
}

// unscaled / 10^scale, rounded once.
static json_t *scaled(__int128 unscaled, int32_t scale)
{
    char digits[64]; // sign and at most 39 digits up to 56, the exponent from there
    int at = (int)sizeof digits - 8;
    const bool negative = unscaled < 0;
    unsigned __int128 rest = negative ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    if (scale == 0 && unscaled >= INT64_MIN && unscaled <= INT64_MAX)
        return whole((int64_t)unscaled);
    snprintf(digits + at, 8, "e-%d", (int)(scale % 1000));
    do {
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest && at > 1);
    if (negative)
        digits[--at] = '-';
    return number(strtod(digits + at, NULL));
}

static json_t *decimal(const struct pq_node *node, struct pq_value value)
{
    if (node->type == TYPE_INT32 || node->type == TYPE_INT64)
        return scaled((int64_t)value.bits, node->scale);
    if (value.n > 16)
        return json_unreadable("a decimal of more than 128 bits");
    unsigned __int128 n = value.n && value.at[0] & 0x80 ? ~(unsigned __int128)0 : 0; // big endian
    for (uint32_t i = 0; i < value.n; i++)
        n = n << 8 | value.at[i];
    return scaled((__int128)n, node->scale);
}

static json_t *float16(const uint8_t *at)
{
    const unsigned bits = (unsigned)at[0] | (unsigned)at[1] << 8, exponent = bits >> 10 & 31, fraction = bits & 1023;
    const double size = exponent == 31 ? (fraction ? NAN : INFINITY)
                        : exponent     ? ldexp(1024 + fraction, (int)exponent - 25)
                                       : ldexp(fraction, -24);
    return number(bits >> 15 ? -size : size);
}

static json_t *uuid(const uint8_t *at)
{
    struct str s = {0};
    for (int i = 0; i < 16; i++)
        str_addf(&s, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", at[i]);
    return take(&s);
}

static json_t *plain_value(const struct pq_node *node, struct pq_value value)
{
    float f;
    double d;
    const uint32_t low = (uint32_t)value.bits;
    switch (node->type) {
    case TYPE_BOOLEAN:
        return json_boolean(value.bits != 0);
    case TYPE_INT32:
    case TYPE_INT64:
        return whole((int64_t)value.bits);
    case TYPE_INT96:
        return int96(value.at);
    case TYPE_FLOAT:
        memcpy(&f, &low, sizeof f);
        return number((double)f);
    case TYPE_DOUBLE:
        memcpy(&d, &value.bits, sizeof d);
        return number(d);
    case TYPE_BYTES:
    case TYPE_FIXED:
        return text(value.at, value.n);
    }
    return json_null();
}

json_t *pq_value_json(const struct pq_node *node, struct pq_value value)
{
    switch (node->meaning) {
    case MEANS_JSON:
        return json_text(value.at, value.n);
    case MEANS_UNSIGNED:
        if (node->type == TYPE_INT32)
            return whole((int64_t)(uint32_t)value.bits);
        return value.bits > INT64_MAX ? number((double)value.bits) : whole((int64_t)value.bits);
    case MEANS_DECIMAL:
        return decimal(node, value);
    case MEANS_DATE:
        return date((int64_t)value.bits);
    case MEANS_TIME:
        return time_of_day((int64_t)value.bits, node->unit);
    case MEANS_TIMESTAMP:
        return timestamp((int64_t)value.bits, node->unit, node->utc);
    case MEANS_FLOAT16:
        return float16(value.at);
    case MEANS_UUID:
        return uuid(value.at);
    case MEANS_NOTHING:
    case MEANS_TEXT:
    case MEANS_LIST:
    case MEANS_MAP:
        break;
    }
    return plain_value(node, value);
}
