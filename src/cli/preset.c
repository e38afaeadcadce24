#include "config.h"

#include "cli/preset.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "launch/engine.h"
#include "store/store.h"

int preset_objective(int argc, char **argv, char **name, struct err *e)
{
    const char *given = args_peek(argc, argv, "objective"), *preset = args_peek(argc, argv, "preset");
    json_t *settings = NULL;
    *name = given ? mem_strdup(given) : NULL;
    if (given || !preset)
        return 0;
    char *dir = store_project_dir(args_peek(argc, argv, "project"));
    int code = engine_preset_load(dir, preset, name, &settings, e);
    json_decref(settings);
    free(dir);
    return code;
}

int preset_add(const struct args *a, const char *objective, json_t *given, struct err *e)
{
    const char *preset = args_text(a, "preset");
    char *own = NULL;
    json_t *settings = NULL;
    if (!preset)
        return 0;
    char *dir = store_project_dir(args_project(a));
    int code = engine_preset_load(dir, preset, &own, &settings, e);
    if (!code && strcmp(own, objective) != 0)
        code = err_set(e, ERR_USAGE, "the preset %s is one of %s, not of %s", preset, own, objective);
    if (!code)
        json_object_update_missing(given, settings);
    json_decref(settings);
    free(own);
    free(dir);
    return code;
}
