// Truth, equality, order, keys of dicts, membership, length and iteration, as Python has them.
#include "config.h"

#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "text/jinja/value.h"

bool jx_true(struct jval v)
{
    switch (v.kind) {
    case J_UNDEFINED:
    case J_ABSENT:
    case J_NONE: return false;
    case J_BOOL: return v.b;
    case J_INT: return v.i != 0;
    case J_FLOAT: return v.f != 0;
    case J_TEXT: return v.n > 0;
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW: return v.list->n > 0;
    case J_DICT: return v.dict->n > 0;
    default: return true;
    }
}

// Exactly, also where an int has more digits than a double.
static int order_numbers(struct jval a, struct jval b)
{
    if (a.kind != J_FLOAT && b.kind != J_FLOAT) {
        int64_t x = jx_integer(a), y = jx_integer(b);
        return (x > y) - (x < y);
    }
    if (a.kind == J_FLOAT && b.kind == J_FLOAT)
        return isnan(a.f) || isnan(b.f) ? 2 : (a.f > b.f) - (a.f < b.f);
    if (a.kind == J_FLOAT) {
        int order = order_numbers(b, a);
        return order == 2 ? 2 : -order;
    }
    if (isnan(b.f))
        return 2;
    if (b.f >= 0x1p63)
        return -1;
    if (b.f < -0x1p63)
        return 1;
    int64_t x = jx_integer(a), whole = (int64_t)b.f;
    if (x != whole)
        return x > whole ? 1 : -1;
    double rest = b.f - (double)whole;
    return (rest < 0) - (rest > 0);
}

static bool equal_dicts(struct jrun *r, const struct jdict *a, const struct jdict *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct jval *other = jx_dict_find(r, b, a->pairs[i].key);
        if (!other || !jx_equal(r, a->pairs[i].value, *other))
            return false;
    }
    return true;
}

bool jx_equal(struct jrun *r, struct jval a, struct jval b)
{
    jx_step(r, 1);
    if (jx_is_number(a) && jx_is_number(b))
        return order_numbers(a, b) == 0;
    if (a.kind != b.kind)
        return false;
    bool equal = false;
    jx_enter(r);
    switch (a.kind) {
    case J_UNDEFINED:
    case J_NONE: equal = true; break;
    case J_TEXT: equal = a.n == b.n && memcmp(a.text, b.text, a.n) == 0; break;
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
        equal = a.list->n == b.list->n;
        for (size_t i = 0; equal && i < a.list->n; i++)
            equal = jx_equal(r, a.list->items[i], b.list->items[i]);
        break;
    case J_DICT: equal = equal_dicts(r, a.dict, b.dict); break;
    case J_FUNCTION: equal = a.function->builtin == b.function->builtin; break;
    default: equal = a.list == b.list; // the same thing
    }
    jx_leave(r);
    return equal;
}

int jx_order(struct jrun *r, struct jval a, struct jval b)
{
    jx_step(r, 1);
    if (jx_is_number(a) && jx_is_number(b))
        return order_numbers(a, b);
    if (a.kind == J_UNDEFINED || b.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined", a.kind == J_UNDEFINED ? a.text : b.text);
    if (a.kind == J_TEXT && b.kind == J_TEXT) {
        int order = memcmp(a.text, b.text, a.n < b.n ? a.n : b.n); // UTF-8 sorts as its code points do
        return order ? (order > 0) - (order < 0) : (a.n > b.n) - (a.n < b.n);
    }
    if (a.kind != b.kind || (a.kind != J_LIST && a.kind != J_TUPLE))
        jx_fail(r, ERR_INPUT, "'%s' and '%s' have no order", jx_kind_name(a), jx_kind_name(b));
    int order = 0;
    jx_enter(r);
    for (size_t i = 0; order == 0 && i < a.list->n && i < b.list->n; i++)
        if (!jx_equal(r, a.list->items[i], b.list->items[i]))
            order = jx_order(r, a.list->items[i], b.list->items[i]);
    jx_leave(r);
    return order ? order : (a.list->n > b.list->n) - (a.list->n < b.list->n);
}

static void refuse_unhashable(struct jrun *r, struct jval key)
{
    if (key.kind == J_LIST || key.kind == J_DICT)
        jx_fail(r, ERR_INPUT, "unhashable type: '%s' cannot be the key of a dict", jx_kind_name(key));
    jx_enter(r);
    for (size_t i = 0; key.kind == J_TUPLE && i < key.list->n; i++)
        refuse_unhashable(r, key.list->items[i]);
    jx_leave(r);
}

struct jval *jx_dict_find(struct jrun *r, const struct jdict *d, struct jval key)
{
    refuse_unhashable(r, key);
    jx_step(r, d->n / 8);
    for (size_t i = 0; i < d->n; i++) {
        struct jval *k = &d->pairs[i].key;
        if (k->kind == J_TEXT && key.kind == J_TEXT) {
            if (k->n == key.n && memcmp(k->text, key.text, key.n) == 0)
                return &d->pairs[i].value;
        } else if (jx_equal(r, *k, key)) {
            return &d->pairs[i].value;
        }
    }
    return NULL;
}

void jx_dict_set(struct jrun *r, struct jdict *d, struct jval key, struct jval value)
{
    struct jval *there = jx_dict_find(r, d, key);
    if (there) {
        *there = value;
        return;
    }
    if (d->n == d->cap) {
        d->cap = d->cap ? d->cap * 2 : 4;
        struct jpair *pairs = jx_alloc(r, d->cap, sizeof *pairs);
        if (d->n)
            memcpy(pairs, d->pairs, d->n * sizeof *pairs);
        d->pairs = pairs;
    }
    d->pairs[d->n++] = (struct jpair){key, value};
}

bool jx_contains(struct jrun *r, struct jval container, struct jval item)
{
    if (container.kind == J_TEXT) {
        if (item.kind != J_TEXT)
            jx_fail(r, ERR_INPUT, "only a text can be in a text, not '%s'", jx_kind_name(item));
        jx_step(r, container.n / 64);
        return jx_find(container.text, container.n, item.text, item.n) != NULL;
    }
    if (container.kind == J_DICT)
        return jx_dict_find(r, container.dict, item) != NULL;
    const struct jlist *list = jx_iterate(r, container);
    for (size_t i = 0; i < list->n; i++)
        if (jx_equal(r, list->items[i], item))
            return true;
    return false;
}

struct jlist *jx_iterate(struct jrun *r, struct jval v)
{
    struct jval list;
    switch (v.kind) {
    case J_GENERATOR:
        if (v.list->spent)
            return jx_list(r, J_LIST, 0).list;
        v.list->spent = true;
        // fall through
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW: jx_step(r, v.list->n / 8); return v.list;
    case J_UNDEFINED: return jx_list(r, J_LIST, 0).list;
    case J_TEXT:
        list = jx_list(r, J_LIST, jx_chars(v.text, v.n));
        for (size_t at = 0; at < v.n;) {
            uint32_t code;
            size_t used = utf8_decode(v.text + at, v.n - at, &code);
            jx_step(r, 1);
            jx_append(r, list.list, jx_text(v.text + at, used));
            at += used;
        }
        return list.list;
    case J_DICT:
        list = jx_list(r, J_LIST, v.dict->n);
        jx_step(r, v.dict->n / 8);
        for (size_t i = 0; i < v.dict->n; i++)
            jx_append(r, list.list, v.dict->pairs[i].key);
        return list.list;
    case J_LOOP: return v.loop->items;
    default: jx_fail(r, ERR_INPUT, "'%s' cannot be gone through: it is no list", jx_kind_name(v));
    }
}

int64_t jx_length(struct jrun *r, struct jval v)
{
    switch (v.kind) {
    case J_UNDEFINED: return 0;
    case J_TEXT: jx_step(r, v.n / 64); return (int64_t)jx_chars(v.text, v.n);
    case J_LIST:
    case J_TUPLE:
    case J_RANGE:
    case J_VIEW: return (int64_t)v.list->n;
    case J_DICT: return (int64_t)v.dict->n;
    case J_LOOP: return (int64_t)v.loop->items->n;
    default: jx_fail(r, ERR_INPUT, "'%s' has no length", jx_kind_name(v));
    }
}
