// Statements, macros, loops, and jinja_render.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "text/jinja/ast.h"

enum jump { GO_ON, BREAK, CONTINUE };

static enum jump run(struct jrun *r, const struct jnode *list);

static struct jscope *open_scope(struct jrun *r, struct jscope *parent)
{
    struct jscope *before = r->scope, *s = jx_alloc(r, 1, sizeof *s);
    s->parent = parent;
    r->scope = s;
    return before;
}

// The text that a body makes, in a scope of its own.
static struct jval captured(struct jrun *r, const struct jnode *body)
{
    struct jbuffer text = {0}, *out = r->out;
    struct jscope *before = open_scope(r, r->scope);
    r->out = &text;
    run(r, body);
    r->out = out;
    r->scope = before;
    return jx_taken(r, &text);
}

static void assign(struct jrun *r, const struct jnode *target, struct jval v)
{
    if (target->kind == E_NAME) {
        jx_assign(r, target->name, v);
    } else if (target->kind == E_ATTR) {
        struct jval space = jx_eval(r, target->a);
        if (space.kind != J_NAMESPACE)
            jx_fail(r, ERR_INPUT, "only a namespace has attributes that can be set, not '%s'", jx_kind_name(space));
        jx_dict_set(r, space.dict, jx_text(target->name, strlen(target->name)), v);
    } else {
        const struct jlist *list = jx_iterate(r, v);
        size_t n = 0;
        for (const struct jnode *x = target->a; x; x = x->next, n++)
            if (n < list->n)
                assign(r, x, list->items[n]);
        if (n != list->n)
            jx_fail(r, ERR_INPUT, "%zu values cannot be given to %zu names", list->n, n);
    }
}

// What a filter chain over E_BLOCK makes of a text.
static struct jval filtered(struct jrun *r, const struct jnode *filters, struct jval text)
{
    struct jval before = r->block;
    r->block = text;
    struct jval v = jx_eval(r, filters);
    r->block = before;
    return v;
}

// What a loop goes through: all elements, or those that its condition takes.
static struct jlist *loop_items(struct jrun *r, const struct jnode *x, struct jval over, struct jscope *around)
{
    struct jlist *all = jx_iterate(r, over);
    if (!x->c)
        return all;
    struct jval taken = jx_list(r, J_LIST, 0);
    for (size_t i = 0; i < all->n; i++) {
        struct jscope *before = open_scope(r, around);
        assign(r, x->a, all->items[i]);
        if (jx_true(jx_eval(r, x->c)))
            jx_append(r, taken.list, all->items[i]);
        r->scope = before;
    }
    return taken.list;
}

static void run_loop(struct jrun *r, const struct jnode *x, struct jval over, struct jscope *around, int depth)
{
    struct jloop *loop = jx_alloc(r, 1, sizeof *loop);
    struct jscope *before = r->scope;
    *loop = (struct jloop){.items = loop_items(r, x, over, around), .depth = depth, .node = x->op ? x : NULL,
                           .scope = around};
    const size_t n = loop->items->n;
    struct jscope *inner = NULL;
    bool finished = false; // jinja2 takes the else branch unless a round came to its end
    for (; loop->at < n; loop->at++) {
        jx_step(r, 1);
        r->line = x->line;
        if (!inner || inner->kept) {
            open_scope(r, around);
            inner = r->scope;
        }
        inner->n = 0; // each round begins without the last one's variables
        r->scope = inner;
        jx_assign(r, r->t->loop, (struct jval){.kind = J_LOOP, .loop = loop});
        assign(r, x->a, loop->items->items[loop->at]);
        const enum jump jump = run(r, x->body);
        if (jump == BREAK)
            break;
        finished |= jump == GO_ON;
    }
    r->scope = before;
    if (!finished && x->other) {
        open_scope(r, around);
        run(r, x->other);
        r->scope = before;
    }
}

static struct jval call_loop(struct jrun *r, struct jloop *loop, struct jval items)
{
    struct jbuffer text = {0}, *out = r->out;
    if (!loop->node)
        jx_fail(r, ERR_INPUT, "loop() can be called where the loop says recursive");
    r->out = &text;
    run_loop(r, loop->node, items, loop->scope, loop->depth + 1);
    r->out = out;
    return jx_taken(r, &text);
}

// Gives a macro's parameters their values, in the scope that is open. What is left over goes to varargs and kwargs
// where the body speaks of them.
static void bind_parameters(struct jrun *r, const struct jnode *x, const char *name, const struct jargs *args)
{
    int n = 0;
    bool *used = jx_alloc(r, (size_t)args->n_keywords + 1, sizeof *used);
    for (const struct jnode *p = x->a; p; p = p->next, n++) {
        const struct jval *given = n < args->n ? &args->items[n] : NULL;
        for (int i = 0; i < args->n_keywords; i++)
            if (strcmp(args->keywords[i].name, p->name) == 0) {
                if (given)
                    jx_fail(r, ERR_INPUT, "%s has its argument %s twice", name, p->name);
                given = &args->keywords[i].value;
                used[i] = true;
            }
        jx_assign(r, p->name, given ? *given : p->a ? jx_eval(r, p->a) : jx_undefined(p->name));
    }
    const unsigned takes = (unsigned)x->op;
    struct jval rest = jx_list(r, J_TUPLE, 0), named = jx_dict(r, J_DICT, 0);
    for (int i = n; i < args->n; i++)
        jx_append(r, rest.list, args->items[i]);
    for (int i = 0; i < args->n_keywords; i++)
        if (!used[i] && strcmp(args->keywords[i].name, "caller") != 0)
            jx_dict_set(r, named.dict, jx_text(args->keywords[i].name, strlen(args->keywords[i].name)),
                        args->keywords[i].value);
    if (rest.list->n && !(takes & TAKES_VARARGS))
        jx_fail(r, ERR_INPUT, "%s takes at most %d %s, not %d", name, n, text_plural(n, "argument", "arguments"),
                args->n);
    if (named.dict->n && !(takes & TAKES_KWARGS))
        jx_fail(r, ERR_INPUT, "%s does not know the argument %.60s", name, named.dict->pairs[0].key.text);
    if (takes & TAKES_VARARGS)
        jx_assign(r, r->t->varargs, rest);
    if (takes & TAKES_KWARGS)
        jx_assign(r, r->t->kwargs, named);
}

static struct jval call_macro(struct jrun *r, const struct jmacro *m, struct jargs *args)
{
    const struct jnode *x = m->node;
    const char *name = x->kind == N_MACRO ? x->name : "caller";
    struct jbuffer text = {0}, *out = r->out;
    struct jscope *before = open_scope(r, m->scope);
    struct jval caller = jx_undefined("caller");
    bool has_caller = false;
    for (int i = 0; i < args->n_keywords; i++)
        if (strcmp(args->keywords[i].name, "caller") == 0) {
            caller = args->keywords[i].value;
            has_caller = true;
        }
    bind_parameters(r, x, name, args);
    if (has_caller && !(x->op & TAKES_CALLER))
        jx_fail(r, ERR_INPUT, "%s does not use caller, so it cannot stand in a call block", name);
    if (x->kind == N_MACRO && x->op & TAKES_CALLER)
        jx_assign(r, r->t->caller, caller);
    r->out = &text;
    run(r, x->body);
    r->out = out;
    r->scope = before;
    return jx_taken(r, &text);
}

static struct jval macro_value(struct jrun *r, const struct jnode *x)
{
    struct jmacro *m = jx_alloc(r, 1, sizeof *m);
    m->node = x;
    m->scope = r->scope;
    for (struct jscope *s = r->scope; s; s = s->parent)
        s->kept = true;
    return (struct jval){.kind = J_MACRO, .macro = m};
}

static void call_block(struct jrun *r, const struct jnode *x)
{
    struct jval callee = jx_eval(r, x->b->a);
    struct jargs args;
    jx_arguments(r, x->b->b, &args);
    struct jkeyword *keywords = jx_alloc(r, (size_t)args.n_keywords + 1, sizeof *keywords);
    if (args.n_keywords)
        memcpy(keywords, args.keywords, (size_t)args.n_keywords * sizeof *keywords);
    keywords[args.n_keywords++] = (struct jkeyword){"caller", macro_value(r, x)};
    args.keywords = keywords;
    r->line = x->line;
    jx_put_text(r, r->out, jx_call(r, callee, &args));
}

static enum jump with(struct jrun *r, const struct jnode *x)
{
    struct jval values = jx_list(r, J_LIST, 0);
    for (const struct jnode *set = x->a; set; set = set->next)
        jx_append(r, values.list, jx_eval(r, set->b));
    struct jscope *before = open_scope(r, r->scope);
    size_t i = 0;
    for (const struct jnode *set = x->a; set; set = set->next)
        assign(r, set->a, values.list->items[i++]);
    enum jump jump = run(r, x->body);
    r->scope = before;
    return jump;
}

static enum jump run_one(struct jrun *r, const struct jnode *x)
{
    switch (x->kind) {
    case N_DATA: jx_put(r, r->out, x->value.text, x->value.n); break;
    case N_PRINT: jx_put_text(r, r->out, jx_eval(r, x->a)); break;
    case N_IF:
        while (!jx_true(jx_eval(r, x->a))) {
            if (!x->c) // the condition of the next elif
                return run(r, x->other);
            x = x->c;
        }
        return run(r, x->body);
    case N_FOR: run_loop(r, x, jx_eval(r, x->b), r->scope, 1); break;
    case N_SET: assign(r, x->a, jx_eval(r, x->b)); break;
    case N_SET_BLOCK: assign(r, x->a, filtered(r, x->b, captured(r, x->body))); break;
    case N_MACRO: jx_assign(r, x->name, macro_value(r, x)); break;
    case N_CALL: call_block(r, x); break;
    case N_FILTER_BLOCK: jx_put_text(r, r->out, filtered(r, x->b, captured(r, x->body))); break;
    case N_WITH: return with(r, x);
    case N_BODY: return run(r, x->body);
    case N_BREAK: return BREAK;
    case N_CONTINUE: return CONTINUE;
    default: BUG("node %d is no statement", x->kind);
    }
    return GO_ON;
}

static enum jump run(struct jrun *r, const struct jnode *list)
{
    enum jump jump = GO_ON;
    jx_enter(r);
    for (; list && jump == GO_ON; list = list->next) {
        jx_step(r, 1);
        r->line = list->line;
        jump = run_one(r, list);
    }
    jx_leave(r);
    return jump;
}

static void render(struct jrun *r, const json_t *context, struct jbuffer *text)
{
    r->line = 1;
    const struct jval variables = jx_from_json(r, context);
    if (variables.kind != J_DICT) // an object that stands for a number (base/json.h)
        jx_fail(r, ERR_INPUT, "the variables of a template must be an object");
    r->context = variables.dict;
    open_scope(r, NULL);
    r->out = text;
    run(r, r->t->body);
}

static struct jinja_limits with_defaults(const struct jinja_limits *limits)
{
    struct jinja_limits l = limits ? *limits : (struct jinja_limits){0};
    l.steps = l.steps ? l.steps : 50000000;
    l.memory = l.memory ? l.memory : (size_t)256 << 20;
    l.output = l.output ? l.output : (size_t)64 << 20;
    l.depth = l.depth ? l.depth : 1000;
    return l;
}

static const struct jabove above = {
    .call_macro = call_macro, .call_loop = call_loop,
    .text_filters = jx_text_filters, .list_filters = jx_list_filters, .tests = jx_tests,
};

int jinja_render(const struct jinja *t, const json_t *context, int64_t now, const struct jinja_limits *limits,
                 struct str *out, struct err *e)
{
    struct jrun *r = mem_alloc(1, sizeof *r);
    struct jbuffer *text = arena_alloc(&r->arena, sizeof *text); // not on the stack, which an error's jump forgets
    BUG_IF(!json_is_object(context));
    r->t = t;
    r->above = &above;
    r->e = e;
    r->now = now;
    r->limits = with_defaults(limits);
    if (setjmp(r->failed) == 0) {
        render(r, context, text);
        str_addn(out, text->n ? text->data : "", text->n);
        if (out->truncated)
            r->code = err_set(e, ERR_LIMIT, "%s: the text becomes too long", t->name);
    }
    int code = r->code;
    arena_fini(&r->arena);
    free(r);
    return code;
}
