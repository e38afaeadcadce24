// $names and {stages} in the values of a recipe.
#include "config.h"

#include "train/run/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";

static int unknown_input(const struct recipe *r, const struct recipe_line *line, const char *name, struct err *e)
{
    const char *known[64];
    size_t n = 0;
    struct str near = {.max = 200};
    for (; n < r->inputs.n && n < 64; n++)
        known[n] = r->inputs.rows[n].key;
    str_add_near(&near, name, known, n);
    int code = err_set(e, ERR_INPUT, "%s: $%s is no input of this recipe%s; [inputs] declares them ($$ is a dollar sign)",
                       line->where, name, str_text(&near));
    str_fini(&near);
    return code;
}

static int put_text(const struct recipe *r, const struct recipe_line *line, const char *text, int depth, struct str *out,
                    const char **missing, struct err *e);

// A name after a dollar sign; *at goes behind it.
static int put_input(const struct recipe *r, const struct recipe_line *line, const char **at, int depth, struct str *out,
                     const char **missing, struct err *e)
{
    enum { DEEPEST = 4 };
    const size_t n = strspn(*at, name_letters);
    char *name = mem_strndup(*at, n);
    const struct recipe_line *input = recipe_line(&r->inputs, name);
    const char *value = recipe_input(r, name);
    const bool usual = strcmp(name, "model") == 0 || strcmp(name, "data") == 0;
    int code = 0;
    *at += n;
    if (!input)
        code = unknown_input(r, line, name, e);
    else if (value && depth == DEEPEST)
        code = err_set(e, ERR_INPUT, "%s: inputs are made of one another in a circle, or too deeply", input->where);
    else if (value)
        code = put_text(r, line, value, depth + 1, out, missing, e);
    else if (missing)
        *missing = input->key;
    else
        code = err_set(e, ERR_USAGE, "%s: %s is not known: give --%s%s (in the console %s=...)", line->where, name,
                       usual ? "" : "set inputs.", usual ? (name[0] == 'm' ? "model DIR" : "data FILE") : "NAME=VALUE", name);
    free(name);
    return code;
}

// An input's own text, which may name other inputs; braces are no stages there.
static int put_text(const struct recipe *r, const struct recipe_line *line, const char *text, int depth, struct str *out,
                    const char **missing, struct err *e)
{
    int code = 0;
    while (*text && !code)
        if (*text == '$' && text[1] != '$') {
            text++;
            code = put_input(r, line, &text, depth, out, missing, e);
        } else {
            text += *text == '$';
            str_addn(out, *text == '{' ? "{{" : text, *text == '{' ? 2 : 1);
            text++;
        }
    return code;
}

// The newest stage before `at` that is called so; -1.
static long stage_before(const struct recipe *r, size_t at, const char *name)
{
    for (size_t i = at; i > 0; i--)
        if (strcmp(r->stages[i - 1].base, name) == 0 || strcmp(r->stages[i - 1].name, name) == 0)
            return (long)i - 1;
    return -1;
}

static bool ends_with_run(const char *name, size_t n)
{
    return n > 4 && memcmp(name + n - 4, ".run", 4) == 0;
}

static int fail_stage(const struct recipe *r, size_t at, const struct recipe_line *line, const char *names, struct err *e)
{
    const char *before[RECIPE_MAX_STAGES];
    struct str near = {.max = 300};
    for (size_t i = 0; i < at; i++)
        before[i] = r->stages[i].base;
    str_add_near(&near, names, before, at);
    int code = err_set(e, ERR_INPUT, "%s: {%.80s}: no such stage stands before %s%s; a stage can use what the stages before "
                       "it have made ({{ is a brace)", line->where, names, r->stages[at].name, str_text(&near));
    str_fini(&near);
    return code;
}

// What stands between braces: names with " or " between them.
static int put_stage(const struct recipe *r, size_t at, const struct recipe_line *line, const char *names, struct str *out,
                     struct err *e)
{
    for (const char *p = names; *p;) {
        const char *or = strstr(p, " or ");
        size_t n = or ? (size_t)(or - p) : strlen(p);
        const char *rest = or ? or + 4 : p + n;
        while (n > 0 && *p == ' ') {
            p++;
            n--;
        }
        while (n > 0 && p[n - 1] == ' ')
            n--;
        const bool as_run = ends_with_run(p, n);
        char *name = mem_strndup(p, as_run ? n - 4 : n);
        const long found = stage_before(r, at, name);
        bool known = false; // of the whole recipe, as the first of two names may be
        for (size_t i = 0; i < r->n_stages; i++)
            known |= strcmp(r->stages[i].base, name) == 0 || strcmp(r->stages[i].name, name) == 0;
        free(name);
        if (found >= 0) {
            str_addf(out, "{%s%s}", r->stages[found].name, as_run ? ".run" : "");
            return 0;
        }
        if (!known)
            break;
        p = rest;
    }
    return fail_stage(r, at, line, names, e);
}

char *recipe_value(const struct recipe *r, size_t at, const struct recipe_line *line, const char **missing, struct err *e)
{
    struct str out = {.max = 1 << 16};
    int code = 0;
    if (missing)
        *missing = NULL;
    for (const char *p = line->value; p && *p && !code;) {
        if ((*p == '$' || *p == '{') && p[1] == *p) {
            str_addn(&out, p, *p == '$' ? 1 : 2); // a doubled brace stays one until the value is filled
            p += 2;
        } else if (*p == '$') {
            p++;
            code = put_input(r, line, &p, 0, &out, missing, e);
        } else if (*p == '{') {
            const size_t n = strcspn(p, "}");
            if (!p[n]) {
                code = err_set(e, ERR_INPUT, "%s: the } of %.40s is missing ({{ is a brace)", line->where, p);
                break;
            }
            char *names = mem_strndup(p + 1, n - 1);
            code = put_stage(r, at, line, names, &out, e);
            free(names);
            p += n + 1;
        } else {
            str_addc(&out, *p++);
        }
    }
    if (!code)
        return str_take(&out);
    str_fini(&out);
    return NULL;
}

bool recipe_names_stage(const struct recipe_names *names, const char *value, size_t *stage, const char **from,
                        size_t *n_bytes, bool *as_run)
{
    for (const char *p = value; (p = strchr(p, '{')); p++) {
        const size_t n = strcspn(p, "}");
        if (p[1] == '{') {
            p++;
            continue;
        }
        *as_run = ends_with_run(p + 1, n - 1);
        for (size_t i = 0; i < names->n; i++) {
            const size_t length = n - 1 - (*as_run ? 4 : 0);
            if (strlen(names->names[i]) == length && memcmp(names->names[i], p + 1, length) == 0) {
                *stage = i;
                *from = p;
                *n_bytes = n + 1;
                return true;
            }
        }
    }
    return false;
}

char *recipe_fill(const struct recipe_names *names, const char *value, recipe_of_stage of, void *with, struct err *e)
{
    struct str out = {0};
    for (const char *p = value; *p;) {
        size_t stage, n;
        const char *from;
        bool as_run;
        if (p[0] == '{' && p[1] == '{') {
            str_addc(&out, '{');
            p += 2;
        } else if (*p == '{' && recipe_names_stage(names, p, &stage, &from, &n, &as_run) && from == p) {
            const char *text = of(with, stage, as_run, e);
            if (!text) {
                str_fini(&out);
                return NULL;
            }
            str_add(&out, text);
            p += n;
        } else {
            str_addc(&out, *p++);
        }
    }
    return str_take(&out);
}
