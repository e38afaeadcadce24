// The values of a render and the state of one; shared inside of this folder only (names begin with jx_).
//
// All memory of a render comes from its arena and goes with it, so nothing on the way owns anything and an error is one
// jump to jinja_render: jx_fail() does not return. Texts are UTF-8, counted in code points wherever a template looks.
#pragma once

#include <setjmp.h>
#include <stdbool.h>

#include "base/mem.h"
#include "text/jinja/jinja.h"

enum jkind {
    J_UNDEFINED, // text: the name that has no value, for errors
    J_NONE,
    J_BOOL,
    J_INT,
    J_FLOAT,
    J_TEXT,
    J_LIST,
    J_TUPLE,
    J_RANGE,     // a list that prints as range(...)
    J_VIEW,      // what keys(), values() and items() give: a list without subscripts
    J_GENERATOR, // what map, select, items and the like give: can be gone through once, has no length
    J_DICT,
    J_NAMESPACE,
    J_FUNCTION, // a global or a method bound to `self`
    J_MACRO,
    J_LOOP,
    J_CYCLER,
    J_JOINER,
    J_ABSENT, // an argument that was not given; never seen by templates
};

struct jval {
    enum jkind kind;
    uint32_t n; // bytes of a text; of a float 1: it is from the data and too large to know how it was written
    union {
        bool b;
        int64_t i;
        double f;
        const char *text;
        struct jlist *list;
        struct jdict *dict;
        struct jfunction *function;
        struct jmacro *macro;
        struct jloop *loop;
    };
};

struct jlist {
    struct jval *items;
    size_t n, cap;
    bool spent;               // of a generator
    int64_t start, stop, step; // of a range
};
struct jpair {
    struct jval key, value;
};
struct jdict {
    struct jpair *pairs;
    size_t n, cap;
};

struct jnode;
struct jrun;

struct jkeyword {
    const char *name;
    struct jval value;
};
struct jargs {
    struct jval *items;
    int n;
    struct jkeyword *keywords;
    int n_keywords;
};

// A filter, test, method or global. params: the names of its arguments, apart by spaces, bound before the call so that
// args->items has one entry for each (J_ABSENT where not given); "/ " before them: no keywords; NULL: as they come.
struct jbuiltin {
    const char *name;
    const char *params;
    int n_required;
    struct jval (*call)(struct jrun *r, struct jval self, const struct jargs *args);
};
struct jfunction {
    const struct jbuiltin *builtin;
    struct jval self;
};

struct jvariable {
    const char *name; // interned by the parser: compared by address
    struct jval value;
};
struct jscope {
    struct jscope *parent;
    struct jvariable *variables;
    int n, cap;
    bool kept; // a macro was defined in it: it must outlive what made it
};
struct jmacro {
    const struct jnode *node; // N_MACRO or N_CALL
    struct jscope *scope;     // where it was defined
};
struct jloop {
    struct jlist *items;
    size_t at;
    int depth;
    const struct jnode *node; // of a recursive loop, else NULL
    struct jscope *scope;     // around the loop
    struct jval changed;
};

struct jbuffer {
    char *data;
    size_t n, cap;
};

// What calls.c calls of the files above it, which call it as well: exec.c says.
struct jabove {
    struct jval (*call_macro)(struct jrun *r, const struct jmacro *m, struct jargs *args);
    struct jval (*call_loop)(struct jrun *r, struct jloop *loop, struct jval items);
    const struct jbuiltin *text_filters, *list_filters, *tests; // each ends with a row without a name
};

struct jrun {
    const struct jinja *t;
    const struct jabove *above;
    struct arena arena;
    struct jinja_limits limits;
    size_t steps, memory;
    int depth, loop_depth, line;
    int64_t now;
    struct jdict *context;
    struct jscope *scope;
    struct jbuffer *out;
    struct jval block; // the text that a filter block filters
    struct err *e;
    int code;
    jmp_buf failed;
};

// value.c
_Noreturn void jx_fail(struct jrun *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void *jx_alloc(struct jrun *r, size_t n, size_t size); // zeroed
void jx_step(struct jrun *r, size_t n);                // counts work; fails past the limit
void jx_enter(struct jrun *r);                         // one level deeper; fails past the limit
void jx_leave(struct jrun *r);
void jx_put(struct jrun *r, struct jbuffer *b, const char *bytes, size_t n);
void jx_puts(struct jrun *r, struct jbuffer *b, const char *text);
struct jval jx_taken(struct jrun *r, struct jbuffer *b); // the buffer's text as a value

static inline struct jval jx_none(void)
{
    return (struct jval){.kind = J_NONE};
}
static inline struct jval jx_bool(bool b)
{
    return (struct jval){.kind = J_BOOL, .b = b};
}
static inline struct jval jx_int(int64_t i)
{
    return (struct jval){.kind = J_INT, .i = i};
}
static inline struct jval jx_float(double f)
{
    return (struct jval){.kind = J_FLOAT, .f = f};
}
static inline struct jval jx_text(const char *text, size_t n) // borrowed; n < 4 GiB by the memory limit
{
    return (struct jval){.kind = J_TEXT, .n = (uint32_t)n, .text = text};
}
static inline bool jx_is_integer(struct jval v)
{
    return v.kind == J_INT || v.kind == J_BOOL;
}
static inline bool jx_is_number(struct jval v)
{
    return jx_is_integer(v) || v.kind == J_FLOAT;
}
static inline int64_t jx_integer(struct jval v) // of an integer
{
    return v.kind == J_BOOL ? v.b : v.i;
}
static inline struct jval jx_undefined(const char *name)
{
    return (struct jval){.kind = J_UNDEFINED, .text = name};
}
struct jval jx_list(struct jrun *r, enum jkind kind, size_t room);
void jx_append(struct jrun *r, struct jlist *list, struct jval v);
struct jval jx_pair(struct jrun *r, struct jval a, struct jval b); // a tuple
struct jval jx_dict(struct jrun *r, enum jkind kind, size_t room);
struct jval jx_from_json(struct jrun *r, const json_t *value);
const char *jx_kind_name(struct jval v); // as Python says it: "int", "dict", ...
bool jx_is_text(struct jval v, const char *text);
bool jx_is_sequence(struct jval v); // a list by another name: list, tuple, range, view, generator

// compare.c
bool jx_true(struct jval v);
bool jx_equal(struct jrun *r, struct jval a, struct jval b);
int jx_order(struct jrun *r, struct jval a, struct jval b); // <0, 0, >0, 2 for NaN; fails where Python has no order
struct jval *jx_dict_find(struct jrun *r, const struct jdict *d, struct jval key);
void jx_dict_set(struct jrun *r, struct jdict *d, struct jval key, struct jval value);
bool jx_contains(struct jrun *r, struct jval container, struct jval item);
struct jlist *jx_iterate(struct jrun *r, struct jval v); // all elements; fails where there are none to have
int64_t jx_length(struct jrun *r, struct jval v);

// operators.c
struct jval jx_binary(struct jrun *r, int op, struct jval a, struct jval b);
struct jval jx_unary(struct jrun *r, int op, struct jval a);
struct jval jx_slice(struct jrun *r, struct jval v, struct jval start, struct jval stop, struct jval step);
// alone: what stands behind % is no tuple.
struct jval jx_percent(struct jrun *r, struct jval format, const struct jval *args, size_t n, bool alone);

// access.c
struct jval jx_attribute(struct jrun *r, struct jval v, const char *name);
struct jval jx_item(struct jrun *r, struct jval v, struct jval key);

// format.c
void jx_put_text(struct jrun *r, struct jbuffer *b, struct jval v); // str(v)
void jx_put_repr(struct jrun *r, struct jbuffer *b, struct jval v); // repr(v)
struct jval jx_to_text(struct jrun *r, struct jval v);
// args: ensure_ascii, indent, separators, sort_keys
struct jval jx_to_json(struct jrun *r, struct jval v, const struct jargs *args);

// strings.c
size_t jx_chars(const char *text, size_t n);
size_t jx_offset(const char *text, size_t n, size_t chars); // bytes before the chars-th code point
bool jx_is_space(uint32_t code);
struct jval jx_strip(struct jrun *r, struct jval text, struct jval chars, bool left, bool right);
struct jval jx_replace(struct jrun *r, struct jval text, struct jval old, struct jval by, int64_t count);
struct jval jx_repeat(struct jrun *r, struct jval text, int64_t times);
struct jval jx_split_lines(struct jrun *r, struct jval text, bool keep_ends);
enum jcase { CASE_UPPER, CASE_LOWER, CASE_TITLE, CASE_CAPITALIZE, CASE_SWAP, CASE_FOLD, CASE_WORDS };
struct jval jx_recase(struct jrun *r, struct jval text, enum jcase how);
enum jclass { IS_DIGIT, IS_NUMERIC, IS_ALPHA, IS_ALNUM, IS_SPACE, IS_UPPER, IS_LOWER };
bool jx_is_all(struct jval text, enum jclass what);
const char *jx_find(const char *text, size_t n, const char *what, size_t m); // NULL: not in it

// calls.c
void jx_bind(struct jrun *r, const struct jbuiltin *b, struct jargs *args);
struct jval jx_call(struct jrun *r, struct jval callee, struct jargs *args);
struct jval jx_apply_filter(struct jrun *r, const char *name, struct jval in, struct jargs *args);
bool jx_apply_test(struct jrun *r, const char *name, struct jval in, struct jargs *args);
int64_t jx_arg_int(struct jrun *r, const struct jargs *args, int i, int64_t fallback);
bool jx_arg_true(const struct jargs *args, int i, bool fallback);
struct jval jx_arg_text(struct jrun *r, const struct jargs *args, int i); // fails when it is another type
static inline bool jx_given(const struct jargs *args, int i)
{
    return args->items[i].kind != J_ABSENT && args->items[i].kind != J_NONE;
}
const struct jbuiltin *jx_method(struct jval v, const char *name, bool *forbidden); // methods.c; NULL: no such
const struct jbuiltin *jx_global(const char *name);                                 // globals.c; NULL: no such
// Each ends with a row without a name.
extern const struct jbuiltin jx_text_methods[], jx_text_filters[], jx_list_filters[], jx_tests[];

// eval.c
struct jval jx_eval(struct jrun *r, const struct jnode *x);
struct jval jx_lookup(struct jrun *r, const char *name);
void jx_assign(struct jrun *r, const char *name, struct jval v);
void jx_arguments(struct jrun *r, const struct jnode *list, struct jargs *args);
