#include "config.h"

#include "text/component.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/json.h"
#include "base/utf8.h"

static int each(const json_t *value, const char *member, component_read row, void *list, const char *where, int depth,
                struct err *e)
{
    if (!value || json_is_null(value))
        return 0;
    const json_t *type = json_object_get(value, "type");
    if (!json_is_string(type))
        return err_set(e, ERR_INPUT, "%s must be an object with a \"type\"", where);
    if (strcmp(json_string_value(type), "Sequence") != 0)
        return row(list, value, json_string_value(type), where, e);
    const json_t *items = json_object_get(value, member);
    if (!json_is_array(items))
        return err_set(e, ERR_INPUT, "%s: a Sequence must have a list \"%s\"", where, member);
    if (depth >= SEQUENCE_DEPTH)
        return err_set(e, ERR_LIMIT, "%s: Sequences stand more than %d deep in each other", where, SEQUENCE_DEPTH);
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item) {
        int code = each(item, member, row, list, where, depth + 1, e);
        if (code)
            return code;
    }
    return 0;
}

int component_each(const json_t *value, const char *member, component_read row, void *list, const char *where,
                   struct err *e)
{
    return each(value, member, row, list, where, 0, e);
}

int component_text(const json_t *component, const char *key, const char **text, size_t *n, const char *where,
                   struct err *e)
{
    const json_t *value = json_object_get(component, key);
    if (!json_is_string(value))
        return err_set(e, ERR_INPUT, "%s: \"%s\" must be a text", where, key);
    *text = json_string_value(value);
    *n = json_string_length(value);
    return 0;
}

int metaspace_read(struct metaspace *m, const json_t *component, const char *where, struct err *e)
{
    const char *mark, *scheme;
    bool add_space;
    int code = json_get_text(component, "replacement", "\xe2\x96\x81", &mark, where, e);
    if (!code)
        code = json_get_text(component, "prepend_scheme", NULL, &scheme, where, e);
    if (!code)
        code = json_get_bool(component, "add_prefix_space", true, &add_space, where, e);
    if (!code)
        code = json_get_bool(component, "split", true, &m->split, where, e);
    if (code)
        return code;
    uint32_t c = UTF8_BAD;
    m->n_mark = *mark ? utf8_decode(mark, strlen(mark), &c) : 0;
    if (c == UTF8_BAD || mark[m->n_mark])
        return err_set(e, ERR_INPUT, "%s: Metaspace's \"replacement\" must be one character", where);
    memcpy(m->mark, mark, m->n_mark);
    if (!scheme)
        m->prepend = add_space ? PREPEND_ALWAYS : PREPEND_NEVER;
    else if (strcmp(scheme, "always") == 0)
        m->prepend = PREPEND_ALWAYS;
    else if (strcmp(scheme, "first") == 0)
        m->prepend = PREPEND_FIRST;
    else if (strcmp(scheme, "never") == 0)
        m->prepend = PREPEND_NEVER;
    else
        return err_set(e, ERR_UNSUPPORTED, "%s: Metaspace's prepend_scheme \"%.40s\" is not known", where, scheme);
    return 0;
}

int text_fits(const struct str *s, struct err *e)
{
    if (!s->truncated)
        return 0;
    char most[32];
    return err_set(e, ERR_LIMIT, "the text grows beyond %s while it is tokenized: split it",
                   human_bytes(most, sizeof most, (double)(s->max ? s->max : (size_t)1 << 30)));
}

int pattern_replace(const struct pattern *p, const char *text, size_t n, const char *by, size_t n_by, struct str *out,
                    struct err *e)
{
    struct pattern_walk walk;
    pattern_walk_init(&walk, p);
    size_t done = 0, from = 0, start, end;
    int found;
    while ((found = pattern_find(&walk, text, n, from, &start, &end, e)) == 1) {
        str_addn(out, text + done, start - done);
        str_addn(out, by, n_by);
        done = end;
        uint32_t code;
        from = end > start ? end : end < n ? end + utf8_decode(text + end, n - end, &code) : n + 1;
        if (from > n)
            break;
    }
    pattern_walk_fini(&walk);
    if (found < 0)
        return found;
    str_addn(out, text + done, n - done);
    return text_fits(out, e);
}
