#include "config.h"

#include "train/run/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

// ---- lines ----

static void lines_add(struct recipe_lines *l, const char *key, const char *value, const char *where)
{
    MEM_GROW(l->rows, l->n, l->cap);
    l->rows[l->n++] = (struct recipe_line){.key = mem_strdup(key), .value = value ? mem_strdup(value) : NULL,
                                          .where = mem_strdup(where)};
}

static void lines_fini(struct recipe_lines *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->rows[i].key);
        free(l->rows[i].value);
        free(l->rows[i].where);
    }
    free(l->rows);
    *l = (struct recipe_lines){0};
}

const struct recipe_line *recipe_line(const struct recipe_lines *lines, const char *key)
{
    for (size_t i = lines->n; i > 0; i--)
        if (strcmp(lines->rows[i - 1].key, key) == 0)
            return &lines->rows[i - 1];
    return NULL;
}

static struct recipe_stage *add_stage(struct recipe *r, const char *name, const char *base, const char *where)
{
    MEM_GROW(r->stages, r->n_stages, r->cap_stages);
    struct recipe_stage *s = &r->stages[r->n_stages++];
    *s = (struct recipe_stage){.name = mem_strdup(name), .base = mem_strdup(base), .where = mem_strdup(where)};
    return s;
}

static void stage_fini(struct recipe_stage *s)
{
    lines_fini(&s->lines);
    free(s->name);
    free(s->base);
    free(s->where);
}

// ---- the file ----

struct reading {
    struct recipe *r;
    int line;
    struct recipe_lines *to; // where the section's lines go; NULL: before the first section, or after [end]
    bool in_head;
    size_t repeat_from;
    long repeat; // 0: not in a block
    char *repeat_where;
    struct str where;
};

static const char *here(struct reading *g)
{
    str_clear(&g->where);
    str_addf(&g->where, "%s:%d", g->r->path, g->line);
    return str_text(&g->where);
}

static char *trimmed(const char *text, size_t n)
{
    while (n > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        n--;
    }
    while (n > 0 && strchr(" \t\r", text[n - 1]))
        n--;
    return mem_strndup(text, n);
}

// Up to a comment: # or ; at the beginning, # after a blank.
static size_t without_comment(const char *text, size_t n)
{
    const size_t blanks = strspn(text, " \t");
    if (blanks < n && (text[blanks] == ';' || text[blanks] == '#'))
        return 0;
    for (size_t i = 1; i < n; i++)
        if (text[i] == '#' && (text[i - 1] == ' ' || text[i - 1] == '\t'))
            return i;
    return n;
}

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    return *text >= 'a' && *text <= 'z' && strlen(text) <= 24 && strspn(text, letters) == strlen(text);
}

static int begin_stage(struct reading *g, const char *name, struct err *e)
{
    struct recipe *r = g->r;
    if (!is_name(name) || strcmp(name, "or") == 0 || strcmp(name, "end") == 0 || strcmp(name, "repeat") == 0)
        return err_set(e, ERR_INPUT, "%s: [%s] is no section: a stage's name begins with a small letter and has at most 24 "
                       "of a-z, 0-9, - and _; the others are [inputs], [defaults], [repeat N] and [end]", here(g), name);
    for (size_t i = 0; i < r->n_stages; i++)
        if (strcmp(r->stages[i].base, name) == 0)
            return err_set(e, ERR_INPUT, "%s: there is a stage %s already, at %s", here(g), name, r->stages[i].where);
    if (r->n_stages == RECIPE_MAX_STAGES)
        return err_set(e, ERR_LIMIT, "%s: a recipe has at most %d stages", here(g), RECIPE_MAX_STAGES);
    g->to = &add_stage(r, name, name, here(g))->lines;
    return 0;
}

static int begin_repeat(struct reading *g, const char *count, struct err *e)
{
    int64_t n;
    if (g->repeat)
        return err_set(e, ERR_INPUT, "%s: [repeat] inside of the one at %s: end that first", here(g), g->repeat_where);
    if (!text_to_i64(count, &n) || n < 1 || n > RECIPE_MAX_STAGES)
        return err_set(e, ERR_INPUT, "%s: [repeat %s]: say how often, 1 to %d", here(g), count, RECIPE_MAX_STAGES);
    g->repeat = (long)n;
    g->repeat_from = g->r->n_stages;
    g->repeat_where = mem_strdup(here(g));
    g->to = NULL;
    return 0;
}

// The block's stages, round after round.
static int end_repeat(struct reading *g, struct err *e)
{
    struct recipe *r = g->r;
    const size_t from = g->repeat_from, n = r->n_stages - from;
    if (!g->repeat)
        return err_set(e, ERR_INPUT, "%s: [end] without a [repeat N]", here(g));
    if (n == 0)
        return err_set(e, ERR_INPUT, "%s: there is no stage to repeat", g->repeat_where);
    if (from + n * (size_t)g->repeat > RECIPE_MAX_STAGES)
        return err_set(e, ERR_LIMIT, "%s: these are more than %d stages", g->repeat_where, RECIPE_MAX_STAGES);
    struct recipe_stage *block = mem_alloc(n, sizeof *block);
    memcpy(block, r->stages + from, n * sizeof *block);
    r->n_stages = from;
    for (long round = 1; round <= g->repeat; round++)
        for (size_t i = 0; i < n; i++) {
            struct str name = {0};
            str_addf(&name, "%s.%ld", block[i].base, round);
            struct recipe_stage *s = add_stage(r, str_text(&name), block[i].base, block[i].where);
            for (size_t k = 0; k < block[i].lines.n; k++)
                lines_add(&s->lines, block[i].lines.rows[k].key, block[i].lines.rows[k].value, block[i].lines.rows[k].where);
            str_fini(&name);
        }
    for (size_t i = 0; i < n; i++)
        stage_fini(&block[i]);
    free(block);
    free(g->repeat_where);
    g->repeat_where = NULL;
    g->repeat = 0;
    g->to = NULL;
    return 0;
}

static int read_section(struct reading *g, const char *text, struct err *e)
{
    const size_t n = strlen(text);
    if (text[n - 1] != ']')
        return err_set(e, ERR_INPUT, "%s: %s: the ] at the end is missing", here(g), text);
    char *name = trimmed(text + 1, n - 2);
    int code = 0;
    g->in_head = false;
    if (strcmp(name, "inputs") == 0)
        g->to = &g->r->inputs;
    else if (strcmp(name, "defaults") == 0)
        g->to = &g->r->defaults;
    else if (strcmp(name, "end") == 0)
        code = end_repeat(g, e);
    else if (text_starts(name, "repeat"))
        code = begin_repeat(g, name + 6 + strspn(name + 6, " "), e);
    else
        code = begin_stage(g, name, e);
    free(name);
    return code;
}

static int read_head(struct reading *g, const char *key, const char *value, struct err *e)
{
    static const char *const keys[] = {"title", "paper", "about", "config"};
    char **const members[] = {&g->r->title, &g->r->paper, &g->r->about, &g->r->config};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0) {
            struct str whole = {0};
            if (**members[i] && strcmp(key, "about") != 0)
                return err_set(e, ERR_INPUT, "%s: %s is there twice", here(g), key);
            str_addf(&whole, "%s%s%s", *members[i], **members[i] ? " " : "", value);
            free(*members[i]);
            *members[i] = str_take(&whole);
            return 0;
        }
    struct str near = {.max = 200};
    str_add_near(&near, key, keys, sizeof keys / sizeof *keys);
    int code = err_set(e, ERR_INPUT, "%s: before the first section stand title, paper, about and config, not \"%s\"%s",
                       here(g), key, str_text(&near));
    str_fini(&near);
    return code;
}

static int read_setting(struct reading *g, const char *text, struct err *e)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return err_set(e, ERR_INPUT, "%s: \"%.60s\" is neither a [section] nor key = value", here(g), text);
    char *key = trimmed(text, (size_t)(equals - text)), *value = trimmed(equals + 1, strlen(equals + 1));
    int code = 0;
    if (g->in_head)
        code = read_head(g, key, value, e);
    else if (!g->to)
        code = err_set(e, ERR_INPUT, "%s: %s = ... stands in no section: begin a [stage] before it", here(g), key);
    else if (recipe_line(g->to, key))
        code = err_set(e, ERR_INPUT, "%s: %s was given at %s already", here(g), key, recipe_line(g->to, key)->where);
    else if (g->to == &g->r->inputs && !is_name(key))
        code = err_set(e, ERR_INPUT, "%s: \"%s\" is no name of an input: small letters, digits, - and _", here(g), key);
    else
        lines_add(g->to, key, g->to == &g->r->inputs && !*value ? NULL : value, here(g));
    free(key);
    free(value);
    return code;
}

// $model and $data need not be declared.
static void declare_usual(struct recipe *r)
{
    static const char *const usual[] = {"model", "data"};
    for (size_t i = 0; i < 2; i++)
        if (!recipe_line(&r->inputs, usual[i]))
            lines_add(&r->inputs, usual[i], NULL, r->path);
}

int recipe_parse(struct recipe *r, const char *path, const char *text, struct err *e)
{
    *r = (struct recipe){.path = mem_strdup(path), .text = mem_strdup(text), .title = mem_strdup(""),
                         .paper = mem_strdup(""), .about = mem_strdup(""), .config = mem_strdup("")};
    struct reading g = {.r = r, .in_head = true};
    int code = 0;
    for (const char *at = text; *at && !code;) {
        const size_t n = strcspn(at, "\n");
        char *line = trimmed(at, without_comment(at, n));
        g.line++;
        if (*line == '[')
            code = read_section(&g, line, e);
        else if (*line)
            code = read_setting(&g, line, e);
        free(line);
        at += n + (at[n] == '\n');
    }
    if (!code && g.repeat)
        code = err_set(e, ERR_INPUT, "%s: [repeat] has no [end]", g.repeat_where);
    if (!code && r->n_stages == 0)
        code = err_set(e, ERR_INPUT, "%s has no stage: a section such as [sft] with objective, model and data", path);
    for (size_t i = 0; i < r->n_stages && !code; i++)
        if (!recipe_line(&r->stages[i].lines, "objective"))
            code = err_set(e, ERR_INPUT, "%s: stage %s has no objective", r->stages[i].where, r->stages[i].name);
    declare_usual(r);
    str_fini(&g.where);
    free(g.repeat_where);
    return code;
}

int recipe_read(struct recipe *r, const char *path, struct err *e)
{
    char *text;
    size_t n;
    *r = (struct recipe){0};
    int code = file_read(path, RECIPE_MAX_BYTES, &text, &n, e);
    if (code)
        return code;
    code = strlen(text) == n ? recipe_parse(r, path, text, e)
                             : err_set(e, ERR_INPUT, "%s is no text: it has a zero byte at %zu", path, strlen(text));
    free(text);
    return code;
}

void recipe_fini(struct recipe *r)
{
    for (size_t i = 0; i < r->n_stages; i++)
        stage_fini(&r->stages[i]);
    free(r->stages);
    lines_fini(&r->inputs);
    lines_fini(&r->defaults);
    free(r->path);
    free(r->text);
    free(r->title);
    free(r->paper);
    free(r->about);
    free(r->config);
    *r = (struct recipe){0};
}

// ---- the command line ----

static void assign(struct recipe_lines *l, const char *key, const char *value, const char *where)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->rows[i].key, key) == 0) {
            struct recipe_line *row = &l->rows[i];
            free(row->value);
            free(row->where);
            row->value = mem_strdup(value);
            row->where = mem_strdup(where);
            row->typed = true;
            return;
        }
    lines_add(l, key, value, where);
    l->rows[l->n - 1].typed = true;
}

static int set_in(struct recipe *r, const char *section, const char *key, const char *value, const char *where,
                  struct err *e)
{
    const char *names[RECIPE_MAX_STAGES + 2] = {"inputs", "defaults"};
    size_t n = 2, n_set = 0;
    if (strcmp(section, "inputs") == 0 && recipe_line(&r->inputs, key)) {
        struct str whole = {0}; // what is given is meant as it stands
        for (const char *p = value; *p; p++)
            str_addf(&whole, "%s%c", *p == '$' ? "$" : "", *p);
        assign(&r->inputs, key, str_text(&whole), where);
        str_fini(&whole);
        return 0;
    }
    if (strcmp(section, "inputs") == 0) {
        const char *known[64];
        size_t n_known = 0;
        struct str near = {.max = 200};
        for (; n_known < r->inputs.n && n_known < 64; n_known++)
            known[n_known] = r->inputs.rows[n_known].key;
        str_add_near(&near, key, known, n_known);
        int code = err_set(e, ERR_USAGE, "%s: %s has no input \"%.60s\"%s", where, r->path, key, str_text(&near));
        str_fini(&near);
        return code;
    }
    if (strcmp(section, "defaults") == 0) {
        assign(&r->defaults, key, value, where);
        return 0;
    }
    for (size_t i = 0; i < r->n_stages; i++) {
        if (i == 0 || strcmp(r->stages[i].base, names[n - 1]) != 0)
            names[n++] = r->stages[i].base;
        if (strcmp(section, r->stages[i].base) == 0 || strcmp(section, r->stages[i].name) == 0) {
            assign(&r->stages[i].lines, key, value, where);
            n_set++;
        }
    }
    if (n_set)
        return 0;
    struct str near = {.max = 300};
    str_add_near(&near, section, names, n);
    int code = err_set(e, ERR_USAGE, "%s: %s has no stage \"%.60s\"%s", where, r->path, section, str_text(&near));
    str_fini(&near);
    return code;
}

// The section is what stands before the last dot of the key: settings have none.
int recipe_set(struct recipe *r, const char *assignment, struct err *e)
{
    const char *equals = strchr(assignment, '='), *dot = equals;
    while (dot && dot > assignment && *dot != '.')
        dot--;
    if (!dot || dot == assignment || dot + 1 == equals)
        return err_set(e, ERR_USAGE, "--set %.80s: say stage.key=value, such as policy.lr=1e-6", assignment);
    char *section = mem_strndup(assignment, (size_t)(dot - assignment)),
         *key = mem_strndup(dot + 1, (size_t)(equals - dot - 1));
    struct str where = {0};
    str_addf(&where, "--set %s.%s", section, key);
    int code = set_in(r, section, key, equals + 1, str_text(&where), e);
    str_fini(&where);
    free(section);
    free(key);
    return code;
}

const char *recipe_input(const struct recipe *r, const char *name)
{
    const struct recipe_line *line = recipe_line(&r->inputs, name);
    return line && line->value && *line->value ? line->value : NULL;
}
