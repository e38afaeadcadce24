// Values: making them, lists and dicts from JSON; and what every part of a render needs (limits, buffers, failing).
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "text/jinja/ast.h"

void jx_fail(struct jrun *r, int code, const char *format, ...)
{
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->code = err_set(r->e, code, "%s:%d: %s", r->t->name, r->line, text);
    longjmp(r->failed, 1);
}

void *jx_alloc(struct jrun *r, size_t n, size_t size)
{
    size_t bytes;
    if (!mem_mul(n, size, &bytes) || bytes > r->limits.memory || r->memory + bytes > r->limits.memory)
        jx_fail(r, ERR_LIMIT, "the template needs more than the %zu MiB of memory that it may use",
                r->limits.memory >> 20);
    r->memory += bytes + 16;
    return arena_alloc(&r->arena, bytes ? bytes : 1);
}

void jx_step(struct jrun *r, size_t n)
{
    r->steps += n;
    if (r->steps > r->limits.steps)
        jx_fail(r, ERR_LIMIT, "the template takes more than %zu steps", r->limits.steps);
}

void jx_enter(struct jrun *r)
{
    if (++r->depth > r->limits.depth)
        jx_fail(r, ERR_LIMIT, "calls, blocks and expressions are more than %d deep", r->limits.depth);
}

void jx_leave(struct jrun *r)
{
    r->depth--;
}

void jx_put(struct jrun *r, struct jbuffer *b, const char *bytes, size_t n)
{
    if (n > r->limits.output || b->n + n > r->limits.output)
        jx_fail(r, ERR_LIMIT, "the text becomes longer than the %zu MiB that it may have", r->limits.output >> 20);
    if (b->n + n > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 64;
        while (cap < b->n + n)
            cap *= 2;
        char *data = jx_alloc(r, cap, 1);
        if (b->n)
            memcpy(data, b->data, b->n);
        b->data = data;
        b->cap = cap;
    }
    if (n)
        memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

void jx_puts(struct jrun *r, struct jbuffer *b, const char *text)
{
    jx_put(r, b, text, strlen(text));
}

struct jval jx_taken(struct jrun *r, struct jbuffer *b)
{
    struct jval v = jx_text(b->n ? b->data : "", b->n);
    *b = (struct jbuffer){0};
    return v;
}

struct jval jx_list(struct jrun *r, enum jkind kind, size_t room)
{
    struct jlist *list = jx_alloc(r, 1, sizeof *list);
    if (room)
        list->items = jx_alloc(r, room, sizeof *list->items);
    list->cap = room;
    return (struct jval){.kind = kind, .list = list};
}

void jx_append(struct jrun *r, struct jlist *list, struct jval v)
{
    if (list->n == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 4;
        struct jval *items = jx_alloc(r, list->cap, sizeof *items);
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
    }
    list->items[list->n++] = v;
}

struct jval jx_pair(struct jrun *r, struct jval a, struct jval b)
{
    struct jval pair = jx_list(r, J_TUPLE, 2);
    jx_append(r, pair.list, a);
    jx_append(r, pair.list, b);
    return pair;
}

struct jval jx_dict(struct jrun *r, enum jkind kind, size_t room)
{
    struct jdict *dict = jx_alloc(r, 1, sizeof *dict);
    if (room)
        dict->pairs = jx_alloc(r, room, sizeof *dict->pairs);
    dict->cap = room;
    return (struct jval){.kind = kind, .dict = dict};
}

struct jval jx_from_json(struct jrun *r, const json_t *value)
{
    jx_step(r, 1);
    jx_enter(r);
    struct jval v = jx_none();
    const char *unreadable;
    if (json_is_unreadable(value, &unreadable)) { // "NaN", "1e400": to Python numbers as well
        jx_leave(r);
        return jx_float(strtod(unreadable ? unreadable : "nan", NULL));
    }
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        v = jx_dict(r, J_DICT, json_object_size(value));
        for (void *at = json_object_iter((json_t *)value); at; at = json_object_iter_next((json_t *)value, at)) {
            const char *key = json_object_iter_key(at); // keys of an object differ: nothing to look for
            v.dict->pairs[v.dict->n++] =
                (struct jpair){jx_text(key, strlen(key)), jx_from_json(r, json_object_iter_value(at))};
        }
        break;
    }
    case JSON_ARRAY:
        v = jx_list(r, J_LIST, json_array_size(value));
        for (size_t i = 0; i < json_array_size(value); i++)
            jx_append(r, v.list, jx_from_json(r, json_array_get(value, i)));
        break;
    case JSON_STRING: v = jx_text(json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: v = jx_int(json_integer_value(value)); break;
    case JSON_REAL:
        v = jx_float(json_real_value(value));
        v.n = fabs(v.f) >= 0x1p63; // may have been a whole number, whose digits are lost
        break;
    case JSON_TRUE: v = jx_bool(true); break;
    case JSON_FALSE: v = jx_bool(false); break;
    case JSON_NULL: break;
    }
    jx_leave(r);
    return v;
}

const char *jx_kind_name(struct jval v)
{
    static const char *const names[] = {
        [J_UNDEFINED] = "Undefined", [J_NONE] = "NoneType",    [J_BOOL] = "bool",          [J_INT] = "int",
        [J_FLOAT] = "float",         [J_TEXT] = "str",         [J_LIST] = "list",          [J_TUPLE] = "tuple",
        [J_RANGE] = "range",         [J_VIEW] = "dict view",   [J_GENERATOR] = "generator", [J_DICT] = "dict",
        [J_NAMESPACE] = "Namespace", [J_FUNCTION] = "function", [J_MACRO] = "Macro",        [J_LOOP] = "LoopContext",
        [J_CYCLER] = "Cycler",       [J_JOINER] = "Joiner",    [J_ABSENT] = "nothing"};
    return names[v.kind];
}

bool jx_is_text(struct jval v, const char *text)
{
    return v.kind == J_TEXT && v.n == strlen(text) && memcmp(v.text, text, v.n) == 0;
}

bool jx_is_sequence(struct jval v)
{
    return v.kind >= J_LIST && v.kind <= J_GENERATOR;
}
