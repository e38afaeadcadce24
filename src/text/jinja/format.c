// Values as text: Python's str() and repr(), json.dumps(), and the operator % of texts.
#include "config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "text/jinja/value.h"

static void put_int(struct jrun *r, struct jbuffer *b, int64_t i)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, i);
    jx_puts(r, b, text);
}

// The shortest digits that give the same double, written as Python's repr does.
static void put_float(struct jrun *r, struct jbuffer *b, struct jval v, bool json)
{
    const double f = v.f;
    char digits[40], out[64];
    if (!isfinite(f)) {
        const int which = isnan(f) ? 0 : f > 0 ? 1 : 2;
        static const char *const names[2][3] = {{"nan", "inf", "-inf"}, {"NaN", "Infinity", "-Infinity"}};
        jx_puts(r, b, names[json][which]);
        return;
    }
    if (v.n)
        jx_fail(r, ERR_INPUT, "the data have a number of more than 64 bits (%.17g), whose digits cannot be written", f);
    int precision = 0;
    for (;; precision++) {
        snprintf(digits, sizeof digits, "%.*e", precision, f);
        if (precision == 16 || strtod(digits, NULL) == f)
            break;
    }
    const int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        char *e = strchr(digits, 'e');
        snprintf(out, sizeof out, "%.*se%c%02d", (int)(e - digits), digits, exponent < 0 ? '-' : '+', abs(exponent));
    } else {
        int after = precision - exponent; // digits behind the point
        snprintf(out, sizeof out, "%.*f", after > 1 ? after : 1, f);
    }
    jx_puts(r, b, out);
}

// Whether Python's repr shows a character as it is.
static bool is_printable(uint32_t code)
{
    if (code < 128)
        return code >= 32 && code < 127;
    switch (utf8proc_category((utf8proc_int32_t)code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
    }
}

static void put_quoted(struct jrun *r, struct jbuffer *b, struct jval v)
{
    const char quote = v.n && memchr(v.text, '\'', v.n) && !memchr(v.text, '"', v.n) ? '"' : '\'';
    jx_put(r, b, &quote, 1);
    jx_step(r, v.n / 16);
    for (size_t at = 0; at < v.n;) {
        uint32_t code;
        size_t used = utf8_decode(v.text + at, v.n - at, &code);
        char text[16] = {'\\'};
        if (code == '\n' || code == '\r' || code == '\t')
            text[1] = code == '\n' ? 'n' : code == '\r' ? 'r' : 't';
        else if (code == '\\' || code == (uint32_t)quote)
            text[1] = (char)code;
        else if (is_printable(code))
            text[0] = '\0';
        else
            snprintf(text, sizeof text, code < 256 ? "\\x%02x" : code < 65536 ? "\\u%04x" : "\\U%08x", code);
        if (*text)
            jx_puts(r, b, text);
        else
            jx_put(r, b, v.text + at, used);
        at += used;
    }
    jx_put(r, b, &quote, 1);
}

static void put_items(struct jrun *r, struct jbuffer *b, const char *open, struct jval v, const char *close)
{
    jx_puts(r, b, open);
    for (size_t i = 0; i < v.list->n; i++) {
        jx_puts(r, b, i ? ", " : "");
        jx_put_repr(r, b, v.list->items[i]);
    }
    jx_puts(r, b, close);
}

static void put_dict(struct jrun *r, struct jbuffer *b, const struct jdict *d)
{
    jx_puts(r, b, "{");
    for (size_t i = 0; i < d->n; i++) {
        jx_puts(r, b, i ? ", " : "");
        jx_put_repr(r, b, d->pairs[i].key);
        jx_puts(r, b, ": ");
        jx_put_repr(r, b, d->pairs[i].value);
    }
    jx_puts(r, b, "}");
}

static void put_range(struct jrun *r, struct jbuffer *b, const struct jlist *range)
{
    char text[96];
    int n = snprintf(text, sizeof text, "range(%" PRId64 ", %" PRId64, range->start, range->stop);
    if (range->step != 1)
        snprintf(text + n, sizeof text - (size_t)n, ", %" PRId64 ")", range->step);
    else
        snprintf(text + n, sizeof text - (size_t)n, ")");
    jx_puts(r, b, text);
}

void jx_put_repr(struct jrun *r, struct jbuffer *b, struct jval v)
{
    jx_step(r, 1);
    jx_enter(r);
    switch (v.kind) {
    case J_UNDEFINED: jx_puts(r, b, "Undefined"); break;
    case J_NONE: jx_puts(r, b, "None"); break;
    case J_BOOL: jx_puts(r, b, v.b ? "True" : "False"); break;
    case J_INT: put_int(r, b, v.i); break;
    case J_FLOAT: put_float(r, b, v, false); break;
    case J_TEXT: put_quoted(r, b, v); break;
    case J_LIST: put_items(r, b, "[", v, "]"); break;
    case J_TUPLE: put_items(r, b, "(", v, v.list->n == 1 ? ",)" : ")"); break;
    case J_RANGE: put_range(r, b, v.list); break;
    case J_VIEW:
        put_items(r, b, v.list->step == 0 ? "dict_keys([" : v.list->step == 1 ? "dict_values([" : "dict_items([", v,
                  "])");
        break;
    case J_DICT: put_dict(r, b, v.dict); break;
    case J_NAMESPACE:
        jx_puts(r, b, "<Namespace ");
        put_dict(r, b, v.dict);
        jx_puts(r, b, ">");
        break;
    case J_LOOP:
        jx_puts(r, b, "<LoopContext ");
        put_int(r, b, (int64_t)v.loop->at + 1);
        jx_puts(r, b, "/");
        put_int(r, b, (int64_t)v.loop->items->n);
        jx_puts(r, b, ">");
        break;
    default: // what Python prints here has a memory address in it
        jx_fail(r, ERR_INPUT, "a %s cannot be printed (to see its elements: | list)", jx_kind_name(v));
    }
    jx_leave(r);
}

void jx_put_text(struct jrun *r, struct jbuffer *b, struct jval v)
{
    if (v.kind == J_TEXT)
        jx_put(r, b, v.text, v.n);
    else if (v.kind != J_UNDEFINED)
        jx_put_repr(r, b, v);
}

struct jval jx_to_text(struct jrun *r, struct jval v)
{
    if (v.kind == J_TEXT)
        return v;
    struct jbuffer b = {0};
    jx_put_text(r, &b, v);
    return jx_taken(r, &b);
}

struct dump {
    struct jrun *r;
    struct jbuffer *b;
    bool ascii, sorted, indented;
    struct jval indent, comma, colon;
    int level;
};

static void dump_text(struct dump *d, struct jval v)
{
    static const char escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    jx_puts(d->r, d->b, "\"");
    jx_step(d->r, v.n / 16);
    for (size_t at = 0; at < v.n;) {
        uint32_t code;
        size_t used = utf8_decode(v.text + at, v.n - at, &code);
        char text[16] = "";
        for (const char *p = escapes; *p; p += 2)
            if (code == (unsigned char)*p)
                snprintf(text, sizeof text, "\\%c", p[1]);
        if (!*text && (code < 32 || (d->ascii && code > 126))) {
            if (code < 0x10000)
                snprintf(text, sizeof text, "\\u%04x", code);
            else
                snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                         0xdc00 + ((code - 0x10000) & 0x3ff));
        }
        jx_put(d->r, d->b, *text ? text : v.text + at, *text ? strlen(text) : used);
        at += used;
    }
    jx_puts(d->r, d->b, "\"");
}

static void new_line(struct dump *d, int level)
{
    if (!d->indented)
        return;
    jx_puts(d->r, d->b, "\n");
    for (int i = 0; i < level; i++)
        jx_put(d->r, d->b, d->indent.text, d->indent.n);
}

static void dump(struct dump *d, struct jval v);

static void dump_key(struct dump *d, struct jval key)
{
    if (key.kind == J_TEXT) {
        dump_text(d, key);
        return;
    }
    if (key.kind != J_NONE && key.kind != J_BOOL && key.kind != J_INT && key.kind != J_FLOAT)
        jx_fail(d->r, ERR_INPUT, "'%s' cannot be a key in JSON", jx_kind_name(key));
    jx_puts(d->r, d->b, "\"");
    dump(d, key);
    jx_puts(d->r, d->b, "\"");
}

static void dump_dict(struct dump *d, const struct jdict *dict)
{
    size_t *order = jx_alloc(d->r, dict->n ? dict->n : 1, sizeof *order);
    for (size_t i = 0; i < dict->n; i++) {
        size_t at = i;
        for (; d->sorted && at && jx_order(d->r, dict->pairs[i].key, dict->pairs[order[at - 1]].key) < 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    jx_puts(d->r, d->b, "{");
    for (size_t i = 0; i < dict->n; i++) {
        if (i)
            jx_put(d->r, d->b, d->comma.text, d->comma.n);
        new_line(d, d->level + 1);
        d->level++;
        dump_key(d, dict->pairs[order[i]].key);
        jx_put(d->r, d->b, d->colon.text, d->colon.n);
        dump(d, dict->pairs[order[i]].value);
        d->level--;
    }
    if (dict->n)
        new_line(d, d->level);
    jx_puts(d->r, d->b, "}");
}

static void dump_list(struct dump *d, const struct jlist *list)
{
    jx_puts(d->r, d->b, "[");
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            jx_put(d->r, d->b, d->comma.text, d->comma.n);
        new_line(d, d->level + 1);
        d->level++;
        dump(d, list->items[i]);
        d->level--;
    }
    if (list->n)
        new_line(d, d->level);
    jx_puts(d->r, d->b, "]");
}

static void dump(struct dump *d, struct jval v)
{
    jx_step(d->r, 1);
    jx_enter(d->r);
    switch (v.kind) {
    case J_NONE: jx_puts(d->r, d->b, "null"); break;
    case J_BOOL: jx_puts(d->r, d->b, v.b ? "true" : "false"); break;
    case J_INT: put_int(d->r, d->b, v.i); break;
    case J_FLOAT: put_float(d->r, d->b, v, true); break;
    case J_TEXT: dump_text(d, v); break;
    case J_LIST:
    case J_TUPLE: dump_list(d, v.list); break;
    case J_DICT: dump_dict(d, v.dict); break;
    case J_UNDEFINED: jx_fail(d->r, ERR_INPUT, "'%.60s' is undefined and has no JSON", v.text);
    default: jx_fail(d->r, ERR_INPUT, "a %s has no JSON", jx_kind_name(v));
    }
    jx_leave(d->r);
}

struct jval jx_to_json(struct jrun *r, struct jval v, const struct jargs *args)
{
    struct jbuffer b = {0};
    struct dump d = {.r = r, .b = &b};
    d.ascii = jx_arg_true(args, 0, false);
    d.sorted = jx_arg_true(args, 3, false);
    d.indented = jx_given(args, 1);
    if (d.indented && args->items[1].kind == J_TEXT)
        d.indent = args->items[1];
    else if (d.indented)
        d.indent = jx_repeat(r, jx_text(" ", 1), jx_arg_int(r, args, 1, 0));
    d.comma = d.indented ? jx_text(",", 1) : jx_text(", ", 2);
    d.colon = jx_text(": ", 2);
    if (jx_given(args, 2)) {
        const struct jlist *separators = jx_iterate(r, args->items[2]);
        if (separators->n != 2 || separators->items[0].kind != J_TEXT || separators->items[1].kind != J_TEXT)
            jx_fail(r, ERR_INPUT, "tojson needs two texts as separators");
        d.comma = separators->items[0];
        d.colon = separators->items[1];
    }
    dump(&d, v);
    return jx_taken(r, &b);
}
