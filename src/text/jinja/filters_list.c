// Filters of lists and dicts.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "text/jinja/value.h"

#define FILTER(name) static struct jval name(struct jrun *r, struct jval in, const struct jargs *args)

// "a.b.0": an attribute of an attribute, numbers being elements; NULL kind J_ABSENT: the value itself.
static struct jval dig(struct jrun *r, struct jval v, struct jval path)
{
    if (path.kind == J_ABSENT || path.kind == J_NONE)
        return v;
    if (path.kind != J_TEXT)
        return jx_item(r, v, path);
    for (size_t at = 0; at <= path.n;) {
        const char *start = path.text + at, *dot = memchr(start, '.', path.n - at);
        size_t n = dot ? (size_t)(dot - start) : path.n - at;
        struct jval part = jx_text(start, n);
        int64_t index;
        char digits[20] = "";
        if (n < sizeof digits)
            memcpy(digits, start, n);
        v = jx_item(r, v, jx_is_all(part, IS_DIGIT) && text_to_i64(digits, &index) ? jx_int(index) : part);
        at += n + 1;
    }
    return v;
}

static struct jval folded(struct jrun *r, struct jval v, bool case_sensitive)
{
    return v.kind == J_TEXT && !case_sensitive ? jx_recase(r, v, CASE_LOWER) : v;
}

struct keyed {
    struct jval key, value;
};

// Stable; reverse keeps equal ones in their order, too.
static void merge_sort(struct jrun *r, struct keyed *items, struct keyed *spare, size_t n, bool reverse)
{
    if (n < 2)
        return;
    size_t half = n / 2, a = 0, b = half, k = 0;
    merge_sort(r, items, spare, half, reverse);
    merge_sort(r, items + half, spare, n - half, reverse);
    memcpy(spare, items, n * sizeof *items);
    while (a < half || b < n) {
        int order = a < half && b < n ? jx_order(r, spare[b].key, spare[a].key) : 0;
        bool take_b = a == half || (b < n && (reverse ? order == 1 : order == -1));
        items[k++] = take_b ? spare[b++] : spare[a++];
    }
}

static void sort(struct jrun *r, struct keyed *items, size_t n, bool reverse)
{
    merge_sort(r, items, jx_alloc(r, n ? n : 1, sizeof *items), n, reverse);
}

static struct jval values_of(struct jrun *r, const struct keyed *items, size_t n)
{
    struct jval out = jx_list(r, J_LIST, n);
    for (size_t i = 0; i < n; i++)
        jx_append(r, out.list, items[i].value);
    return out;
}

// The key of an element, always a list as in jinja2: its attributes by the paths, which stand apart by commas.
static struct jval sort_key(struct jrun *r, struct jval v, struct jval path, bool case_sensitive)
{
    struct jval key = jx_list(r, J_LIST, 1);
    if (path.kind != J_TEXT) {
        jx_append(r, key.list, folded(r, dig(r, v, path), case_sensitive));
        return key;
    }
    for (size_t at = 0; at <= path.n;) {
        const char *start = path.text + at, *comma = memchr(start, ',', path.n - at);
        size_t n = comma ? (size_t)(comma - start) : path.n - at;
        jx_append(r, key.list, folded(r, dig(r, v, jx_text(start, n)), case_sensitive));
        at += n + 1;
    }
    return key;
}

FILTER(f_sort)
{
    const struct jlist *list = jx_iterate(r, in);
    struct keyed *items = jx_alloc(r, list->n ? list->n : 1, sizeof *items);
    for (size_t i = 0; i < list->n; i++)
        items[i] = (struct keyed){sort_key(r, list->items[i], args->items[2], jx_arg_true(args, 1, false)),
                                  list->items[i]};
    sort(r, items, list->n, jx_arg_int(r, args, 0, 0));
    return values_of(r, items, list->n);
}

FILTER(f_dictsort)
{
    struct jval by = args->items[1].kind == J_ABSENT ? jx_text("key", 3) : args->items[1];
    const bool by_value = jx_is_text(by, "value");
    if (in.kind != J_DICT)
        jx_fail(r, ERR_INPUT, "dictsort needs a dict, not '%s'", jx_kind_name(in));
    if (!by_value && !jx_is_text(by, "key"))
        jx_fail(r, ERR_INPUT, "dictsort sorts by 'key' or by 'value'");
    const struct jdict *d = in.dict;
    struct keyed *items = jx_alloc(r, d->n ? d->n : 1, sizeof *items);
    for (size_t i = 0; i < d->n; i++)
        items[i] = (struct keyed){
            folded(r, by_value ? d->pairs[i].value : d->pairs[i].key, jx_arg_true(args, 0, false)),
            jx_pair(r, d->pairs[i].key, d->pairs[i].value)};
    sort(r, items, d->n, jx_arg_int(r, args, 2, 0));
    return values_of(r, items, d->n);
}

FILTER(f_unique)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval out = jx_list(r, J_GENERATOR, 0), seen = jx_list(r, J_LIST, 0);
    for (size_t i = 0; i < list->n; i++) {
        struct jval key = folded(r, dig(r, list->items[i], args->items[1]), jx_arg_true(args, 0, false));
        if (key.kind == J_LIST || key.kind == J_DICT)
            jx_fail(r, ERR_INPUT, "unhashable type: '%s' cannot be looked for by unique", jx_kind_name(key));
        if (jx_contains(r, seen, key))
            continue;
        jx_append(r, seen.list, key);
        jx_append(r, out.list, list->items[i]);
    }
    return out;
}

static struct jval extreme(struct jrun *r, struct jval in, const struct jargs *args, int sign)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval best = jx_undefined("the best of nothing"), best_key = best;
    for (size_t i = 0; i < list->n; i++) {
        struct jval key = folded(r, dig(r, list->items[i], args->items[1]), jx_arg_true(args, 0, false));
        if (i && jx_order(r, key, best_key) != sign)
            continue;
        best = list->items[i];
        best_key = key;
    }
    return best;
}

FILTER(f_min)
{
    return extreme(r, in, args, -1);
}

FILTER(f_max)
{
    return extreme(r, in, args, 1);
}

FILTER(f_sum)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval sum = args->items[1].kind == J_ABSENT ? jx_int(0) : args->items[1];
    if (sum.kind == J_TEXT)
        jx_fail(r, ERR_INPUT, "sum cannot add texts (join can)");
    for (size_t i = 0; i < list->n; i++)
        sum = jx_binary(r, '+', sum, dig(r, list->items[i], args->items[0]));
    return sum;
}

FILTER(f_join)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval by = args->items[0].kind == J_ABSENT ? jx_text("", 0) : jx_to_text(r, args->items[0]);
    struct jbuffer b = {0};
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            jx_put(r, &b, by.text, by.n);
        jx_put_text(r, &b, dig(r, list->items[i], args->items[1]));
        jx_step(r, 1);
    }
    return jx_taken(r, &b);
}

FILTER(f_length)
{
    return jx_int(jx_length(r, in));
}

static struct jval copy_of(struct jrun *r, const struct jlist *list, enum jkind kind)
{
    struct jval out = jx_list(r, kind, list->n);
    for (size_t i = 0; i < list->n; i++)
        jx_append(r, out.list, list->items[i]);
    return out;
}

FILTER(f_list)
{
    return copy_of(r, jx_iterate(r, in), J_LIST);
}

FILTER(f_first)
{
    if (in.kind == J_GENERATOR) { // takes one away
        struct jlist *list = in.list;
        if (list->spent || !list->n)
            return jx_undefined("the first of nothing");
        struct jval first = *list->items++;
        list->n--;
        list->cap--;
        return first;
    }
    const struct jlist *list = jx_iterate(r, in);
    return list->n ? list->items[0] : jx_undefined("the first of nothing");
}

FILTER(f_last)
{
    if (in.kind == J_GENERATOR)
        jx_fail(r, ERR_INPUT, "a generator has no last element (| list | last has)");
    const struct jlist *list = jx_iterate(r, in);
    return list->n ? list->items[list->n - 1] : jx_undefined("the last of nothing");
}

FILTER(f_reverse)
{
    if (in.kind == J_TEXT)
        return jx_slice(r, in, jx_none(), jx_none(), jx_int(-1));
    const struct jlist *list = jx_iterate(r, in);
    struct jval out = jx_list(r, in.kind == J_GENERATOR ? J_LIST : J_GENERATOR, list->n);
    for (size_t i = list->n; i--;)
        jx_append(r, out.list, list->items[i]);
    return out;
}

FILTER(f_items)
{
    if (in.kind != J_DICT && in.kind != J_UNDEFINED)
        jx_fail(r, ERR_INPUT, "items needs a dict, not '%s'", jx_kind_name(in));
    struct jval out = jx_list(r, J_GENERATOR, 0);
    for (size_t i = 0; in.kind == J_DICT && i < in.dict->n; i++)
        jx_append(r, out.list, jx_pair(r, in.dict->pairs[i].key, in.dict->pairs[i].value));
    return out;
}

FILTER(f_attr)
{
    struct jval name = jx_arg_text(r, args, 0);
    char *text = jx_alloc(r, name.n + 1, 1);
    memcpy(text, name.text, name.n);
    return in.kind == J_DICT ? jx_undefined(text) : jx_attribute(r, in, text);
}

// The rest of a filter's or test's arguments behind the first `n`.
static struct jargs behind(const struct jargs *args, int n)
{
    return (struct jargs){args->items + n, args->n - n, args->keywords, args->n_keywords};
}

static const char *name_of(struct jrun *r, const struct jargs *args, int i, const char *what)
{
    if (args->items[i].kind != J_TEXT)
        jx_fail(r, ERR_INPUT, "the name of a %s is needed, not '%s'", what, jx_kind_name(args->items[i]));
    char *name = jx_alloc(r, args->items[i].n + 1, 1);
    memcpy(name, args->items[i].text, args->items[i].n);
    return name;
}

FILTER(f_map)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval out = jx_list(r, J_GENERATOR, 0), attribute = {.kind = J_ABSENT}, fallback = {.kind = J_ABSENT};
    for (int i = 0; args->n == 0 && i < args->n_keywords; i++) {
        if (strcmp(args->keywords[i].name, "attribute") == 0)
            attribute = args->keywords[i].value;
        else if (strcmp(args->keywords[i].name, "default") == 0)
            fallback = args->keywords[i].value;
        else
            jx_fail(r, ERR_INPUT, "map does not know the argument %.60s", args->keywords[i].name);
    }
    if (args->n == 0 && attribute.kind == J_ABSENT)
        jx_fail(r, ERR_INPUT, "map needs a filter or an attribute");
    const char *filter = args->n ? name_of(r, args, 0, "filter") : NULL;
    for (size_t i = 0; i < list->n; i++) {
        struct jval v = list->items[i];
        jx_step(r, 1);
        if (filter) {
            struct jargs rest = behind(args, 1);
            v = jx_apply_filter(r, filter, v, &rest);
        } else {
            v = dig(r, v, attribute);
            if (v.kind == J_UNDEFINED && fallback.kind != J_ABSENT)
                v = fallback;
        }
        jx_append(r, out.list, v);
    }
    return out;
}

// select, reject (n_paths 0) and selectattr, rejectattr (1: the first argument is the attribute).
static struct jval choose(struct jrun *r, struct jval in, const struct jargs *args, int n_paths, bool wanted)
{
    struct jval out = jx_list(r, J_GENERATOR, 0);
    if (args->n < n_paths)
        jx_fail(r, ERR_INPUT, "selectattr and rejectattr need an attribute");
    const struct jlist *list = jx_iterate(r, in);
    const char *test = args->n > n_paths ? name_of(r, args, n_paths, "test") : NULL;
    for (size_t i = 0; i < list->n; i++) {
        struct jval v = n_paths ? dig(r, list->items[i], args->items[0]) : list->items[i];
        struct jargs rest = behind(args, test ? n_paths + 1 : n_paths);
        jx_step(r, 1);
        if ((test ? jx_apply_test(r, test, v, &rest) : jx_true(v)) == wanted)
            jx_append(r, out.list, list->items[i]);
    }
    return out;
}

FILTER(f_select)
{
    return choose(r, in, args, 0, true);
}

FILTER(f_reject)
{
    return choose(r, in, args, 0, false);
}

FILTER(f_selectattr)
{
    return choose(r, in, args, 1, true);
}

FILTER(f_rejectattr)
{
    return choose(r, in, args, 1, false);
}

FILTER(f_batch)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval out = jx_list(r, J_GENERATOR, 0), part = jx_list(r, J_LIST, 0);
    int64_t size = jx_arg_int(r, args, 0, 1);
    for (size_t i = 0; i < list->n; i++) {
        if ((int64_t)part.list->n == size) {
            jx_append(r, out.list, part);
            part = jx_list(r, J_LIST, 0);
        }
        jx_append(r, part.list, list->items[i]);
        jx_step(r, 1);
    }
    if (!part.list->n)
        return out;
    while (jx_given(args, 1) && (int64_t)part.list->n < size) {
        jx_step(r, 1);
        jx_append(r, part.list, args->items[1]);
    }
    jx_append(r, out.list, part);
    return out;
}

FILTER(f_slice)
{
    const struct jlist *list = jx_iterate(r, in);
    struct jval out = jx_list(r, J_GENERATOR, 0);
    int64_t slices = jx_arg_int(r, args, 0, 1), n = (int64_t)list->n;
    if (slices < 1)
        jx_fail(r, ERR_INPUT, "slice needs a number of slices above 0");
    for (int64_t i = 0, at = 0; i < slices; i++) {
        struct jval part = jx_list(r, J_LIST, 0);
        for (int64_t end = at + n / slices + (i < n % slices); at < end; at++)
            jx_append(r, part.list, list->items[at]);
        if (jx_given(args, 1) && i >= n % slices)
            jx_append(r, part.list, args->items[1]);
        jx_append(r, out.list, part);
        jx_step(r, 1);
    }
    return out;
}

FILTER(f_groupby)
{
    const struct jlist *list = jx_iterate(r, in);
    const bool case_sensitive = jx_arg_true(args, 2, false);
    struct keyed *items = jx_alloc(r, list->n ? list->n : 1, sizeof *items);
    for (size_t i = 0; i < list->n; i++) {
        struct jval key = dig(r, list->items[i], args->items[0]);
        if (key.kind == J_UNDEFINED && args->items[1].kind != J_ABSENT)
            key = args->items[1];
        items[i] = (struct keyed){folded(r, key, case_sensitive), list->items[i]};
    }
    sort(r, items, list->n, false);
    struct jval out = jx_list(r, J_LIST, 0);
    for (size_t i = 0, end; i < list->n; i = end) {
        struct jval group = jx_list(r, J_LIST, 0), key = dig(r, items[i].value, args->items[0]);
        for (end = i; end < list->n && jx_equal(r, items[end].key, items[i].key); end++)
            jx_append(r, group.list, items[end].value);
        if (end == i) // NaN equals nothing
            jx_append(r, group.list, items[end++].value);
        jx_append(r, out.list, jx_pair(r, key.kind == J_UNDEFINED ? items[i].key : key, group));
    }
    return out;
}

const struct jbuiltin jx_list_filters[] = {
    {"attr", "name", 1, f_attr},
    {"batch", "linecount fill_with", 1, f_batch},
    {"count", "", 0, f_length},
    {"dictsort", "case_sensitive by reverse", 0, f_dictsort},
    {"first", "", 0, f_first},
    {"groupby", "attribute default case_sensitive", 1, f_groupby},
    {"items", "", 0, f_items},
    {"join", "d attribute", 0, f_join},
    {"last", "", 0, f_last},
    {"length", "", 0, f_length},
    {"list", "", 0, f_list},
    {"map", NULL, 0, f_map},
    {"max", "case_sensitive attribute", 0, f_max},
    {"min", "case_sensitive attribute", 0, f_min},
    {"reject", NULL, 0, f_reject},
    {"rejectattr", NULL, 0, f_rejectattr},
    {"reverse", "", 0, f_reverse},
    {"select", NULL, 0, f_select},
    {"selectattr", NULL, 0, f_selectattr},
    {"slice", "slices fill_with", 1, f_slice},
    {"sort", "reverse case_sensitive attribute", 0, f_sort},
    {"sum", "attribute start", 0, f_sum},
    {"unique", "case_sensitive attribute", 0, f_unique},
    {0},
};
