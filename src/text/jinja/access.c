// Attributes and subscripts.
#include "config.h"

#include <string.h>

#include "base/utf8.h"
#include "text/jinja/ast.h"

static struct jval loop_attribute(struct jloop *loop, const char *name, bool *found)
{
    const int64_t at = (int64_t)loop->at, n = (int64_t)loop->items->n;
    const struct {
        const char *name;
        struct jval value;
    } rows[] = {
        {"index", jx_int(at + 1)},          {"index0", jx_int(at)},
        {"revindex", jx_int(n - at)},       {"revindex0", jx_int(n - at - 1)},
        {"first", jx_bool(at == 0)},        {"last", jx_bool(at == n - 1)},
        {"length", jx_int(n)},              {"depth", jx_int(loop->depth)},
        {"depth0", jx_int(loop->depth - 1)},
        {"previtem", at > 0 ? loop->items->items[at - 1] : jx_undefined("loop.previtem")},
        {"nextitem", at < n - 1 ? loop->items->items[at + 1] : jx_undefined("loop.nextitem")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *found = true;
            return rows[i].value;
        }
    return jx_undefined(name);
}

static struct jval bound(struct jrun *r, const struct jbuiltin *builtin, struct jval self)
{
    struct jfunction *f = jx_alloc(r, 1, sizeof *f);
    f->builtin = builtin;
    f->self = self;
    return (struct jval){.kind = J_FUNCTION, .function = f};
}

static struct jval method(struct jrun *r, struct jval v, const char *name, bool *found)
{
    bool forbidden = false;
    const struct jbuiltin *builtin = jx_method(v, name, &forbidden);
    *found = builtin || forbidden;
    return builtin ? bound(r, builtin, v) : jx_undefined(name);
}

// jinja2 looks for a Python attribute first, then for an element of that name.
struct jval jx_attribute(struct jrun *r, struct jval v, const char *name)
{
    bool found = false;
    jx_step(r, 1);
    if (v.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined, so it has no .%.60s", v.text, name);
    struct jval result = v.kind == J_LOOP ? loop_attribute(v.loop, name, &found) : jx_undefined(name);
    if (!found)
        result = method(r, v, name, &found);
    if (!found && v.kind == J_MACRO && strcmp(name, "name") == 0)
        return jx_text(v.macro->node->name, strlen(v.macro->node->name));
    if (!found && (v.kind == J_DICT || v.kind == J_NAMESPACE)) {
        const struct jval *item = jx_dict_find(r, v.dict, jx_text(name, strlen(name)));
        return item ? *item : result;
    }
    return result;
}

// An element of a text or list by number; false when there is none.
static bool element(struct jrun *r, struct jval v, int64_t i, struct jval *out)
{
    int64_t n = jx_length(r, v);
    i += i < 0 ? n : 0;
    if (i < 0 || i >= n)
        return false;
    if (v.kind != J_TEXT) {
        *out = v.list->items[i];
        return true;
    }
    size_t at = jx_offset(v.text, v.n, (size_t)i);
    uint32_t code;
    *out = jx_text(v.text + at, utf8_decode(v.text + at, v.n - at, &code));
    return true;
}

struct jval jx_item(struct jrun *r, struct jval v, struct jval key)
{
    jx_step(r, 1);
    if (v.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined, so it has no elements", v.text);
    if (v.kind == J_DICT) {
        const struct jval *item =
            key.kind == J_LIST || key.kind == J_DICT ? NULL : jx_dict_find(r, v.dict, key);
        if (item)
            return *item;
    }
    struct jval out;
    if (jx_is_integer(key) && (v.kind == J_TEXT || v.kind == J_LIST || v.kind == J_TUPLE || v.kind == J_RANGE) &&
        element(r, v, jx_integer(key), &out))
        return out;
    if (key.kind == J_TEXT) { // then an attribute of that name
        char *name = jx_alloc(r, key.n + 1, 1);
        memcpy(name, key.text, key.n);
        return v.kind == J_DICT ? method(r, v, name, &(bool){false}) : jx_attribute(r, v, name);
    }
    return jx_undefined(jx_is_number(key) ? "element" : jx_kind_name(key));
}
