// Any bytes as a recipe, and what stands in its values: read, or refused in words. With libFuzzer:
//     tests/fuzz/libfuzzer.sh recipe -runs=10000000 -max_len=400
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "train/run/recipe.h"

static const char *say(void *with, size_t stage, bool as_run, struct err *e)
{
    const size_t *n = with;
    MUST(stage < *n);
    return "x";
}

static void look_at_stage(const struct recipe *r, size_t at)
{
    struct recipe_names names = {.n = at};
    struct err fault = {0};
    const struct recipe_lines *l = &r->stages[at].lines;
    size_t n = at;
    for (size_t i = 0; i < at; i++)
        names.names[i] = r->stages[i].name;
    for (size_t i = 0; i < l->n; i++) {
        const char *missing;
        char *value = recipe_value(r, at, &l->rows[i], &missing, &fault);
        MUST(value || fault.text[0]);
        char *filled = value ? recipe_fill(&names, value, say, &n, &fault) : NULL;
        MUST(filled || !value);
        free(value);
        free(filled);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct recipe r;
    struct err fault = {0};
    char *text = mem_strndup((const char *)data, n);
    int code = recipe_parse(&r, "fuzz.conf", text, &fault);
    MUST(code ? code == fault.code && fault.text[0] : r.n_stages > 0 && r.n_stages <= RECIPE_MAX_STAGES);
    for (size_t i = 0; !code && i < r.n_stages; i++)
        look_at_stage(&r, i);
    if (!code)
        recipe_set(&r, text, &fault);
    recipe_fini(&r);
    free(text);
    return 0;
}
