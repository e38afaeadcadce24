// The operator % of texts: "%s: %.2f" % (name, value), and the filter format.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "text/jinja/value.h"

struct directive {
    char flags[8];
    int width, precision; // -1: none
    char kind;
};

static const char *read_directive(struct jrun *r, const char *p, const char *end, struct directive *d)
{
    enum { MAX_WIDTH = 1000 };
    size_t n = 0;
    *d = (struct directive){.width = -1, .precision = -1};
    while (p < end && *p && strchr("#0- +", *p) && n < sizeof d->flags - 1)
        d->flags[n++] = *p++;
    for (; p < end && *p >= '0' && *p <= '9' && d->width < MAX_WIDTH; p++)
        d->width = (d->width < 0 ? 0 : d->width * 10) + *p - '0';
    if (p < end && *p == '.')
        for (p++, d->precision = 0; p < end && *p >= '0' && *p <= '9' && d->precision < MAX_WIDTH; p++)
            d->precision = d->precision * 10 + *p - '0';
    if (p == end || d->width >= MAX_WIDTH || d->precision >= MAX_WIDTH || !*p || !strchr("srdiufFeEgGxXoc%", *p))
        jx_fail(r, ERR_INPUT, "a text before %% or format has an unfinished or unknown %% in it");
    d->kind = *p;
    return p + 1;
}

static void put_padded(struct jrun *r, struct jbuffer *b, const struct directive *d, struct jval text)
{
    size_t n = jx_chars(text.text, text.n);
    if (d->precision >= 0 && (size_t)d->precision < n) {
        text.n = (uint32_t)jx_offset(text.text, text.n, (size_t)d->precision);
        n = (size_t)d->precision;
    }
    const bool left = strchr(d->flags, '-');
    if (left)
        jx_put(r, b, text.text, text.n);
    for (; d->width > 0 && n < (size_t)d->width; n++)
        jx_puts(r, b, " ");
    if (!left)
        jx_put(r, b, text.text, text.n);
}

static void put_number(struct jrun *r, struct jbuffer *b, const struct directive *d, struct jval v)
{
    char format[40], text[1500], width[12] = "", precision[12] = "";
    if (v.kind != J_INT && v.kind != J_BOOL && v.kind != J_FLOAT)
        jx_fail(r, ERR_INPUT, "%%%c needs a number, not '%s'", d->kind, jx_kind_name(v));
    if (d->width >= 0)
        snprintf(width, sizeof width, "%d", d->width);
    if (d->precision >= 0)
        snprintf(precision, sizeof precision, ".%d", d->precision);
    const bool whole = strchr("diuxXo", d->kind);
    if (whole && v.kind == J_FLOAT && (!(v.f > -0x1p63 && v.f < 0x1p63) || strchr("xXo", d->kind)))
        jx_fail(r, ERR_INPUT, "%%%c needs a whole number", d->kind);
    int64_t i = v.kind == J_FLOAT ? whole ? (int64_t)v.f : 0 : v.kind == J_BOOL ? v.b : v.i;
    double f = v.kind == J_FLOAT ? v.f : (double)i;
    if (whole && i < 0 && strchr("xXo", d->kind))
        jx_fail(r, ERR_INPUT, "%%%c of a negative number", d->kind);
    snprintf(format, sizeof format, "%%%s%s%s%s%c", d->flags, width, precision, whole ? "ll" : "",
             d->kind == 'u' ? 'd' : d->kind);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = whole ? snprintf(text, sizeof text, format, (long long)i) : snprintf(text, sizeof text, format, f);
#pragma GCC diagnostic pop
    if (n < 0 || (size_t)n >= sizeof text)
        jx_fail(r, ERR_LIMIT, "a number with more than %zu characters", sizeof text);
    jx_puts(r, b, text);
}

struct jval jx_percent(struct jrun *r, struct jval format, const struct jval *args, size_t n, bool alone)
{
    struct jbuffer b = {0};
    const char *p = format.text, *end = p + format.n;
    size_t used = 0;
    while (p < end) {
        const char *next = memchr(p, '%', (size_t)(end - p));
        jx_put(r, &b, p, (size_t)((next ? next : end) - p));
        if (!next)
            break;
        struct directive d;
        p = read_directive(r, next + 1, end, &d);
        if (d.kind == '%') {
            jx_puts(r, &b, "%");
            continue;
        }
        if (used == n)
            jx_fail(r, ERR_INPUT, "there are fewer values than %% signs in a text");
        struct jval v = args[used++];
        struct jbuffer repr = {0};
        if (d.kind == 's') {
            put_padded(r, &b, &d, jx_to_text(r, v));
        } else if (d.kind == 'r') {
            jx_put_repr(r, &repr, v);
            put_padded(r, &b, &d, jx_taken(r, &repr));
        } else if (d.kind == 'c') {
            if (v.kind != J_TEXT || jx_chars(v.text, v.n) != 1)
                jx_fail(r, ERR_INPUT, "%%c needs one character");
            put_padded(r, &b, &d, v);
        } else {
            put_number(r, &b, &d, v);
        }
    }
    // What has elements but is no tuple may go unused: it could have been meant for names.
    const bool may_stay = alone && (args[0].kind == J_DICT || args[0].kind == J_LIST || args[0].kind == J_RANGE ||
                                    args[0].kind == J_UNDEFINED);
    if (used < n && !may_stay)
        jx_fail(r, ERR_INPUT, "there are more values than %% signs in a text");
    return jx_taken(r, &b);
}
