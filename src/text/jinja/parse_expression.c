// Expressions of a template, after the grammar of Python's jinja2 (its parser.py), one function a level.
#include "config.h"

#include <string.h>

#include "text/jinja/ast.h"

enum { MAX_DEPTH = 100 }; // of expressions and blocks inside each other

struct jnode *jx_new(struct jparser *p, enum jnode_kind kind)
{
    struct jnode *x = arena_alloc(&p->t->arena, sizeof *x);
    x->kind = kind;
    x->line = jx_token(p)->line;
    return x;
}

const struct jtoken *jx_token(struct jparser *p)
{
    return &p->tokens[p->at];
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

static struct jnode *conditional(struct jparser *p, bool with_if);

struct jnode *jx_node(struct jparser *p, enum jnode_kind kind, int op, struct jnode *a, struct jnode *b)
{
    struct jnode *x = jx_new(p, kind);
    x->line = a->line;
    x->op = op;
    x->a = a;
    x->b = b;
    return x;
}

static struct jnode *power(struct jparser *p)
{
    struct jnode *x = jx_unary_expression(p);
    while (jx_skip_op(p, OP_POWER))
        x = jx_node(p, E_BINARY, OP_POWER, x, jx_unary_expression(p));
    return x;
}

// Left to right, the operators of a level: '*' '/' '//' '%', then '~', then '+' '-'.
static struct jnode *binary(struct jparser *p, int level)
{
    static const int ops[3][4] = {{'*', '/', OP_FLOOR, '%'}, {'~'}, {'+', '-'}};
    if (level < 0)
        return power(p);
    struct jnode *x = binary(p, level - 1);
    for (;;) {
        int found = 0;
        for (int i = 0; i < 4 && !found; i++)
            if (ops[level][i] && jx_at_op(p, ops[level][i]))
                found = ops[level][i];
        if (!found)
            return x;
        p->at++;
        x = jx_node(p, E_BINARY, found, x, binary(p, level - 1));
    }
}

static int comparison_at(struct jparser *p)
{
    const struct jtoken *t = jx_token(p);
    if (t->kind == T_OP && (t->op == OP2('=', '=') || t->op == OP2('!', '=') || t->op == '<' || t->op == '>' ||
                            t->op == OP2('<', '=') || t->op == OP2('>', '='))) {
        p->at++;
        return t->op;
    }
    if (jx_skip_name(p, "in"))
        return OP_IN;
    if (jx_at_name(p, "not") && t[1].kind == T_NAME && strcmp(t[1].text, "in") == 0) {
        p->at += 2;
        return OP_NOT_IN;
    }
    return 0;
}

static struct jnode *comparison(struct jparser *p)
{
    struct jnode *x = binary(p, 2), *first = NULL, **last = &first;
    for (int op; (op = comparison_at(p)); last = &(*last)->next) {
        struct jnode *right = binary(p, 2);
        *last = jx_node(p, E_OPERAND, op, right, NULL);
    }
    return first ? jx_node(p, E_COMPARE, 0, x, first) : x;
}

static struct jnode *negation(struct jparser *p)
{
    if (!jx_at_name(p, "not"))
        return comparison(p);
    jx_deeper(p);
    struct jnode *x = jx_new(p, E_NOT);
    p->at++;
    x->a = negation(p);
    p->depth--;
    return x;
}

static struct jnode *conjunction(struct jparser *p)
{
    struct jnode *x = negation(p);
    while (jx_skip_name(p, "and"))
        x = jx_node(p, E_AND, 0, x, negation(p));
    return x;
}

static struct jnode *disjunction(struct jparser *p)
{
    struct jnode *x = conjunction(p);
    while (jx_skip_name(p, "or"))
        x = jx_node(p, E_OR, 0, x, conjunction(p));
    return x;
}

static struct jnode *conditional(struct jparser *p, bool with_if)
{
    jx_deeper(p);
    struct jnode *x = disjunction(p);
    while (with_if && jx_skip_name(p, "if")) {
        struct jnode *condition = disjunction(p);
        x = jx_node(p, E_IF, 0, condition, x);
        if (jx_skip_name(p, "else"))
            x->c = conditional(p, true);
    }
    p->depth--;
    return x;
}

struct jnode *jx_expression(struct jparser *p)
{
    return conditional(p, true);
}

static bool ends_tuple(struct jparser *p)
{
    const struct jtoken *t = jx_token(p);
    return t->kind == T_PRINT_END || t->kind == T_BLOCK_END || t->kind == T_END || jx_at_op(p, ')') ||
           jx_at_name(p, "in") || jx_at_name(p, "recursive");
}

struct jnode *jx_tuple(struct jparser *p, bool with_if)
{
    struct jnode *first = conditional(p, with_if);
    if (!jx_at_op(p, ','))
        return first;
    struct jnode *x = jx_node(p, E_TUPLE, 0, first, NULL), *last = first;
    while (jx_skip_op(p, ',') && !ends_tuple(p)) {
        last->next = conditional(p, with_if);
        last = last->next;
    }
    return x;
}

// One name, attribute of a namespace, or group in brackets.
static struct jnode *one_target(struct jparser *p, bool attributes)
{
    if (jx_skip_op(p, '(')) {
        jx_deeper(p);
        struct jnode *x = jx_target(p, attributes);
        jx_expect_op(p, ')');
        p->depth--;
        return x;
    }
    if (jx_token(p)->kind != T_NAME)
        jx_unexpected(p, "the name of a variable");
    struct jnode *x = jx_name(p);
    if (x->kind != E_NAME)
        jx_refuse(p, x->line, "a constant cannot be assigned to");
    if (attributes && jx_skip_op(p, '.')) {
        if (jx_token(p)->kind != T_NAME)
            jx_unexpected(p, "the name of an attribute");
        x = jx_node(p, E_ATTR, 0, x, NULL);
        x->name = jx_token(p)->text;
        p->at++;
    }
    return x;
}

struct jnode *jx_target(struct jparser *p, bool attributes)
{
    struct jnode *first = one_target(p, attributes);
    if (!jx_at_op(p, ','))
        return first;
    struct jnode *x = jx_node(p, E_TUPLE, 0, first, NULL), *last = first;
    while (jx_skip_op(p, ',') && jx_token(p)->kind != T_BLOCK_END && !jx_at_name(p, "in") && !jx_at_op(p, '=') &&
           !jx_at_op(p, ')')) {
        last->next = one_target(p, attributes);
        last = last->next;
    }
    return x;
}
