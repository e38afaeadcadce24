// What all parts of the parser stand on: names, refusals, the token at hand and the nodes of the tree.
#include "config.h"

#include <string.h>

#include "text/jinja/ast.h"

enum { MAX_DEPTH = 100 }; // of expressions and blocks inside each other

void jx_refuse(struct jparser *p, int line, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->code = err_set(p->e, p->code ? p->code : ERR_INPUT, "%s:%d: %s", p->t->name, line, text);
    longjmp(p->failed, 1);
}

const char *jx_intern(struct jparser *p, const char *name, size_t n)
{
    unsigned hash = 5381;
    for (size_t i = 0; i < n; i++)
        hash = hash * 33 + (unsigned char)name[i];
    struct jname **bucket = &p->names[hash % N_BUCKETS];
    for (struct jname *x = *bucket; x; x = x->next)
        if (x->n == n && memcmp(x->text, name, n) == 0)
            return x->text;
    struct jname *x = arena_alloc(&p->t->arena, sizeof *x + n + 1);
    x->n = n;
    memcpy(x->text, name, n);
    x->next = *bucket;
    *bucket = x;
    return x->text;
}

const struct jtoken *jx_token(struct jparser *p)
{
    return &p->tokens[p->at];
}

struct jnode *jx_new(struct jparser *p, enum jnode_kind kind)
{
    struct jnode *x = arena_alloc(&p->t->arena, sizeof *x);
    x->kind = kind;
    x->line = jx_token(p)->line;
    return x;
}

struct jnode *jx_node(struct jparser *p, enum jnode_kind kind, int op, struct jnode *a, struct jnode *b)
{
    struct jnode *x = jx_new(p, kind);
    x->line = a->line;
    x->op = op;
    x->a = a;
    x->b = b;
    return x;
}

bool jx_at_op(struct jparser *p, int op)
{
    return jx_token(p)->kind == T_OP && jx_token(p)->op == op;
}

bool jx_at_name(struct jparser *p, const char *name)
{
    return jx_token(p)->kind == T_NAME && strcmp(jx_token(p)->text, name) == 0;
}

bool jx_skip_name(struct jparser *p, const char *name)
{
    bool found = jx_at_name(p, name);
    p->at += found;
    return found;
}

bool jx_skip_op(struct jparser *p, int op)
{
    bool found = jx_at_op(p, op);
    p->at += found;
    return found;
}

void jx_unexpected(struct jparser *p, const char *wanted)
{
    const struct jtoken *t = jx_token(p);
    switch (t->kind) {
    case T_NAME: jx_refuse(p, t->line, "expected %s, not \"%.40s\"", wanted, t->text);
    case T_OP: jx_refuse(p, t->line, "expected %s, not \"%c%.1s\"", wanted, t->op & 255, &(char){(char)(t->op >> 8)});
    case T_TEXT: jx_refuse(p, t->line, "expected %s, not a text", wanted);
    case T_INT:
    case T_FLOAT: jx_refuse(p, t->line, "expected %s, not a number", wanted);
    case T_PRINT_END: jx_refuse(p, t->line, "expected %s, not }}", wanted);
    case T_BLOCK_END: jx_refuse(p, t->line, "expected %s, not %%}", wanted);
    default: jx_refuse(p, t->line, "expected %s, not the end of the template", wanted);
    }
}

void jx_expect_op(struct jparser *p, int op)
{
    char wanted[8] = {'"', (char)op, '"'};
    if (!jx_skip_op(p, op))
        jx_unexpected(p, wanted);
}

void jx_deeper(struct jparser *p)
{
    if (++p->depth > MAX_DEPTH) {
        p->code = ERR_LIMIT;
        jx_refuse(p, jx_token(p)->line, "expressions or blocks are more than %d deep", MAX_DEPTH);
    }
}
