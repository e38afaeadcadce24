// Who is compared with whom, for all files of a compare.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/compare/compare.h"

void compare_model_fini(struct compare_model *m)
{
    free(m->folder);
    free(m->run);
    free(m->reference);
    free(m->base_of);
    *m = (struct compare_model){0};
}

const char *compare_model_key(const struct compare_model *m)
{
    return m->run || !m->folder ? m->label : m->folder;
}

static char *copy_or_null(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

struct compare_model compare_model_copy(const struct compare_model *m)
{
    struct compare_model copy = *m;
    copy.folder = copy_or_null(m->folder);
    copy.run = copy_or_null(m->run);
    copy.reference = copy_or_null(m->reference);
    copy.base_of = copy_or_null(m->base_of);
    return copy;
}

struct compare_model compare_model_of_folder(const char *folder)
{
    struct compare_model m = {.folder = mem_strdup(folder), .step = -1};
    size_t n = strlen(m.folder);
    while (n > 1 && m.folder[n - 1] == '/')
        m.folder[--n] = '\0';
    const char *last = strrchr(m.folder, '/');
    if (last && strlen(last) <= 4 && last > m.folder) { // "/hf" says little: the name before it as well
        do
            last--;
        while (last > m.folder && *last != '/');
        last = *last == '/' ? last : NULL;
    }
    text_copy(m.label, sizeof m.label, last ? last + 1 : m.folder);
    return m;
}

void compare_answer_fini(struct compare_answer *a)
{
    free(a->key);
    str_fini(&a->text);
    free(a->tokens);
    free(a->other);
    *a = (struct compare_answer){.score = NAN};
}

struct compare_side *compare_at(struct compare *c, int place)
{
    return &c->sides[c->order[place]];
}

int compare_beside(const struct compare *c)
{
    return c->n < 2 ? -1 : c->focus > 0 ? c->focus : 1;
}

struct compare_side *compare_other(struct compare *c, int place)
{
    const int beside = compare_beside(c);
    return beside < 0 ? NULL : compare_at(c, place == 0 ? beside : 0);
}

void compare_changed(struct compare *c)
{
    for (int i = 0; i < c->n; i++)
        c->sides[i].drawn = false;
}
