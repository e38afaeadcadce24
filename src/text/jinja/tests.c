// Tests: what stands behind `is`, and what select and reject take by name.
#include "config.h"

#include <string.h>

#include "text/jinja/value.h"

#define TEST(name, expression)                                                                     \
    static struct jval name(struct jrun *r, struct jval v, const struct jargs *args)               \
    {                                                                                              \
        return jx_bool(expression);                                                                \
    }

static bool leaves(struct jrun *r, struct jval v, int64_t by, int64_t rest)
{
    return jx_equal(r, jx_binary(r, '%', v, jx_int(by)), jx_int(rest));
}

static bool is_sequence(struct jval v)
{
    return v.kind == J_TEXT || v.kind == J_LIST || v.kind == J_TUPLE || v.kind == J_RANGE || v.kind == J_DICT ||
           v.kind == J_UNDEFINED;
}

static bool is_same(struct jrun *r, struct jval a, struct jval b)
{
    return a.kind == b.kind && (jx_is_sequence(a) || a.kind == J_DICT ? a.list == b.list : jx_equal(r, a, b));
}

static bool is_cased(struct jrun *r, struct jval v, enum jclass what)
{
    return jx_is_all(jx_to_text(r, v), what);
}

TEST(t_defined, v.kind != J_UNDEFINED)
TEST(t_undefined, v.kind == J_UNDEFINED)
TEST(t_none, v.kind == J_NONE)
TEST(t_true, v.kind == J_BOOL && v.b)
TEST(t_false, v.kind == J_BOOL && !v.b)
TEST(t_boolean, v.kind == J_BOOL)
TEST(t_integer, v.kind == J_INT)
TEST(t_float, v.kind == J_FLOAT)
TEST(t_number, v.kind == J_INT || v.kind == J_FLOAT || v.kind == J_BOOL)
TEST(t_string, v.kind == J_TEXT)
TEST(t_mapping, v.kind == J_DICT)
TEST(t_iterable, v.kind == J_TEXT || v.kind == J_DICT || v.kind == J_UNDEFINED || v.kind == J_LOOP || jx_is_sequence(v))
TEST(t_sequence, is_sequence(v))
TEST(t_callable, v.kind == J_FUNCTION || v.kind == J_MACRO || v.kind == J_CYCLER || v.kind == J_JOINER ||
                     v.kind == J_UNDEFINED || v.kind == J_LOOP)
TEST(t_escaped, false)
TEST(t_lower, is_cased(r, v, IS_LOWER))
TEST(t_upper, is_cased(r, v, IS_UPPER))
TEST(t_odd, leaves(r, v, 2, 1))
TEST(t_even, leaves(r, v, 2, 0))
TEST(t_divisibleby, jx_equal(r, jx_binary(r, '%', v, args->items[0]), jx_int(0)))
TEST(t_in, jx_contains(r, args->items[0], v))
TEST(t_sameas, is_same(r, v, args->items[0]))
TEST(t_eq, jx_equal(r, v, args->items[0]))
TEST(t_ne, !jx_equal(r, v, args->items[0]))
TEST(t_lt, jx_order(r, v, args->items[0]) == -1)
TEST(t_gt, jx_order(r, v, args->items[0]) == 1)
TEST(t_le, jx_order(r, v, args->items[0]) == -1 || jx_order(r, v, args->items[0]) == 0)
TEST(t_ge, jx_order(r, v, args->items[0]) == 1 || jx_order(r, v, args->items[0]) == 0)

static bool has_name(const struct jbuiltin *table, struct jval name)
{
    for (; table->name; table++)
        if (jx_is_text(name, table->name))
            return true;
    return false;
}

TEST(t_filter, has_name(jx_text_filters, v) || has_name(jx_list_filters, v))
TEST(t_test, has_name(jx_tests, v))

const struct jbuiltin jx_tests[] = {
    {"boolean", "", 0, t_boolean},
    {"callable", "", 0, t_callable},
    {"defined", "", 0, t_defined},
    {"divisibleby", "num", 1, t_divisibleby},
    {"eq", "/ b", 1, t_eq},
    {"equalto", "/ b", 1, t_eq},
    {"escaped", "", 0, t_escaped},
    {"even", "", 0, t_even},
    {"false", "", 0, t_false},
    {"filter", "", 0, t_filter},
    {"float", "", 0, t_float},
    {"ge", "/ b", 1, t_ge},
    {"greaterthan", "/ b", 1, t_gt},
    {"gt", "/ b", 1, t_gt},
    {"in", "seq", 1, t_in},
    {"integer", "", 0, t_integer},
    {"iterable", "", 0, t_iterable},
    {"le", "/ b", 1, t_le},
    {"lessthan", "/ b", 1, t_lt},
    {"lower", "", 0, t_lower},
    {"lt", "/ b", 1, t_lt},
    {"mapping", "", 0, t_mapping},
    {"ne", "/ b", 1, t_ne},
    {"none", "", 0, t_none},
    {"number", "", 0, t_number},
    {"odd", "", 0, t_odd},
    {"sameas", "other", 1, t_sameas},
    {"sequence", "", 0, t_sequence},
    {"string", "", 0, t_string},
    {"test", "", 0, t_test},
    {"true", "", 0, t_true},
    {"undefined", "", 0, t_undefined},
    {"upper", "", 0, t_upper},
    {0},
};
