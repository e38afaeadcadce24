// Statements of a template, and jinja_parse.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/jinja/ast.h"

enum { MAX_BLOCKS = 100 }; // inside each other

static struct jnode *statements(struct jparser *p, const char *const *ends);

static void end_tag(struct jparser *p)
{
    if (jx_token(p)->kind != T_BLOCK_END)
        jx_unexpected(p, "%}");
    p->at++;
}

static const char *variable(struct jparser *p)
{
    if (jx_token(p)->kind != T_NAME)
        jx_unexpected(p, "a name");
    return p->tokens[p->at++].text;
}

// The body up to {% NAME %}, which is read.
static struct jnode *body(struct jparser *p, const char *end)
{
    end_tag(p);
    struct jnode *list = statements(p, (const char *const[]){end, NULL});
    jx_skip_name(p, end);
    return list;
}

// The same of a block whose text is put aside: break and continue do not reach out of it. Of a macro, notes which of
// its implicit arguments it speaks of.
static struct jnode *body_alone(struct jparser *p, const char *end, struct jnode *macro)
{
    const int loops = p->loops;
    const unsigned mentioned = p->mentioned;
    p->loops = 0;
    p->mentioned = 0;
    struct jnode *list = body(p, end);
    if (macro) {
        macro->op = (int)p->mentioned;
        for (const struct jnode *x = macro->a; x; x = x->next)
            macro->op |= x->name == p->t->caller ? TAKES_CALLER : 0;
    }
    p->mentioned |= mentioned;
    p->loops = loops;
    return list;
}

static void refuse_loop(struct jparser *p, const struct jnode *target)
{
    if (target->kind == E_NAME && target->name == p->t->loop)
        jx_refuse(p, target->line, "a loop cannot go through its elements by the name loop");
    for (const struct jnode *x = target->kind == E_TUPLE ? target->a : NULL; x; x = x->next)
        refuse_loop(p, x);
}

static struct jnode *for_loop(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_FOR);
    x->a = jx_target(p, false);
    refuse_loop(p, x->a);
    if (!jx_skip_name(p, "in"))
        jx_unexpected(p, "in");
    x->b = jx_tuple(p, false);
    if (jx_skip_name(p, "if"))
        x->c = jx_expression(p);
    x->op = jx_skip_name(p, "recursive");
    end_tag(p);
    p->loops++;
    x->body = statements(p, (const char *const[]){"endfor", "else", NULL});
    p->loops--;
    if (jx_skip_name(p, "else"))
        x->other = body(p, "endfor");
    else
        jx_skip_name(p, "endfor");
    return x;
}

static struct jnode *if_else(struct jparser *p)
{
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    struct jnode *first = jx_new(p, N_IF), *x = first;
    for (;;) {
        x->a = jx_tuple(p, false);
        end_tag(p);
        x->body = statements(p, ends);
        if (!jx_skip_name(p, "elif"))
            break;
        x = x->c = jx_new(p, N_IF);
    }
    if (jx_skip_name(p, "else"))
        x->other = body(p, "endif");
    else
        jx_skip_name(p, "endif");
    return first;
}

static struct jnode *set(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_SET);
    x->a = jx_target(p, true);
    if (jx_skip_op(p, '=')) {
        x->b = jx_tuple(p, true);
        return x;
    }
    x->kind = N_SET_BLOCK;
    x->b = jx_filters(p, jx_new(p, E_BLOCK), false);
    x->body = body_alone(p, "endset", NULL);
    return x;
}

// "(a, b=1)": what a macro takes.
static struct jnode *parameters(struct jparser *p)
{
    struct jnode *first = NULL, **last = &first;
    bool has_default = false;
    jx_expect_op(p, '(');
    while (!jx_skip_op(p, ')')) {
        if (first)
            jx_expect_op(p, ',');
        struct jnode *x = jx_new(p, E_NAME);
        x->name = variable(p);
        if (jx_skip_op(p, '='))
            x->a = jx_expression(p);
        else if (has_default)
            jx_refuse(p, x->line, "a parameter without a default behind one with a default");
        has_default = x->a;
        *last = x;
        last = &x->next;
    }
    return first;
}

static struct jnode *macro(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_MACRO);
    x->name = variable(p);
    x->a = parameters(p);
    x->body = body_alone(p, "endmacro", x);
    return x;
}

static struct jnode *call_block(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_CALL);
    if (jx_token(p)->kind == T_OP && jx_token(p)->op == '(')
        x->a = parameters(p);
    x->b = jx_expression(p);
    if (x->b->kind != E_CALL)
        jx_refuse(p, x->line, "{%% call %%} needs the call of a macro");
    x->body = body_alone(p, "endcall", x);
    return x;
}

static struct jnode *filter_block(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_FILTER_BLOCK);
    x->b = jx_filters(p, jx_new(p, E_BLOCK), true);
    x->body = body_alone(p, "endfilter", NULL);
    return x;
}

static struct jnode *with(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_WITH), **last = &x->a;
    while (jx_token(p)->kind != T_BLOCK_END) {
        if (x->a)
            jx_expect_op(p, ',');
        *last = jx_new(p, N_SET);
        (*last)->a = jx_target(p, false);
        jx_expect_op(p, '=');
        (*last)->b = jx_expression(p);
        last = &(*last)->next;
    }
    x->body = body(p, "endwith");
    return x;
}

static struct jnode *generation(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_WITH); // in transformers it is a call block, with variables of its own
    x->body = body_alone(p, "endgeneration", NULL);
    return x;
}

static struct jnode *autoescape(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_BODY), *on = jx_expression(p);
    if (on->kind != E_CONST || jx_true(on->value))
        jx_refuse(p, x->line, "only {%% autoescape false %%} can be used: chats are no HTML");
    x->body = body(p, "endautoescape");
    return x;
}

static struct jnode *print(struct jparser *p)
{
    struct jnode *x = jx_new(p, N_PRINT);
    x->a = jx_tuple(p, true);
    return x;
}

static struct jnode *jump(struct jparser *p)
{
    const bool breaks = strcmp(p->tokens[p->at - 1].text, "break") == 0;
    if (!p->loops)
        jx_refuse(p, jx_token(p)->line, "%s outside of a loop", breaks ? "break" : "continue");
    return jx_new(p, breaks ? N_BREAK : N_CONTINUE);
}

static const struct {
    const char *name;
    struct jnode *(*parse)(struct jparser *p); // behind the name, up to the %} of the last tag; NULL: refused
} tags[] = {
    {"for", for_loop},         {"if", if_else},         {"set", set},
    {"macro", macro},          {"call", call_block},    {"filter", filter_block},
    {"with", with},            {"break", jump},         {"continue", jump},
    {"generation", generation}, {"autoescape", autoescape}, {"print", print},
    {"include", NULL},         {"import", NULL},        {"from", NULL},
    {"extends", NULL},         {"block", NULL},
};

static struct jnode *statement(struct jparser *p)
{
    const struct jtoken *t = jx_token(p);
    if (t->kind != T_NAME)
        jx_unexpected(p, "the name of a tag");
    p->at++;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (strcmp(t->text, tags[i].name) == 0) {
            if (!tags[i].parse)
                jx_refuse(p, t->line, "the tag %s is not possible: a chat template stands alone", t->text);
            struct jnode *x = tags[i].parse(p);
            x->line = t->line;
            end_tag(p);
            return x;
        }
    jx_refuse(p, t->line, "unknown tag \"%.40s\"", t->text);
}

// Up to a tag whose name is one of `ends` (NULL: up to the end of the text); p->at is at that name.
static struct jnode *statements(struct jparser *p, const char *const *ends)
{
    struct jnode *first = NULL, **last = &first;
    if (++p->depth > MAX_BLOCKS) {
        p->code = ERR_LIMIT;
        jx_refuse(p, jx_token(p)->line, "blocks are more than %d deep", MAX_BLOCKS);
    }
    for (;; last = &(*last)->next) {
        const struct jtoken *t = jx_token(p);
        if (t->kind == T_DATA) {
            *last = jx_new(p, N_DATA);
            (*last)->value = jx_text(t->text, t->n);
            p->at++;
        } else if (t->kind == T_PRINT) {
            p->at++;
            *last = print(p);
            if (jx_token(p)->kind != T_PRINT_END)
                jx_unexpected(p, "}}");
            p->at++;
        } else if (t->kind == T_BLOCK) {
            p->at++;
            for (int i = 0; ends && ends[i]; i++)
                if (jx_at_name(p, ends[i])) {
                    p->depth--;
                    return first;
                }
            *last = statement(p);
        } else {
            if (ends)
                jx_refuse(p, t->line, "the template ends where {%% %s %%} is missing", ends[0]);
            p->depth--;
            return first;
        }
    }
}

// "\r\n" and "\r" become "\n", and one newline at the end of the text is left out, as jinja2 reads templates.
static void take_text(struct jparser *p, const char *text, size_t n)
{
    char *copy = arena_alloc(&p->t->arena, n + 1);
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\r' && i + 1 < n && text[i + 1] == '\n')
            continue;
        copy[used++] = text[i] == '\r' ? '\n' : text[i];
    }
    if (used && copy[used - 1] == '\n')
        used--;
    p->text = copy;
    p->n = used;
}

int jinja_parse(struct jinja **out, const char *name, const char *text, size_t n_bytes, struct err *e)
{
    if (n_bytes > JINJA_TEMPLATE_MAX)
        return err_set(e, ERR_LIMIT, "%s is too long for a template: more than 1 MiB", name);
    if (!utf8_is_valid(text, n_bytes))
        return err_set(e, ERR_INPUT, "%s is not UTF-8 text", name);
    struct jparser *p = mem_alloc(1, sizeof *p);
    p->t = mem_alloc(1, sizeof *p->t);
    p->t->name = arena_strdup(&p->t->arena, name);
    p->e = e;
    p->t->loop = jx_intern(p, "loop", 4);
    p->t->caller = jx_intern(p, "caller", 6);
    p->t->varargs = jx_intern(p, "varargs", 7);
    p->t->kwargs = jx_intern(p, "kwargs", 6);
    if (setjmp(p->failed) == 0) {
        take_text(p, text, n_bytes);
        jx_lex(p);
        p->t->body = statements(p, NULL);
    }
    int code = p->code;
    if (code)
        jinja_free(p->t);
    else
        *out = p->t;
    free(p->tokens);
    free(p);
    return code;
}

void jinja_free(struct jinja *t)
{
    if (!t)
        return;
    struct arena arena = t->arena;
    free(t);
    arena_fini(&arena);
}
