#include "config.h"

#include "corpus/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "corpus/shapes.h"

enum {
    MOST_FIELDS = 256,
    MOST_VALUES = 32, // a member of more different values sorts rows into no kinds
    VALUE_BYTES = 48,
    ROWS_OF_A_KIND = 3, // fewer that are all refused are chance
};

struct count {
    char value[VALUE_BYTES];
    size_t n, n_refused;
};
struct field_count {
    char *name;
    size_t n; // rows in which it is not null
    bool many;
    int n_values;
    struct count values[MOST_VALUES];
};
struct fields {
    struct field_count *items[MOST_FIELDS];
    int n;
    json_t *sample; // a row, for guesses at what a name was meant to be
};

struct fields *fields_new(void)
{
    return mem_alloc(1, sizeof(struct fields));
}

void fields_free(struct fields *f)
{
    for (int i = 0; f && i < f->n; i++) {
        free(f->items[i]->name);
        free(f->items[i]);
    }
    if (f)
        json_decref(f->sample);
    free(f);
}

static struct field_count *field_named(struct fields *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->items[i]->name, name) == 0)
            return f->items[i];
    if (f->n == MOST_FIELDS)
        return NULL;
    struct field_count *c = f->items[f->n++] = mem_alloc(1, sizeof *c);
    c->name = mem_strdup(name);
    return c;
}

// A short text, a whole number or a truth, as text; false for what says more than a kind.
static bool kind_of(const json_t *value, char out[VALUE_BYTES])
{
    if (json_is_string(value))
        return text_copy(out, VALUE_BYTES, json_string_value(value)) && *out;
    if (json_is_integer(value))
        return snprintf(out, VALUE_BYTES, "%lld", (long long)json_integer_value(value)) > 0;
    if (json_is_boolean(value))
        return text_copy(out, VALUE_BYTES, json_is_true(value) ? "true" : "false");
    return false;
}

static void count_value(struct field_count *c, const json_t *value, bool refused)
{
    char text[VALUE_BYTES];
    if (c->many || !kind_of(value, text)) {
        c->many = true;
        return;
    }
    int i = 0;
    while (i < c->n_values && strcmp(c->values[i].value, text) != 0)
        i++;
    if (i == MOST_VALUES) {
        c->many = true;
        return;
    }
    if (i == c->n_values)
        memcpy(c->values[c->n_values++].value, text, sizeof text);
    c->values[i].n++;
    c->values[i].n_refused += refused;
}

void fields_note(struct fields *f, const json_t *row, bool refused)
{
    const char *key;
    json_t *value;
    if (!f->sample)
        f->sample = json_incref((json_t *)row);
    json_object_foreach((json_t *)row, key, value) {
        struct field_count *c = field_named(f, key);
        if (!c || json_is_null(value))
            continue;
        c->n++;
        count_value(c, value, refused);
    }
}

void fields_finish(struct fields *f, struct corpus *c, const struct shape *s, const char *label_from)
{
    c->fields = arena_alloc(&c->arena, (size_t)(f->n ? f->n : 1) * sizeof *c->fields);
    for (int i = 0; i < f->n; i++) {
        const struct field_count *x = f->items[i];
        const bool used = shape_uses(s, label_from, x->name);
        c->fields[c->n_fields++] = (struct corpus_field){.name = arena_strdup(&c->arena, x->name), .n = x->n,
                                                         .used = used,
                                                         .meant = used ? NULL : shape_meant(s, f->sample, x->name)};
        for (int k = 0; !used && !x->many && x->n_values > 1 && !c->all_refused && k < x->n_values; k++) {
            struct str text = {0};
            if (x->values[k].n_refused < x->values[k].n || x->values[k].n < ROWS_OF_A_KIND)
                continue;
            str_addf(&text, "all %zu rows in which \"%s\" is ", x->values[k].n, x->name);
            str_add_visible(&text, x->values[k].value, strlen(x->values[k].value), false);
            c->all_refused = arena_strdup(&c->arena, str_text(&text));
            str_fini(&text);
        }
    }
}
