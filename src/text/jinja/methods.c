// Methods of lists, dicts, loops and cyclers. Those of Python that change a value are known and refused, as
// transformers' sandbox does.
#include "config.h"

#include <string.h>

#include "text/jinja/value.h"

#define METHOD(name) static struct jval name(struct jrun *r, struct jval self, const struct jargs *args)

METHOD(m_get)
{
    const struct jval *v = jx_dict_find(r, self.dict, args->items[0]);
    return v ? *v : args->items[1].kind == J_ABSENT ? jx_none() : args->items[1];
}

static struct jval view(struct jrun *r, struct jval self, int what)
{
    struct jval out = jx_list(r, J_VIEW, self.dict->n);
    out.list->step = what;
    jx_step(r, self.dict->n);
    for (size_t i = 0; i < self.dict->n; i++) {
        const struct jpair *pair = &self.dict->pairs[i];
        jx_append(r, out.list, what == 0 ? pair->key : what == 1 ? pair->value : jx_pair(r, pair->key, pair->value));
    }
    return out;
}

METHOD(m_keys)
{
    return view(r, self, 0);
}

METHOD(m_values)
{
    return view(r, self, 1);
}

METHOD(m_items)
{
    return view(r, self, 2);
}

METHOD(m_copy)
{
    return self; // nothing can change it
}

METHOD(m_list_count)
{
    int64_t n = 0;
    for (size_t i = 0; i < self.list->n; i++)
        n += jx_equal(r, self.list->items[i], args->items[0]);
    return jx_int(n);
}

METHOD(m_list_index)
{
    for (size_t i = 0; i < self.list->n; i++)
        if (jx_equal(r, self.list->items[i], args->items[0]))
            return jx_int((int64_t)i);
    jx_fail(r, ERR_INPUT, "index does not find its value");
}

METHOD(m_cycle)
{
    if (!args->n)
        jx_fail(r, ERR_INPUT, "loop.cycle needs values");
    return args->items[self.loop->at % (size_t)args->n];
}

METHOD(m_changed)
{
    struct jval now = jx_list(r, J_TUPLE, (size_t)args->n);
    for (int i = 0; i < args->n; i++)
        jx_append(r, now.list, args->items[i]);
    const bool changed = self.loop->changed.kind != J_TUPLE || !jx_equal(r, self.loop->changed, now);
    self.loop->changed = now;
    return jx_bool(changed);
}

METHOD(m_next)
{
    return jx_call(r, self, &(struct jargs){args->items, 0, NULL, 0});
}

METHOD(m_reset)
{
    self.list->start = 0;
    return jx_none();
}

static const struct jbuiltin dict_methods[] = {{"get", "/ key default", 1, m_get}, {"keys", "", 0, m_keys},
                                               {"values", "", 0, m_values},        {"items", "", 0, m_items},
                                               {"copy", "", 0, m_copy},            {0}};
static const struct jbuiltin list_methods[] = {
    {"count", "/ value", 1, m_list_count}, {"index", "/ value", 1, m_list_index}, {"copy", "", 0, m_copy}, {0}};
static const struct jbuiltin loop_methods[] = {{"cycle", NULL, 0, m_cycle}, {"changed", NULL, 0, m_changed}, {0}};
static const struct jbuiltin cycler_methods[] = {{"next", "", 0, m_next}, {"reset", "", 0, m_reset}, {0}};
// Python has these, and the sandbox forbids them.
static const char *const list_forbidden[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort",
                                             NULL};
static const char *const dict_forbidden[] = {"clear", "pop", "popitem", "setdefault", "update", "fromkeys", NULL};

const struct jbuiltin *jx_method(struct jval v, const char *name, bool *forbidden)
{
    const struct jbuiltin *table = v.kind == J_TEXT                        ? jx_text_methods
                                   : v.kind == J_DICT                      ? dict_methods
                                   : v.kind == J_LIST || v.kind == J_TUPLE ? list_methods
                                   : v.kind == J_LOOP                      ? loop_methods
                                   : v.kind == J_CYCLER                    ? cycler_methods
                                                                           : NULL;
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    const char *const *names = v.kind == J_LIST ? list_forbidden : v.kind == J_DICT ? dict_forbidden : NULL;
    for (; names && *names; names++)
        *forbidden |= strcmp(*names, name) == 0;
    return NULL;
}
