// Recipes seen from outside: which there are, what they would take, and starting one as a run of the store.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"

int engine_recipes(const char *project_dir, json_t **out, struct err *e)
{
    char *folder = project_dir ? path_join(project_dir, "recipes") : mem_strdup("");
    const char *const call[] = {"recipes", "--folder", folder, NULL};
    int code = engine_call(call, out, e);
    free(folder);
    return code;
}

static int fail_unknown(const char *project_dir, const char *word, struct err *e)
{
    json_t *list = NULL, *row;
    size_t i, n = 0;
    struct str near = {.max = 400};
    int code = engine_recipes(project_dir, &list, e);
    if (code)
        return code;
    const char **names = mem_alloc(json_array_size(list) + 1, sizeof *names);
    json_array_foreach(list, i, row)
        names[n++] = json_string_value(json_object_get(row, "name"));
    str_add_near(&near, word, names, n);
    if (!near.len)
        str_add(&near, "; \"attune recipe list\" lists what there is");
    code = err_set(e, ERR_NOT_FOUND, "there is no recipe \"%.80s\"%s", word, str_text(&near));
    str_fini(&near);
    free(names);
    json_decref(list);
    return code;
}

int engine_recipe_find(const char *project_dir, const char *word, char **path, struct err *e)
{
    struct str name = {0};
    char *place = NULL;
    str_addf(&name, "recipes/%s.conf", word);
    if (strchr(word, '/') || text_ends(word, ".conf")) {
        place = mem_strdup(word);
    } else {
        place = project_dir ? path_join(project_dir, str_text(&name)) : NULL;
        if (!place || !file_exists(place)) {
            free(place);
            place = path_share(str_text(&name));
        }
    }
    str_fini(&name);
    if (place && file_is_regular(place)) {
        *path = realpath(place, NULL);
        if (*path) {
            free(place);
            return 0;
        }
    }
    int code = strchr(word, '/') || text_ends(word, ".conf") ? err_set(e, ERR_NOT_FOUND, "there is no recipe file %s", word)
                                                             : fail_unknown(project_dir, word, e);
    free(place);
    return code;
}

int engine_recipe(const char *path, const json_t *changes, enum recipe_question what, json_t **out, struct err *e)
{
    static const char *const options[] = {[RECIPE_CHECK] = NULL, [RECIPE_PLAN] = "--plan", [RECIPE_OUTLINE] = "--outline"};
    char *set = changes ? json_dumps(changes, JSON_COMPACT) : mem_strdup("[]");
    const char *const call[] = {"recipe", "--file", path, "--set", set, options[what], NULL};
    int code = engine_call(call, out, e);
    free(set);
    return code;
}

// What was given is meant from here; the engine of the run stands elsewhere.
json_t *engine_recipe_input(const char *name, const char *value)
{
    char *found = realpath(value, NULL), *shared = *value == '/' || found ? NULL : path_share(value);
    if (!found && shared && file_exists(shared))
        found = realpath(shared, NULL);
    json_t *out = json_sprintf("inputs.%s=%s", name, found ? found : value);
    free(found);
    free(shared);
    return out;
}

// The recipe's name with a number: sft-dpo-1, sft-dpo-2, ...
static int add_numbered(struct store *s, const char *path, const char *model, const char *data, const json_t *settings,
                        char **name, struct err *e)
{
    const char *file = path_base(path);
    const size_t n = text_ends(file, ".conf") ? strlen(file) - 5 : strlen(file);
    struct err fault = {0};
    int code = ERR_STATE;
    for (int i = 1; code == ERR_STATE && i < 1000; i++) {
        struct str wanted = {0};
        str_addf(&wanted, "%.*s-%d", (int)n, file, i);
        fault = (struct err){0};
        code = store_add_run(s, str_text(&wanted), "recipe", model, data, settings, name, &fault);
        str_fini(&wanted);
    }
    if (code && e)
        *e = fault;
    return code;
}

// "demo-2.policy.10" must be a run's name as well.
static int check_names(const char *name, const json_t *stages, struct err *e)
{
    const json_t *stage;
    size_t i;
    int code = 0;
    json_array_foreach(stages, i, stage) {
        struct str whole = {0};
        str_addf(&whole, "%s.%s", name, json_string_value(json_object_get(stage, "name")));
        if (!code)
            code = run_name_check(str_text(&whole), e);
        str_fini(&whole);
    }
    return code;
}

int engine_recipe_start(struct store *s, const char *path, const json_t *changes, const char *name, char **name_out,
                        struct err *e)
{
    json_t *plan = NULL, *stage;
    size_t i;
    int code = engine_recipe(path, changes, RECIPE_CHECK, &plan, e);
    if (code)
        return code;
    const json_t *stages = json_object_get(plan, "stages");
    json_array_foreach(stages, i, stage)
        json_object_del(stage, "memory");
    const json_t *first = json_object_get(json_array_get(stages, 0), "settings");
    const char *model = json_string_value(json_object_get(first, "model")),
               *data = json_string_value(json_object_get(first, "data"));
    if (name)
        code = check_names(name, stages, e);
    json_t *settings = json_pack("{s:s, s:s*, s:s*, s:O}", "recipe", path, "model", model, "data", data, "plan", plan);
    if (!code)
        code = name ? store_add_run(s, name, "recipe", model, data, settings, name_out, e)
                    : add_numbered(s, path, model, data, settings, name_out, e);
    if (!code)
        code = store_set_note(s, *name_out, json_string_value(json_object_get(plan, "title")), e);
    if (!code)
        code = engine_start(s, *name_out, e);
    json_decref(settings);
    json_decref(plan);
    return code;
}
