// Filters of texts, numbers and single values. What Python's jinja2 does with each is the measure.
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/jinja/value.h"

#define FILTER(name) static struct jval name(struct jrun *r, struct jval in, const struct jargs *args)

FILTER(f_trim)
{
    return jx_strip(r, jx_to_text(r, in), args->items[0], true, true);
}

#define RECASE(name, how)                                                                          \
    FILTER(name)                                                                                   \
    {                                                                                              \
        return jx_recase(r, jx_to_text(r, in), how);                                               \
    }
RECASE(f_upper, CASE_UPPER)
RECASE(f_lower, CASE_LOWER)
RECASE(f_title, CASE_WORDS)
RECASE(f_capitalize, CASE_CAPITALIZE)

FILTER(f_string)
{
    return jx_to_text(r, in);
}

FILTER(f_replace)
{
    struct jval old = jx_to_text(r, args->items[0]), by = jx_to_text(r, args->items[1]);
    return jx_replace(r, jx_to_text(r, in), old, by, jx_given(args, 2) ? jx_arg_int(r, args, 2, -1) : -1);
}

FILTER(f_default)
{
    if (in.kind == J_UNDEFINED || (jx_arg_true(args, 1, false) && !jx_true(in)))
        return args->items[0].kind == J_ABSENT ? jx_text("", 0) : args->items[0];
    return in;
}

FILTER(f_tojson)
{
    return jx_to_json(r, in, args);
}

FILTER(f_safe)
{
    return jx_to_text(r, in);
}

FILTER(f_escape)
{
    static const char *const escapes[] = {"&&amp;", "<&lt;", ">&gt;", "'&#39;", "\"&#34;"};
    struct jval text = jx_to_text(r, in);
    struct jbuffer b = {0};
    jx_step(r, text.n / 16);
    for (size_t i = 0; i < text.n; i++) {
        const char *by = NULL;
        for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++)
            if (text.text[i] == escapes[k][0])
                by = escapes[k] + 1;
        if (by)
            jx_puts(r, &b, by);
        else
            jx_put(r, &b, &text.text[i], 1);
    }
    return jx_taken(r, &b);
}

FILTER(f_indent)
{
    if (in.kind != J_TEXT)
        jx_fail(r, ERR_INPUT, "indent needs a text, not '%s'", jx_kind_name(in));
    struct jval width = args->items[0];
    if (width.kind != J_TEXT)
        width = jx_binary(r, '*', jx_text(" ", 1), jx_int(jx_arg_int(r, args, 0, 4)));
    const bool first = jx_arg_true(args, 1, false), blank = jx_arg_true(args, 2, false);
    const struct jlist *lines = jx_split_lines(r, jx_binary(r, '+', in, jx_text("\n", 1)), false).list;
    struct jbuffer b = {0};
    for (size_t i = 0; i < lines->n; i++) {
        struct jval line = lines->items[i];
        if (i)
            jx_puts(r, &b, "\n");
        if (i ? blank || line.n : first)
            jx_put(r, &b, width.text, width.n);
        jx_put(r, &b, line.text, line.n);
    }
    return jx_taken(r, &b);
}

FILTER(f_center)
{
    struct jval text = jx_to_text(r, in);
    const struct jbuiltin *center = jx_method(text, "center", &(bool){false});
    struct jval items[3] = {jx_int(jx_arg_int(r, args, 0, 80)), {.kind = J_ABSENT}, {.kind = J_ABSENT}};
    return center->call(r, text, &(struct jargs){items, 2, NULL, 0});
}

FILTER(f_wordcount)
{
    struct jval text = jx_to_text(r, in);
    int64_t n = 0;
    bool inside = false;
    const struct jlist *chars = jx_iterate(r, text);
    for (size_t i = 0; i < chars->n; i++) {
        bool word = jx_is_all(chars->items[i], IS_ALNUM) || jx_is_text(chars->items[i], "_");
        n += word && !inside;
        inside = word;
    }
    return jx_int(n);
}

FILTER(f_format)
{
    if (args->n_keywords)
        jx_fail(r, ERR_INPUT, "format by names is not possible here");
    return jx_percent(r, jx_to_text(r, in), args->items, (size_t)args->n, false);
}

// A number at the start of nothing but white space around it; false: it is none.
static bool text_number(struct jrun *r, struct jval v, double *f, int64_t *i, int base, bool *whole)
{
    char text[400];
    struct jval plain = jx_strip(r, v, jx_none(), true, true);
    if (plain.n == 0 || plain.n >= sizeof text || memchr(plain.text, '\0', plain.n))
        return false;
    size_t n = 0;
    for (size_t at = 0; at < plain.n; at++) {
        if (plain.text[at] != '_')
            text[n++] = plain.text[at];
        else if (at == 0 || at + 1 == plain.n || !isalnum((unsigned char)plain.text[at - 1]) ||
                 !isalnum((unsigned char)plain.text[at + 1])) // Python has them between digits only
            return false;
    }
    text[n] = '\0';
    if (strpbrk(text, " \t\n\v\f\r("))
        return false;
    char *end;
    if (base >= 2 && base <= 36 && (base != 10 || !strpbrk(text, ".xX"))) {
        *i = strtoll(text, &end, base);
        *whole = !*end && end != text && *i != INT64_MAX && *i != INT64_MIN;
        if (*whole)
            return true;
    }
    *whole = false;
    if (strpbrk(text, "xXpP"))
        return false;
    *f = strtod(text, &end);
    return !*end && end != text;
}

FILTER(f_int)
{
    struct jval fallback = args->items[0].kind == J_ABSENT ? jx_int(0) : args->items[0];
    double f = NAN;
    int64_t i = 0, base = jx_arg_int(r, args, 1, 10);
    bool whole = false;
    switch (in.kind) {
    case J_UNDEFINED: jx_fail(r, ERR_INPUT, "'%.60s' is undefined", in.text);
    case J_INT: return in;
    case J_BOOL: return jx_int(in.b);
    case J_FLOAT: f = in.f; break;
    case J_TEXT:
        if (!text_number(r, in, &f, &i, (int)base, &whole))
            return fallback;
        if (whole)
            return jx_int(i);
        break;
    default: return fallback;
    }
    if (!isfinite(f))
        return fallback;
    if (!(f > -0x1p63 && f < 0x1p63))
        jx_fail(r, ERR_LIMIT, "a whole number becomes larger than 64 bits");
    return jx_int((int64_t)f);
}

FILTER(f_float)
{
    struct jval fallback = args->items[0].kind == J_ABSENT ? jx_float(0) : args->items[0];
    double f;
    int64_t i;
    bool whole;
    switch (in.kind) {
    case J_UNDEFINED: jx_fail(r, ERR_INPUT, "'%.60s' is undefined", in.text);
    case J_FLOAT: return in;
    case J_INT: return jx_float((double)in.i);
    case J_BOOL: return jx_float(in.b);
    case J_TEXT:
        if (!text_number(r, in, &f, &i, 10, &whole))
            return fallback;
        return jx_float(whole ? (double)i : f);
    default: return fallback;
    }
}

FILTER(f_abs)
{
    if (in.kind == J_FLOAT)
        return jx_float(fabs(in.f));
    return (in.kind == J_INT ? in.i < 0 : in.kind != J_BOOL) ? jx_unary(r, '-', in) : jx_unary(r, '+', in);
}

FILTER(f_round)
{
    const int64_t precision = jx_arg_int(r, args, 0, 0);
    struct jval how = args->items[1].kind == J_ABSENT ? jx_text("common", 6) : args->items[1];
    if (in.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined", in.text);
    if (in.kind != J_INT && in.kind != J_BOOL && in.kind != J_FLOAT)
        jx_fail(r, ERR_INPUT, "round needs a number, not '%s'", jx_kind_name(in));
    if (precision < -300 || precision > 300)
        jx_fail(r, ERR_LIMIT, "round to %lld places", (long long)precision);
    const double f = in.kind == J_FLOAT ? in.f : in.kind == J_BOOL ? in.b : (double)in.i;
    const double scale = pow(10, (double)precision);
    if (jx_is_text(how, "ceil"))
        return jx_float(ceil(f * scale) / scale);
    if (jx_is_text(how, "floor"))
        return jx_float(floor(f * scale) / scale);
    if (!jx_is_text(how, "common"))
        jx_fail(r, ERR_INPUT, "round knows the methods common, ceil and floor");
    if (in.kind != J_FLOAT && precision >= 0)
        return jx_int(in.kind == J_BOOL ? in.b : in.i);
    if (precision < 0 || !isfinite(f)) {
        double rounded = isfinite(f) ? rint(f * scale) / scale : f;
        if (in.kind == J_FLOAT)
            return jx_float(rounded);
        if (!(rounded > -0x1p63 && rounded < 0x1p63))
            jx_fail(r, ERR_LIMIT, "a whole number becomes larger than 64 bits");
        return jx_int((int64_t)rounded);
    }
    char text[700]; // correctly rounded from the exact value, as Python does
    snprintf(text, sizeof text, "%.*f", (int)precision, f);
    return jx_float(strtod(text, NULL));
}

FILTER(f_truncate)
{
    struct jval text = in;
    struct jval end = args->items[2].kind == J_ABSENT ? jx_text("...", 3) : jx_arg_text(r, args, 2);
    int64_t length = jx_arg_int(r, args, 0, 255), leeway = jx_given(args, 3) ? jx_arg_int(r, args, 3, 5) : 5;
    int64_t keep = length - jx_length(r, end);
    if (keep < 0 || leeway < 0)
        jx_fail(r, ERR_INPUT, "truncate needs a length of at least that of its end, and a leeway of at least 0");
    if (jx_length(r, text) - leeway <= length)
        return text;
    if (text.kind != J_TEXT)
        jx_fail(r, ERR_INPUT, "truncate needs a text, not '%s'", jx_kind_name(in));
    struct jval cut = jx_slice(r, text, jx_none(), jx_int(keep), jx_none());
    if (!jx_arg_true(args, 1, false))
        for (size_t i = cut.n; i--;)
            if (cut.text[i] == ' ') {
                cut.n = (uint32_t)i;
                break;
            }
    return jx_binary(r, '+', cut, end);
}

const struct jbuiltin jx_text_filters[] = {
    {"abs", "", 0, f_abs},
    {"capitalize", "", 0, f_capitalize},
    {"center", "width", 0, f_center},
    {"d", "default_value boolean", 0, f_default},
    {"default", "default_value boolean", 0, f_default},
    {"e", "", 0, f_escape},
    {"escape", "", 0, f_escape},
    {"float", "default", 0, f_float},
    {"forceescape", "", 0, f_escape},
    {"format", NULL, 0, f_format},
    {"indent", "width first blank", 0, f_indent},
    {"int", "default base", 0, f_int},
    {"lower", "", 0, f_lower},
    {"replace", "old new count", 2, f_replace},
    {"round", "precision method", 0, f_round},
    {"safe", "", 0, f_safe},
    {"string", "", 0, f_string},
    {"title", "", 0, f_title},
    {"tojson", "ensure_ascii indent separators sort_keys", 0, f_tojson},
    {"trim", "chars", 0, f_trim},
    {"truncate", "length killwords end leeway", 0, f_truncate},
    {"upper", "", 0, f_upper},
    {"wordcount", "", 0, f_wordcount},
    {0},
};
