// Operators and slices.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/jinja/ast.h"

static double number(struct jval v)
{
    return v.kind == J_FLOAT ? v.f : v.kind == J_BOOL ? v.b : (double)v.i;
}

_Noreturn static void too_large(struct jrun *r)
{
    jx_fail(r, ERR_LIMIT, "a whole number becomes larger than 64 bits");
}

_Noreturn static void divides_by_zero(struct jrun *r)
{
    jx_fail(r, ERR_INPUT, "division by zero");
}

static struct jval power(struct jrun *r, int64_t base, int64_t exponent)
{
    if (exponent < 0) {
        if (base == 0)
            divides_by_zero(r);
        return jx_float(pow((double)base, (double)exponent));
    }
    int64_t result = 1;
    if (base == 0 || base == 1)
        return jx_int(exponent ? base : 1);
    if (base == -1)
        return jx_int(exponent % 2 ? -1 : 1);
    for (int64_t i = 0; i < exponent; i++)
        if (__builtin_mul_overflow(result, base, &result))
            too_large(r);
    return jx_int(result);
}

static struct jval integers(struct jrun *r, int op, int64_t a, int64_t b)
{
    int64_t result = 0;
    if (op == '+' ? __builtin_add_overflow(a, b, &result)
        : op == '-' ? __builtin_sub_overflow(a, b, &result)
        : op == '*' ? __builtin_mul_overflow(a, b, &result) : false)
        too_large(r);
    switch (op) {
    case '/':
        if (b == 0)
            divides_by_zero(r);
        return jx_float((double)a / (double)b);
    case OP_FLOOR:
    case '%':
        if (b == 0)
            divides_by_zero(r);
        if (b == -1) { // the one division that overflows
            if (op == OP_FLOOR && a == INT64_MIN)
                too_large(r);
            return jx_int(op == '%' ? 0 : -a);
        }
        result = a % b; // Python rounds down, so that the rest has the sign of the divisor
        if (result && (result < 0) != (b < 0))
            return jx_int(op == '%' ? result + b : a / b - 1);
        return jx_int(op == '%' ? result : a / b);
    case OP_POWER: return power(r, a, b);
    default: return jx_int(result);
    }
}

static struct jval floats(struct jrun *r, int op, double a, double b)
{
    switch (op) {
    case '+': return jx_float(a + b);
    case '-': return jx_float(a - b);
    case '*': return jx_float(a * b);
    case '/':
        if (b == 0)
            divides_by_zero(r);
        return jx_float(a / b);
    case OP_POWER:
        if (a == 0 && b < 0)
            divides_by_zero(r);
        if (a < 0 && b != floor(b))
            jx_fail(r, ERR_INPUT, "a power that is no real number");
        return jx_float(pow(a, b));
    default: break;
    }
    if (b == 0)
        divides_by_zero(r);
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest && (rest < 0) != (b < 0)) {
        rest += b;
        quotient -= 1;
    } else if (!rest) {
        rest = copysign(0, b);
    }
    if (op == '%')
        return jx_float(rest);
    double whole = floor(quotient);
    return jx_float(quotient ? whole + (quotient - whole > 0.5) : copysign(0, a / b));
}

static struct jval join_lists(struct jrun *r, struct jval a, struct jval b)
{
    struct jval out = jx_list(r, a.kind, a.list->n + b.list->n);
    for (size_t i = 0; i < a.list->n; i++)
        jx_append(r, out.list, a.list->items[i]);
    for (size_t i = 0; i < b.list->n; i++)
        jx_append(r, out.list, b.list->items[i]);
    jx_step(r, out.list->n / 8);
    return out;
}

static struct jval repeat(struct jrun *r, struct jval v, int64_t times)
{
    if (v.kind == J_TEXT)
        return jx_repeat(r, v, times);
    size_t n = times > 0 ? (size_t)times : 0;
    struct jval out = jx_list(r, v.kind, 0);
    for (size_t i = 0; v.list->n && i < n; i++)
        for (size_t k = 0; k < v.list->n; k++) {
            jx_step(r, 1);
            jx_append(r, out.list, v.list->items[k]);
        }
    return out;
}

static const char *op_name(int op, char *out)
{
    out[0] = (char)op;
    out[1] = (char)(op >> 8);
    out[2] = '\0';
    return out;
}

struct jval jx_binary(struct jrun *r, int op, struct jval a, struct jval b)
{
    jx_step(r, 1);
    if (op == '~') {
        struct jbuffer text = {0};
        jx_put_text(r, &text, a);
        jx_put_text(r, &text, b);
        return jx_taken(r, &text);
    }
    if (a.kind == J_TEXT && op == '%')
        return b.kind == J_TUPLE ? jx_percent(r, a, b.list->items, b.list->n, false) : jx_percent(r, a, &b, 1, true);
    if (a.kind == J_UNDEFINED || b.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined", a.kind == J_UNDEFINED ? a.text : b.text);
    if (jx_is_integer(a) && jx_is_integer(b))
        return integers(r, op, jx_integer(a), jx_integer(b));
    if (jx_is_number(a) && jx_is_number(b))
        return floats(r, op, number(a), number(b));
    if (op == '+' && a.kind == J_TEXT && b.kind == J_TEXT) {
        struct jbuffer text = {0};
        jx_put(r, &text, a.text, a.n);
        jx_put(r, &text, b.text, b.n);
        return jx_taken(r, &text);
    }
    if (op == '+' && a.kind == b.kind && (a.kind == J_LIST || a.kind == J_TUPLE))
        return join_lists(r, a, b);
    if (op == '*' && jx_is_integer(b) && (a.kind == J_TEXT || a.kind == J_LIST || a.kind == J_TUPLE))
        return repeat(r, a, jx_integer(b));
    if (op == '*' && jx_is_integer(a) && (b.kind == J_TEXT || b.kind == J_LIST || b.kind == J_TUPLE))
        return repeat(r, b, jx_integer(a));
    char name[4];
    jx_fail(r, ERR_INPUT, "'%s' %s '%s' is not possible", jx_kind_name(a), op_name(op, name), jx_kind_name(b));
}

struct jval jx_unary(struct jrun *r, int op, struct jval a)
{
    if (jx_is_integer(a)) {
        int64_t i = jx_integer(a);
        if (op == '-' && i == INT64_MIN)
            too_large(r);
        return jx_int(op == '-' ? -i : i);
    }
    if (a.kind == J_FLOAT)
        return jx_float(op == '-' ? -a.f : a.f);
    if (a.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined", a.text);
    jx_fail(r, ERR_INPUT, "'%s' has no %c", jx_kind_name(a), op);
}

static int64_t bound_of(struct jrun *r, struct jval v, int64_t fallback, int64_t n, int64_t low, int64_t high)
{
    if (v.kind == J_NONE || v.kind == J_ABSENT)
        return fallback;
    if (!jx_is_integer(v))
        jx_fail(r, ERR_INPUT, "slices need whole numbers, not '%s'", jx_kind_name(v));
    int64_t i = jx_integer(v);
    if (i < 0)
        i = i < -n ? low : i + n;
    return i < low ? low : i > high ? high : i;
}

static int64_t step_of(struct jrun *r, struct jval v, int64_t n)
{
    if (v.kind == J_NONE)
        return 1;
    if (!jx_is_integer(v))
        jx_fail(r, ERR_INPUT, "slices need whole numbers, not '%s'", jx_kind_name(v));
    int64_t by = jx_integer(v);
    if (by == 0)
        jx_fail(r, ERR_INPUT, "a slice has the step 0");
    return by > n + 1 ? n + 1 : by < -n - 1 ? -n - 1 : by; // farther is past the end all the same
}

struct jval jx_slice(struct jrun *r, struct jval v, struct jval start, struct jval stop, struct jval step)
{
    if (v.kind == J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "'%.60s' is undefined, so it cannot be cut", v.text);
    if (v.kind != J_TEXT && v.kind != J_LIST && v.kind != J_TUPLE && v.kind != J_RANGE)
        jx_fail(r, ERR_INPUT, "'%s' cannot be cut by a slice", jx_kind_name(v));
    int64_t n = jx_length(r, v), by = step_of(r, step, n);
    int64_t low = by > 0 ? 0 : -1, high = by > 0 ? n : n - 1;
    int64_t from = bound_of(r, start, by > 0 ? 0 : n - 1, n, low, high);
    int64_t to = bound_of(r, stop, by > 0 ? n : -1, n, low, high);
    if (v.kind == J_TEXT && by == 1) {
        size_t a = jx_offset(v.text, v.n, (size_t)from);
        size_t b = to > from ? a + jx_offset(v.text + a, v.n - a, (size_t)(to - from)) : a;
        return jx_text(v.text + a, b - a);
    }
    const struct jlist *list = jx_iterate(r, v);
    struct jval out = jx_list(r, v.kind == J_TUPLE ? J_TUPLE : J_LIST, 0);
    struct jbuffer text = {0};
    for (int64_t i = from; by > 0 ? i < to : i > to; i += by) {
        jx_step(r, 1);
        if (v.kind == J_TEXT)
            jx_put(r, &text, list->items[i].text, list->items[i].n);
        else
            jx_append(r, out.list, list->items[i]);
    }
    return v.kind == J_TEXT ? jx_taken(r, &text) : out;
}
