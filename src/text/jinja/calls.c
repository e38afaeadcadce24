// Calls: arguments to parameters, filters and tests by name.
#include "config.h"

#include <string.h>

#include "text/jinja/ast.h"

enum { MAX_PARAMS = 8 };

// Where `name` stands among the names of `params`; -1: not there.
static int param_index(const char *params, const char *name, size_t n)
{
    int i = 0;
    for (const char *p = params; *p; i++) {
        size_t length = strcspn(p, " ");
        if (length == n && memcmp(p, name, n) == 0)
            return i;
        p += length;
        p += *p == ' ';
    }
    return -1;
}

void jx_bind(struct jrun *r, const struct jbuiltin *b, struct jargs *args)
{
    if (!b->params)
        return;
    const bool plain_only = strncmp(b->params, "/ ", 2) == 0;
    const char *params = b->params + (plain_only ? 2 : 0);
    int n = *params != '\0';
    for (const char *p = params; *p; p++)
        n += *p == ' ';
    struct jval *items = jx_alloc(r, MAX_PARAMS, sizeof *items);
    for (int i = 0; i < MAX_PARAMS; i++)
        items[i] = i < args->n && i < n ? args->items[i] : (struct jval){.kind = J_ABSENT};
    if (args->n > n)
        jx_fail(r, ERR_INPUT, "%s takes at most %d %s, not %d", b->name, n, text_plural(n, "argument", "arguments"),
                args->n);
    for (int i = 0; i < args->n_keywords; i++) {
        const char *name = args->keywords[i].name;
        int at = plain_only ? -1 : param_index(params, name, strlen(name));
        if (at < 0 || items[at].kind != J_ABSENT)
            jx_fail(r, ERR_INPUT, "%s %s the argument %.60s", b->name, at < 0 ? "does not know" : "has twice", name);
        items[at] = args->keywords[i].value;
    }
    for (int i = 0; i < b->n_required; i++)
        if (items[i].kind == J_ABSENT)
            jx_fail(r, ERR_INPUT, "%s needs %d %s", b->name, b->n_required,
                    text_plural(b->n_required, "argument", "arguments"));
    *args = (struct jargs){items, n, NULL, 0};
}

static struct jval call_cycler(struct jrun *r, struct jlist *list)
{
    if (!list->n)
        jx_fail(r, ERR_INPUT, "cycler without values");
    struct jval v = list->items[list->start % (int64_t)list->n];
    list->start++;
    return v;
}

struct jval jx_call(struct jrun *r, struct jval callee, struct jargs *args)
{
    struct jval v = jx_none();
    jx_step(r, 1);
    jx_enter(r);
    switch (callee.kind) {
    case J_FUNCTION:
        jx_bind(r, callee.function->builtin, args);
        v = callee.function->builtin->call(r, callee.function->self, args);
        break;
    case J_MACRO: v = r->above->call_macro(r, callee.macro, args); break;
    case J_LOOP:
        if (args->n != 1 || args->n_keywords)
            jx_fail(r, ERR_INPUT, "loop() takes what to go through, one argument");
        v = r->above->call_loop(r, callee.loop, args->items[0]);
        break;
    case J_CYCLER: v = call_cycler(r, callee.list); break;
    case J_JOINER: // nothing the first time
        v = callee.list->spent ? callee.list->items[0] : jx_text("", 0);
        callee.list->spent = true;
        break;
    case J_UNDEFINED: jx_fail(r, ERR_INPUT, "'%.60s' is undefined and cannot be called", callee.text);
    default: jx_fail(r, ERR_INPUT, "'%s' cannot be called", jx_kind_name(callee));
    }
    jx_leave(r);
    return v;
}

static const struct jbuiltin *find(const struct jbuiltin *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

struct jval jx_apply_filter(struct jrun *r, const char *name, struct jval in, struct jargs *args)
{
    const struct jbuiltin *b = find(r->above->text_filters, name);
    if (!b)
        b = find(r->above->list_filters, name);
    if (!b)
        jx_fail(r, ERR_INPUT, "there is no filter %.60s", name);
    jx_step(r, 1);
    jx_enter(r);
    jx_bind(r, b, args);
    struct jval v = b->call(r, in, args);
    jx_leave(r);
    return v;
}

bool jx_apply_test(struct jrun *r, const char *name, struct jval in, struct jargs *args)
{
    const struct jbuiltin *b = find(r->above->tests, name);
    if (!b)
        jx_fail(r, ERR_INPUT, "there is no test %.60s", name);
    jx_step(r, 1);
    jx_bind(r, b, args);
    return jx_true(b->call(r, in, args));
}

int64_t jx_arg_int(struct jrun *r, const struct jargs *args, int i, int64_t fallback)
{
    struct jval v = args->items[i];
    if (v.kind == J_ABSENT)
        return fallback;
    if (v.kind != J_INT && v.kind != J_BOOL)
        jx_fail(r, ERR_INPUT, "a whole number is needed as argument %d, not '%s'", i + 1, jx_kind_name(v));
    return v.kind == J_BOOL ? v.b : v.i;
}

bool jx_arg_true(const struct jargs *args, int i, bool fallback)
{
    return args->items[i].kind == J_ABSENT ? fallback : jx_true(args->items[i]);
}

struct jval jx_arg_text(struct jrun *r, const struct jargs *args, int i)
{
    if (args->items[i].kind != J_TEXT)
        jx_fail(r, ERR_INPUT, "a text is needed as argument %d, not '%s'", i + 1, jx_kind_name(args->items[i]));
    return args->items[i];
}
