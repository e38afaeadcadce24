// Tokens and the tree of a template; shared inside of this folder only.
#pragma once

#include "text/jinja/value.h"

enum jtoken_kind { T_END, T_DATA, T_PRINT, T_PRINT_END, T_BLOCK, T_BLOCK_END, T_NAME, T_TEXT, T_INT, T_FLOAT, T_OP };

#define OP(a) (a)
#define OP2(a, b) ((a) | (b) << 8)

struct jtoken {
    enum jtoken_kind kind;
    int line;
    int op;           // T_OP: OP('+'), OP2('/', '/')
    const char *text; // T_DATA, T_TEXT: as it means; T_NAME: interned
    size_t n;
    int64_t i;
    double f;
};

enum jnode_kind {
    // statements, in lists by `next`
    N_DATA,         // value: the text
    N_PRINT,        // a
    N_IF,           // a: condition, body, c: the N_IF of an elif or NULL, other
    N_FOR,          // a: target, b: iterable, c: condition or NULL, body, other; op: recursive
    N_SET,          // a: target, b: value
    N_SET_BLOCK,    // a: target, b: filters over E_BLOCK, body
    N_MACRO,        // name, a: parameters (E_NAME, a: default), body; op: TAKES_ flags
    N_CALL,         // b: E_CALL, a: parameters of the caller, body; op
    N_FILTER_BLOCK, // b: filters over E_BLOCK, body
    N_WITH,         // a: N_SETs whose values are from outside, body; generation blocks have no N_SETs
    N_BODY,         // body: of autoescape
    N_BREAK,
    N_CONTINUE,
    // expressions
    E_CONST, // value
    E_NAME,  // name
    E_LIST,  // a: elements by `next`
    E_TUPLE,
    E_DICT,    // a: E_PAIRs
    E_PAIR,    // a: key, b: value
    E_UNARY,   // op, a
    E_BINARY,  // op, a, b
    E_NOT,     // a
    E_AND,     // a, b
    E_OR,      // a, b
    E_COMPARE, // a, b: E_OPERANDs by `next`
    E_OPERAND, // op, a
    E_IF,      // a: condition, b: then, c: else or NULL
    E_ATTR,    // a, name
    E_ITEM,    // a, b
    E_SLICE,   // a, b: E_PAIR {start, stop}, c: step; each may be NULL
    E_CALL,    // a: callee, b: arguments
    E_FILTER,  // a: input, name, b: arguments
    E_TEST,    // a, name, b: arguments
    E_ARG,     // a: value; name of a keyword or NULL; op: 1 for *list, 2 for **dict
    E_BLOCK,   // the text of the block that is being filtered
};

enum { OP_IN = 256, OP_NOT_IN, OP_POWER = OP2('*', '*'), OP_FLOOR = OP2('/', '/') };

struct jnode {
    enum jnode_kind kind;
    int line, op;
    struct jnode *a, *b, *c, *body, *other, *next;
    const char *name;
    struct jval value;
};

struct jinja {
    struct arena arena;
    char *name;
    struct jnode *body;
    const char *loop, *caller, *varargs, *kwargs; // these names, interned
};

enum { TAKES_CALLER = 1, TAKES_VARARGS = 2, TAKES_KWARGS = 4 }; // op of a macro: what its body speaks of

enum { N_BUCKETS = 256 };
struct jname {
    struct jname *next;
    size_t n;
    char text[];
};

struct jparser {
    struct jinja *t;
    const char *text;
    size_t n;
    struct jtoken *tokens;
    size_t n_tokens, cap_tokens, at;
    struct jname *names[N_BUCKETS];
    int depth, loops;
    unsigned mentioned; // TAKES_ flags
    struct err *e;
    int code;
    jmp_buf failed;
};

// parser.c
_Noreturn void jx_refuse(struct jparser *p, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *jx_intern(struct jparser *p, const char *name, size_t n);
const struct jtoken *jx_token(struct jparser *p);
struct jnode *jx_new(struct jparser *p, enum jnode_kind kind);
struct jnode *jx_node(struct jparser *p, enum jnode_kind kind, int op, struct jnode *a, struct jnode *b); // on a's line
void jx_deeper(struct jparser *p); // p->depth++, which has a limit; the caller takes it back
bool jx_at_op(struct jparser *p, int op);
bool jx_at_name(struct jparser *p, const char *name);
bool jx_skip_name(struct jparser *p, const char *name);
bool jx_skip_op(struct jparser *p, int op);
void jx_expect_op(struct jparser *p, int op);
_Noreturn void jx_unexpected(struct jparser *p, const char *wanted);

// lexer.c
void jx_lex(struct jparser *p); // fills p->tokens, which ends with T_END

// parse_expression.c
struct jnode *jx_expression(struct jparser *p);
// An expression or a tuple without brackets; conditional: "a if b" is taken as one.
struct jnode *jx_tuple(struct jparser *p, bool conditional);
struct jnode *jx_target(struct jparser *p, bool attributes); // what for and set assign to
struct jnode *jx_filters(struct jparser *p, struct jnode *input, bool begins_with_name);
