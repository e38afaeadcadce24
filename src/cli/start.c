#include "config.h"

#include "cli/start.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

int start_find_objective(const struct engine_description *d, const char *name, const struct engine_objective **out,
                         struct err *e)
{
    const struct engine_objective *found = name ? engine_find_objective(d, name) : NULL;
    if (!name)
        return err_set(e, ERR_USAGE, "--objective is missing; \"attune objectives\" lists what there is");
    if (found) {
        *out = found;
        return 0;
    }
    const char **names = mem_alloc((size_t)d->n_objectives + 1, sizeof *names);
    struct str near = {.max = 600};
    for (int i = 0; i < d->n_objectives; i++)
        names[i] = d->objectives[i].name;
    str_add_near(&near, name, names, (size_t)d->n_objectives);
    if (!near.len)
        str_add(&near, "; \"attune objectives\" lists what there is");
    int code = err_set(e, ERR_USAGE, "there is no objective \"%.60s\"%s", name, str_text(&near));
    str_fini(&near);
    free(names);
    return code;
}

static int check_files(const struct settings *s, struct err *e)
{
    for (size_t i = 0; i < s->n_items; i++) {
        const struct setting *item = &s->items[i];
        if (item->param->type == PARAM_PATH && *item->text && !file_exists(item->text))
            return err_set(e, ERR_NOT_FOUND, "--%s: there is no file or folder %s", item->param->name, item->text);
        if (item->param->type == PARAM_PATH && *item->text && !file_is_dir(item->text) && !file_is_regular(item->text))
            return err_set(e, ERR_USAGE, "--%s: %s is a pipe or a device: a run reads its data again when it is resumed, so "
                                         "give a file", item->param->name, item->text);
    }
    return 0;
}

int start_settings(const struct engine_description *d, const struct engine_objective *o, const json_t *given, json_t **all,
                   struct err *e)
{
    const struct param *const tables[] = {d->params, o->params, NULL};
    struct settings settings;
    settings_init(&settings, tables);
    int code = settings_from_json(&settings, given, e);
    if (!code)
        code = settings_check_required(&settings, e);
    if (!code) {
        engine_resolve_paths(&settings);
        code = check_files(&settings, e);
    }
    if (!code)
        *all = settings_to_json(&settings, true);
    settings_fini(&settings);
    return code;
}

int start_run(struct store *s, const struct engine_description *d, const char *objective, const char *name,
              const char *note, const json_t *given, char **name_out, json_t **memory, struct err *e)
{
    const struct engine_objective *o = NULL;
    json_t *all = NULL;
    int code = start_find_objective(d, objective, &o, e);
    if (!code)
        code = start_settings(d, o, given, &all, e);
    if (!code)
        code = engine_check_run(o->name, all, memory, e);
    if (!code)
        code = store_add_run(s, name, objective, json_string_value(json_object_get(all, "model")),
                             json_string_value(json_object_get(all, "data")), all, name_out, e);
    json_decref(all);
    if (!code && note)
        code = store_set_note(s, *name_out, note, e);
    if (!code)
        code = engine_start(s, *name_out, e);
    return code;
}
