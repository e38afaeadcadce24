#include "config.h"

#include "train/run/held_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "corpus/lists.h"
#include "train/objective/objective.h"

static const char *text(const json_t *settings, const char *name)
{
    const char *value = json_string_value(json_object_get(settings, name));
    return value ? value : "";
}

// What a checkpoint says is not trusted: what is no such word is none.
static struct list_pairing pairs_of(const json_t *settings)
{
    struct list_pairing how = {.which = LIST_PAIRS_NO, .share = json_number_value(json_object_get(settings, "pairs-share"))};
    for (int i = 0; list_pairs_names[i]; i++)
        if (strcmp(list_pairs_names[i], text(settings, "pairs-from-lists")) == 0)
            how.which = (enum list_pairs)i;
    if (!(how.share >= 0.01 && how.share <= 0.5))
        how.share = 0.25; // of before there was one
    return how;
}

// As run_load.c reads them: the split looks at an example's content.
static int load(struct corpus **c, const char *path, size_t limit, const struct objective *o, const json_t *settings,
                struct err *e)
{
    const struct corpus_reading how = {text(settings, "map"), text(settings, "label-from")};
    int code = corpus_load_as(c, path, limit, &how, e);
    if (!code && (o->data & DATA_PAIR))
        lists_to_pairs(*c, pairs_of(settings));
    return code;
}

int held_out_load(struct corpus **c, bool **use, const char *objective, const json_t *settings, struct err *e)
{
    const char *data = text(settings, "data"), *eval = text(settings, "eval-data");
    const double share = json_number_value(json_object_get(settings, "eval-share"));
    const struct objective *o;
    size_t n = 0;
    *use = NULL;
    int code = objective_find(&o, objective, e);
    if (code)
        return code;
    if (*eval)
        return load(c, eval, 0, o, settings, e);
    if (!*data || share <= 0)
        return err_set(e, ERR_USAGE, "the run holds no rows out: give prompts with --data FILE");
    code = load(c, data, (size_t)json_integer_value(json_object_get(settings, "max-rows")), o, settings, e);
    if (code)
        return code;
    *use = mem_alloc((*c)->n_examples + 1, sizeof **use);
    corpus_split(*c, share, (uint64_t)json_integer_value(json_object_get(settings, "seed")), *use);
    for (size_t i = 0; i < (*c)->n_examples; i++)
        n += (*use)[i];
    if (n && n < (*c)->n_examples)
        return 0;
    corpus_free(*c);
    free(*use);
    *c = NULL;
    *use = NULL;
    return err_set(e, ERR_USAGE,
                   "the run holds no rows out (the split by prompts left none of %s on one side): give prompts with "
                   "--data FILE", data);
}
