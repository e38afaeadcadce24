// Expressions and variables.
#include "config.h"

#include <string.h>

#include "text/jinja/ast.h"

struct jval jx_lookup(struct jrun *r, const char *name)
{
    for (struct jscope *s = r->scope; s; s = s->parent)
        for (int i = s->n; i--;)
            if (s->variables[i].name == name)
                return s->variables[i].value;
    const struct jval *v = jx_dict_find(r, r->context, jx_text(name, strlen(name)));
    if (v)
        return *v;
    const struct jbuiltin *builtin = jx_global(name);
    if (!builtin)
        return jx_undefined(name);
    struct jfunction *f = jx_alloc(r, 1, sizeof *f);
    f->builtin = builtin;
    return (struct jval){.kind = J_FUNCTION, .function = f};
}

void jx_assign(struct jrun *r, const char *name, struct jval v)
{
    struct jscope *s = r->scope;
    for (int i = 0; i < s->n; i++)
        if (s->variables[i].name == name) {
            s->variables[i].value = v;
            return;
        }
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 4;
        struct jvariable *variables = jx_alloc(r, (size_t)s->cap, sizeof *variables);
        if (s->n)
            memcpy(variables, s->variables, (size_t)s->n * sizeof *variables);
        s->variables = variables;
    }
    s->variables[s->n++] = (struct jvariable){name, v};
}

static void add_keyword(struct jrun *r, struct jargs *args, int *cap, const char *name, struct jval v)
{
    for (int i = 0; i < args->n_keywords; i++)
        if (strcmp(args->keywords[i].name, name) == 0)
            jx_fail(r, ERR_INPUT, "the argument %.60s is given twice", name);
    if (args->n_keywords == *cap) {
        *cap = *cap ? *cap * 2 : 4;
        struct jkeyword *keywords = jx_alloc(r, (size_t)*cap, sizeof *keywords);
        if (args->n_keywords)
            memcpy(keywords, args->keywords, (size_t)args->n_keywords * sizeof *keywords);
        args->keywords = keywords;
    }
    args->keywords[args->n_keywords++] = (struct jkeyword){name, v};
}

void jx_arguments(struct jrun *r, const struct jnode *list, struct jargs *args)
{
    struct jval items = jx_list(r, J_LIST, 1);
    int cap = 0;
    *args = (struct jargs){0};
    for (; list; list = list->next) {
        struct jval v = jx_eval(r, list->a);
        if (list->op == 1) {
            const struct jlist *more = jx_iterate(r, v);
            for (size_t i = 0; i < more->n; i++)
                jx_append(r, items.list, more->items[i]);
        } else if (list->op == 2) {
            if (v.kind != J_DICT)
                jx_fail(r, ERR_INPUT, "** needs a dict, not '%s'", jx_kind_name(v));
            for (size_t i = 0; i < v.dict->n; i++) {
                struct jval key = v.dict->pairs[i].key;
                if (key.kind != J_TEXT)
                    jx_fail(r, ERR_INPUT, "the names of arguments are texts, not '%s'", jx_kind_name(key));
                char *name = jx_alloc(r, key.n + 1, 1);
                memcpy(name, key.text, key.n);
                add_keyword(r, args, &cap, name, v.dict->pairs[i].value);
            }
        } else if (list->name) {
            add_keyword(r, args, &cap, list->name, v);
        } else {
            jx_append(r, items.list, v);
        }
    }
    if (items.list->n > 10000)
        jx_fail(r, ERR_LIMIT, "a call with %zu arguments", items.list->n);
    args->items = items.list->items;
    args->n = (int)items.list->n;
}

static struct jval list_of(struct jrun *r, const struct jnode *x, enum jkind kind)
{
    struct jval out = jx_list(r, kind, 0);
    for (const struct jnode *item = x->a; item; item = item->next)
        jx_append(r, out.list, jx_eval(r, item));
    return out;
}

static struct jval dict_of(struct jrun *r, const struct jnode *x)
{
    struct jval out = jx_dict(r, J_DICT, 0);
    for (const struct jnode *pair = x->a; pair; pair = pair->next) {
        struct jval key = jx_eval(r, pair->a);
        jx_dict_set(r, out.dict, key, jx_eval(r, pair->b));
    }
    return out;
}

static bool holds(struct jrun *r, int op, struct jval a, struct jval b)
{
    int order;
    switch (op) {
    case OP2('=', '='): return jx_equal(r, a, b);
    case OP2('!', '='): return !jx_equal(r, a, b);
    case OP_IN: return jx_contains(r, b, a);
    case OP_NOT_IN: return !jx_contains(r, b, a);
    case '<': return jx_order(r, a, b) == -1;
    case '>': return jx_order(r, a, b) == 1;
    case OP2('<', '='): order = jx_order(r, a, b); return order == -1 || order == 0;
    default: order = jx_order(r, a, b); return order == 1 || order == 0;
    }
}

// "a < b < c" is "a < b and b < c", b being evaluated once.
static struct jval compare(struct jrun *r, const struct jnode *x)
{
    struct jval left = jx_eval(r, x->a);
    for (const struct jnode *operand = x->b; operand; operand = operand->next) {
        struct jval right = jx_eval(r, operand->a);
        r->line = x->line;
        if (!holds(r, operand->op, left, right))
            return jx_bool(false);
        left = right;
    }
    return jx_bool(true);
}

static struct jval or_none(struct jrun *r, const struct jnode *x)
{
    return x ? jx_eval(r, x) : jx_none();
}

static struct jval eval(struct jrun *r, const struct jnode *x)
{
    struct jval a, b;
    struct jargs args;
    switch (x->kind) {
    case E_CONST: return x->value;
    case E_NAME: return jx_lookup(r, x->name);
    case E_LIST: return list_of(r, x, J_LIST);
    case E_TUPLE: return list_of(r, x, J_TUPLE);
    case E_DICT: return dict_of(r, x);
    case E_UNARY:
        a = jx_eval(r, x->a);
        r->line = x->line;
        return jx_unary(r, x->op, a);
    case E_BINARY:
        a = jx_eval(r, x->a);
        b = jx_eval(r, x->b);
        r->line = x->line;
        return jx_binary(r, x->op, a, b);
    case E_NOT: return jx_bool(!jx_true(jx_eval(r, x->a)));
    case E_AND:
        a = jx_eval(r, x->a);
        return jx_true(a) ? jx_eval(r, x->b) : a;
    case E_OR:
        a = jx_eval(r, x->a);
        return jx_true(a) ? a : jx_eval(r, x->b);
    case E_COMPARE: return compare(r, x);
    case E_IF:
        if (jx_true(jx_eval(r, x->a)))
            return jx_eval(r, x->b);
        return x->c ? jx_eval(r, x->c) : jx_undefined("the missing else");
    case E_ATTR:
        a = jx_eval(r, x->a);
        r->line = x->line;
        return jx_attribute(r, a, x->name);
    case E_ITEM:
        a = jx_eval(r, x->a);
        b = jx_eval(r, x->b);
        r->line = x->line;
        return jx_item(r, a, b);
    case E_SLICE:
        a = jx_eval(r, x->a);
        b = or_none(r, x->b->a);
        {
            struct jval stop = or_none(r, x->b->b), step = or_none(r, x->c);
            r->line = x->line;
            return jx_slice(r, a, b, stop, step);
        }
    case E_CALL:
        a = jx_eval(r, x->a);
        jx_arguments(r, x->b, &args);
        r->line = x->line;
        return jx_call(r, a, &args);
    case E_FILTER:
        a = jx_eval(r, x->a);
        jx_arguments(r, x->b, &args);
        r->line = x->line;
        return jx_apply_filter(r, x->name, a, &args);
    case E_TEST:
        a = jx_eval(r, x->a);
        jx_arguments(r, x->b, &args);
        r->line = x->line;
        return jx_bool(jx_apply_test(r, x->name, a, &args));
    case E_BLOCK: return r->block;
    default: BUG("node %d is no expression", x->kind);
    }
}

struct jval jx_eval(struct jrun *r, const struct jnode *x)
{
    jx_step(r, 1);
    jx_enter(r);
    r->line = x->line;
    struct jval v = eval(r, x);
    jx_leave(r);
    return v;
}
