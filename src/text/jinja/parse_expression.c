// Expressions of a template, after the grammar of Python's jinja2 (its parser.py).
#include "config.h"

#include <string.h>

#include "text/jinja/ast.h"

// ---- what stands between operators: constants, names, brackets, subscripts, calls, filters and tests ----

// Elements apart by commas up to the closing bracket.
static struct jnode *elements(struct jparser *p, int closing)
{
    struct jnode *first = NULL, **last = &first;
    while (!jx_at_op(p, closing)) {
        if (first)
            jx_expect_op(p, ',');
        if (first && jx_at_op(p, closing))
            break;
        *last = jx_expression(p);
        last = &(*last)->next;
    }
    p->at++;
    return first;
}

static struct jnode *dict(struct jparser *p)
{
    struct jnode *x = jx_new(p, E_DICT), **last = &x->a;
    p->at++;
    while (!jx_at_op(p, '}')) {
        if (x->a)
            jx_expect_op(p, ',');
        if (x->a && jx_at_op(p, '}'))
            break;
        struct jnode *key = jx_expression(p);
        jx_expect_op(p, ':');
        *last = jx_node(p, E_PAIR, 0, key, jx_expression(p));
        last = &(*last)->next;
    }
    p->at++;
    return x;
}

static struct jnode *text(struct jparser *p)
{
    struct jnode *x = jx_new(p, E_CONST);
    const struct jtoken *t = jx_token(p);
    x->value = jx_text(t->text, t->n);
    while ((++t)->kind == T_TEXT)
        ;
    size_t n = 0;
    for (const struct jtoken *q = jx_token(p); q < t; q++)
        n += q->n;
    if (t - jx_token(p) > 1) { // 'a' 'b' is one text
        char *whole = arena_alloc(&p->t->arena, n + 1);
        n = 0;
        for (const struct jtoken *q = jx_token(p); q < t; n += q++->n)
            memcpy(whole + n, q->text, q->n);
        x->value = jx_text(whole, n);
    }
    p->at = (size_t)(t - p->tokens);
    return x;
}

static struct jnode *name(struct jparser *p)
{
    static const struct {
        const char *name;
        struct jval value;
    } constants[] = {{"true", {.kind = J_BOOL, .b = true}},  {"True", {.kind = J_BOOL, .b = true}},
                     {"false", {.kind = J_BOOL}},            {"False", {.kind = J_BOOL}},
                     {"none", {.kind = J_NONE}},             {"None", {.kind = J_NONE}}};
    struct jnode *x = jx_new(p, E_NAME);
    x->name = jx_token(p)->text;
    p->at++;
    p->mentioned |= x->name == p->t->caller    ? TAKES_CALLER
                    : x->name == p->t->varargs ? TAKES_VARARGS
                    : x->name == p->t->kwargs  ? TAKES_KWARGS
                                               : 0;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(x->name, constants[i].name) == 0) {
            x->kind = E_CONST;
            x->value = constants[i].value;
        }
    return x;
}

static struct jnode *primary(struct jparser *p)
{
    const struct jtoken *t = jx_token(p);
    struct jnode *x;
    switch (t->kind) {
    case T_NAME: return name(p);
    case T_TEXT: return text(p);
    case T_INT:
    case T_FLOAT:
        x = jx_new(p, E_CONST);
        x->value = t->kind == T_INT ? jx_int(t->i) : jx_float(t->f);
        p->at++;
        return x;
    case T_OP:
        if (t->op == '[') {
            x = jx_new(p, E_LIST);
            p->at++;
            x->a = elements(p, ']');
            return x;
        }
        if (t->op == '{')
            return dict(p);
        if (t->op == '(') {
            p->at++;
            x = jx_at_op(p, ')') ? jx_new(p, E_TUPLE) : jx_tuple(p, true);
            jx_expect_op(p, ')');
            return x;
        }
        break;
    default: break;
    }
    jx_unexpected(p, "an expression");
}

// One subscript: an index or a slice.
static struct jnode *subscript(struct jparser *p, struct jnode *of)
{
    struct jnode *start = jx_at_op(p, ':') ? NULL : jx_expression(p);
    if (!jx_at_op(p, ':'))
        return jx_node(p, E_ITEM, 0, of, start);
    p->at++;
    struct jnode *x = jx_node(p, E_SLICE, 0, of, jx_new(p, E_PAIR));
    x->b->a = start;
    if (!jx_at_op(p, ':') && !jx_at_op(p, ']'))
        x->b->b = jx_expression(p);
    if (jx_skip_op(p, ':') && !jx_at_op(p, ']'))
        x->c = jx_expression(p);
    return x;
}

static struct jnode *subscripts(struct jparser *p, struct jnode *of)
{
    struct jnode *x = subscript(p, of);
    if (jx_at_op(p, ',')) { // a tuple as the key
        struct jnode *tuple = jx_new(p, E_TUPLE), **last = &tuple->a;
        if (x->kind != E_ITEM)
            jx_unexpected(p, "\"]\"");
        *last = x->b;
        while (jx_skip_op(p, ',') && !jx_at_op(p, ']')) {
            last = &(*last)->next;
            *last = jx_expression(p);
        }
        x->b = tuple;
    }
    jx_expect_op(p, ']');
    return x;
}

// Behind the opening bracket of a call.
static struct jnode *arguments(struct jparser *p)
{
    struct jnode *first = NULL, **last = &first;
    bool keywords = false;
    while (!jx_skip_op(p, ')')) {
        if (first)
            jx_expect_op(p, ',');
        if (first && jx_skip_op(p, ')'))
            break;
        struct jnode *x = jx_new(p, E_ARG);
        if (jx_skip_op(p, '*')) {
            x->op = 1;
        } else if (jx_skip_op(p, OP_POWER)) {
            x->op = 2;
        } else if (jx_token(p)->kind == T_NAME && jx_token(p)[1].kind == T_OP && jx_token(p)[1].op == '=') {
            x->name = jx_token(p)->text;
            p->at += 2;
        } else if (keywords) {
            jx_refuse(p, x->line, "a plain argument behind one with a name");
        }
        keywords |= x->name || x->op == 2;
        x->a = jx_expression(p);
        *last = x;
        last = &x->next;
    }
    return first;
}

static struct jnode *call(struct jparser *p, struct jnode *callee)
{
    struct jnode *x = jx_node(p, E_CALL, 0, callee, NULL);
    x->line = jx_token(p)->line;
    p->at++;
    x->b = arguments(p);
    return x;
}

static struct jnode *postfix(struct jparser *p, struct jnode *x)
{
    for (;;) {
        if (jx_skip_op(p, '.')) {
            const struct jtoken *t = jx_token(p);
            if (t->kind == T_NAME) {
                x = jx_node(p, E_ATTR, 0, x, NULL);
                x->name = t->text;
                p->at++;
            } else if (t->kind == T_INT) {
                struct jnode *index = jx_new(p, E_CONST);
                index->value = jx_int(t->i);
                p->at++;
                x = jx_node(p, E_ITEM, 0, x, index);
            } else {
                jx_unexpected(p, "a name or number behind the dot");
            }
        } else if (jx_skip_op(p, '[')) {
            x = subscripts(p, x);
        } else if (jx_at_op(p, '(')) {
            x = call(p, x);
        } else {
            return x;
        }
    }
}

static const char *dotted_name(struct jparser *p)
{
    if (jx_token(p)->kind != T_NAME)
        jx_unexpected(p, "the name of a filter or test");
    const char *first = jx_token(p)->text;
    p->at++;
    if (jx_at_op(p, '.'))
        jx_refuse(p, jx_token(p)->line, "there is no filter or test with a dot in its name");
    return first;
}

struct jnode *jx_filters(struct jparser *p, struct jnode *input, bool begins_with_name)
{
    while (begins_with_name || jx_skip_op(p, '|')) {
        struct jnode *x = jx_new(p, E_FILTER);
        begins_with_name = false;
        x->a = input;
        x->name = dotted_name(p);
        if (jx_skip_op(p, '('))
            x->b = arguments(p);
        input = x;
    }
    return input;
}

static bool begins_argument(struct jparser *p)
{
    const struct jtoken *t = jx_token(p);
    if (t->kind == T_OP)
        return t->op == '(' || t->op == '[' || t->op == '{';
    return t->kind == T_TEXT || t->kind == T_INT || t->kind == T_FLOAT ||
           (t->kind == T_NAME && !jx_at_name(p, "else") && !jx_at_name(p, "or") && !jx_at_name(p, "and"));
}

static struct jnode *test(struct jparser *p, struct jnode *of)
{
    const bool negated = jx_skip_name(p, "not");
    struct jnode *x = jx_node(p, E_TEST, 0, of, NULL);
    x->name = dotted_name(p);
    if (jx_skip_op(p, '(')) {
        x->b = arguments(p);
    } else if (begins_argument(p)) {
        if (jx_at_name(p, "is"))
            jx_refuse(p, x->line, "several tests with is in a row");
        x->b = jx_new(p, E_ARG);
        x->b->a = postfix(p, primary(p));
    }
    return negated ? jx_node(p, E_NOT, 0, x, NULL) : x;
}

static struct jnode *unary(struct jparser *p, bool with_filter)
{
    struct jnode *x;
    jx_deeper(p);
    if (jx_at_op(p, '-') || jx_at_op(p, '+')) {
        int op = jx_token(p)->op;
        p->at++;
        x = unary(p, false);
        x = jx_node(p, E_UNARY, op, x, NULL);
    } else {
        x = primary(p);
    }
    x = postfix(p, x);
    while (with_filter) {
        if (jx_at_op(p, '|'))
            x = jx_filters(p, x, false);
        else if (jx_skip_name(p, "is"))
            x = test(p, x);
        else if (jx_at_op(p, '('))
            x = call(p, x);
        else
            break;
    }
    p->depth--;
    return x;
}

// ---- operators, one function a level ----

static struct jnode *power(struct jparser *p)
{
    struct jnode *x = unary(p, true);
    while (jx_skip_op(p, OP_POWER))
        x = jx_node(p, E_BINARY, OP_POWER, x, unary(p, true));
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
    struct jnode *x = name(p);
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
