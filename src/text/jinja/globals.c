// The functions that every template knows.
#include "config.h"

#include <locale.h>
#include <string.h>
#include <time.h>

#include "text/jinja/value.h"

#define GLOBAL(name) static struct jval name(struct jrun *r, struct jval self, const struct jargs *args)

GLOBAL(g_range)
{
    enum { MAX_RANGE = 100000 }; // as in jinja2's sandbox
    int64_t start = 0, stop = jx_arg_int(r, args, 0, 0), step = jx_arg_int(r, args, 2, 1);
    if (args->items[1].kind != J_ABSENT) {
        start = stop;
        stop = jx_arg_int(r, args, 1, 0);
    }
    if (step == 0)
        jx_fail(r, ERR_INPUT, "range with the step 0");
    struct jval out = jx_list(r, J_RANGE, 0);
    out.list->start = start;
    out.list->stop = stop;
    out.list->step = step;
    // The count in unsigned numbers: stop - start may be more than 63 bits.
    uint64_t span = step > 0 ? start < stop ? (uint64_t)stop - (uint64_t)start : 0
                             : start > stop ? (uint64_t)start - (uint64_t)stop : 0;
    uint64_t stride = step > 0 ? (uint64_t)step : -(uint64_t)step, n = span / stride + (span % stride != 0);
    if (n > MAX_RANGE)
        jx_fail(r, ERR_LIMIT, "a range of more than %d numbers", MAX_RANGE);
    jx_step(r, n / 8);
    for (uint64_t i = 0; i < n; i++)
        jx_append(r, out.list, jx_int(start + (int64_t)i * step));
    return out;
}

// dict(...) and namespace(...): pairs of another one or of a list, then keywords.
static struct jval make_dict(struct jrun *r, enum jkind kind, const struct jargs *args)
{
    struct jval out = jx_dict(r, kind, 0);
    if (args->n > 1)
        jx_fail(r, ERR_INPUT, "dict and namespace take one argument without a name, not %d", args->n);
    if (args->n && args->items[0].kind == J_DICT) {
        const struct jdict *from = args->items[0].dict;
        for (size_t i = 0; i < from->n; i++)
            jx_dict_set(r, out.dict, from->pairs[i].key, from->pairs[i].value);
    } else if (args->n) {
        const struct jlist *pairs = jx_iterate(r, args->items[0]);
        for (size_t i = 0; i < pairs->n; i++) {
            const struct jlist *pair = jx_iterate(r, pairs->items[i]);
            if (pair->n != 2)
                jx_fail(r, ERR_INPUT, "dict needs pairs, and element %zu has %zu parts", i, pair->n);
            jx_dict_set(r, out.dict, pair->items[0], pair->items[1]);
        }
    }
    for (int i = 0; i < args->n_keywords; i++)
        jx_dict_set(r, out.dict, jx_text(args->keywords[i].name, strlen(args->keywords[i].name)),
                    args->keywords[i].value);
    return out;
}

GLOBAL(g_dict)
{
    return make_dict(r, J_DICT, args);
}

GLOBAL(g_namespace)
{
    return make_dict(r, J_NAMESPACE, args);
}

GLOBAL(g_raise_exception)
{
    struct jval text = jx_to_text(r, args->items[0]);
    jx_fail(r, ERR_INPUT, "the template refuses this conversation: %.*s", (int)(text.n < 700 ? text.n : 700),
            text.text);
}

GLOBAL(g_strftime_now)
{
    struct jval format = jx_arg_text(r, args, 0);
    char text[512] = "", *pattern = jx_alloc(r, format.n + 2, 1);
    memcpy(pattern, format.text, format.n);
    pattern[format.n] = ' '; // so that only an overlong text has no characters
    time_t now = (time_t)r->now;
    struct tm parts;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain)
        jx_fail(r, ERR_LIMIT, "not enough memory to write the date");
    size_t n = 0;
    if (format.n < 200 && gmtime_r(&now, &parts))
        n = strftime_l(text, sizeof text, pattern, &parts, plain);
    freelocale(plain);
    if (!n)
        jx_fail(r, ERR_INPUT, "strftime_now cannot write the date in this format");
    struct jbuffer b = {0};
    jx_put(r, &b, text, n - 1);
    return jx_taken(r, &b);
}

GLOBAL(g_joiner)
{
    struct jval out = jx_list(r, J_JOINER, 1);
    jx_append(r, out.list, args->items[0].kind == J_ABSENT ? jx_text(", ", 2) : args->items[0]);
    return out;
}

GLOBAL(g_cycler)
{
    if (!args->n)
        jx_fail(r, ERR_INPUT, "cycler needs values");
    struct jval out = jx_list(r, J_CYCLER, (size_t)args->n);
    for (int i = 0; i < args->n; i++)
        jx_append(r, out.list, args->items[i]);
    return out;
}

static const struct jbuiltin globals[] = {
    {"range", "/ start stop step", 1, g_range},
    {"dict", NULL, 0, g_dict},
    {"namespace", NULL, 0, g_namespace},
    {"raise_exception", "message", 1, g_raise_exception},
    {"strftime_now", "format", 1, g_strftime_now},
    {"joiner", "sep", 0, g_joiner},
    {"cycler", NULL, 0, g_cycler},
    {0},
};

const struct jbuiltin *jx_global(const char *name)
{
    for (const struct jbuiltin *b = globals; b->name; b++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}
