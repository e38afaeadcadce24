#include "config.h"

#include "ui/compare/win_by.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "corpus/corpus.h"
#include "corpus/source.h"

enum { MOST_NAMES = 1000 };

void win_by_fini(struct win_by *b)
{
    for (int i = 0; i < b->n_names; i++)
        free(b->names[i]);
    free(b->names);
    free(b->of_prompt);
    *b = (struct win_by){0};
}

// The value as text; "" where there is none.
static char *value_of(const json_t *row, const char *field)
{
    const json_t *value = json_object_get(row, field);
    struct str text = {.max = 200};
    if (json_is_string(value)) {
        str_add_visible(&text, json_string_value(value), json_string_length(value), false);
    } else if (value && !json_is_null(value)) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        str_add(&text, dumped ? dumped : "");
        free(dumped);
    }
    return text.data ? str_take(&text) : mem_strdup("");
}

static int name_of(struct win_by *b, const char *name, struct err *e)
{
    for (int i = 0; i < b->n_names; i++)
        if (strcmp(b->names[i], name) == 0)
            return i;
    if (b->n_names == MOST_NAMES)
        return err_set(e, ERR_LIMIT, "the rows have more than %d values of it: choose a member that says a kind of prompt",
                       MOST_NAMES);
    MEM_GROW(b->names, b->n_names, b->cap_names);
    b->names[b->n_names] = mem_strdup(name);
    return b->n_names++;
}

struct known {
    char hash[65];
    int prompt;
};

static int by_hash(const void *x, const void *y)
{
    return strcmp(((const struct known *)x)->hash, ((const struct known *)y)->hash);
}

static int take(struct win_by *b, const struct known *known, int n_known, const struct example *x, const char *value,
                struct err *e)
{
    char *text = example_prompt_text(x), *turns = example_turns_json(x);
    struct known wanted;
    judged_prompt_hash(text, turns, wanted.hash);
    const struct known *k = bsearch(&wanted, known, (size_t)n_known, sizeof *known, by_hash);
    if (!k && x->is_chat && x->n_turns == 1) { // asked as a plain text, as the page of compares does
        judged_prompt_hash(text, NULL, wanted.hash);
        k = bsearch(&wanted, known, (size_t)n_known, sizeof *known, by_hash);
    }
    free(text);
    free(turns);
    if (!k || b->of_prompt[k->prompt] >= 0)
        return 0;
    const int name = name_of(b, value, e);
    if (name < 0)
        return name;
    b->of_prompt[k->prompt] = name;
    b->n_found++;
    return 0;
}

// Rows and the examples that were made of them come in the same order.
static int read_rows(struct win_by *b, const struct judged_votes *v, const struct corpus *c, const char *field, bool *has,
                     struct err *e)
{
    struct source *s;
    struct source_row row;
    struct known *known = mem_alloc((size_t)v->n_prompts + 1, sizeof *known);
    size_t at = 0;
    int more = source_open(&s, c->path, e), code = more;
    for (int i = 0; i < v->n_prompts; i++) {
        known[i].prompt = i;
        text_copy(known[i].hash, sizeof known[i].hash, v->prompts[i].hash);
    }
    qsort(known, (size_t)v->n_prompts, sizeof *known, by_hash);
    while (!code && at < c->n_examples && (more = source_next(s, &row, e)) > 0) {
        char *value = value_of(row.object, field);
        for (; at < c->n_examples && c->examples[at].line == row.line && !code &&
               (!c->examples[at].file || strcmp(c->examples[at].file, source_file(s)) == 0);
             at++) {
            *has = *has || *value;
            if (*value)
                code = take(b, known, v->n_prompts, &c->examples[at], value, e);
        }
        free(value);
        json_decref(row.object);
    }
    if (!code && more < 0)
        code = more;
    if (s)
        source_close(s);
    free(known);
    return code;
}

int win_by_field(struct win_by *b, const struct judged_votes *v, const char *data, const char *field, struct err *e)
{
    struct corpus *c;
    bool has = false;
    *b = (struct win_by){.of_prompt = mem_alloc((size_t)v->n_prompts + 1, sizeof *b->of_prompt)};
    for (int i = 0; i < v->n_prompts; i++)
        b->of_prompt[i] = -1;
    int code = corpus_load(&c, data, 0, e);
    if (!code) {
        code = read_rows(b, v, c, field, &has, e);
        corpus_free(c);
    }
    if (!code && !has)
        code = err_set(e, ERR_INPUT, "no row of %s has \"%s\": --by names a member of the rows, or length", data, field);
    else if (!code && b->n_found == 0)
        code = err_set(e, ERR_INPUT, "none of the prompts that were judged is in %s: give the file that they came from",
                       data);
    if (code)
        win_by_fini(b);
    return code;
}
