// Presets: settings under a name, kept with the project, that a new run begins with. PROJECT/presets/NAME.json.
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"

static char *path_of(const char *project_dir, const char *name)
{
    struct str path = {0};
    str_addf(&path, "%s/presets/%s.json", project_dir, name);
    return str_take(&path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int engine_presets(const char *project_dir, char ***names, int *n, struct err *e)
{
    char *dir = path_join(project_dir, "presets");
    DIR *d = file_exists(dir) ? opendir(dir) : NULL;
    int cap = 0;
    *names = NULL;
    *n = 0;
    for (struct dirent *one; d && (one = readdir(d));) {
        if (one->d_name[0] == '.' || !text_ends(one->d_name, ".json"))
            continue;
        MEM_GROW(*names, *n, cap);
        (*names)[(*n)++] = mem_strndup(one->d_name, strlen(one->d_name) - strlen(".json"));
    }
    int code = !d && file_exists(dir) ? err_errno(e, "cannot read the folder %s", dir) : 0;
    if (d)
        closedir(d);
    if (*n)
        qsort(*names, (size_t)*n, sizeof **names, by_name);
    free(dir);
    return code;
}

void engine_presets_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

static int fail_unknown(const char *project_dir, const char *name, struct err *e)
{
    char **names;
    int n;
    struct str near = {.max = 400};
    int code = engine_presets(project_dir, &names, &n, e);
    if (code)
        return code;
    str_add_near(&near, name, (const char *const *)names, (size_t)n);
    if (!near.len)
        str_add(&near, n ? "; \"attune preset list\" lists what there is" : "; the project has none yet");
    code = err_set(e, ERR_NOT_FOUND, "there is no preset \"%.80s\"%s", name, str_text(&near));
    str_fini(&near);
    engine_presets_free(names, n);
    return code;
}

int engine_preset_load(const char *project_dir, const char *name, char **objective, json_t **settings, struct err *e)
{
    enum { MOST_BYTES = 1 << 20 };
    json_t *all = NULL;
    int code = run_name_check(name, e);
    char *path = path_of(project_dir, name);
    if (!code && !file_exists(path))
        code = fail_unknown(project_dir, name, e);
    if (!code)
        code = json_read(path, MOST_BYTES, &all, e);
    const char *found = json_string_value(json_object_get(all, "objective"));
    if (!code && (!found || !json_is_object(json_object_get(all, "settings"))))
        code = err_set(e, ERR_INPUT, "%s is no preset: it has an objective and settings", path);
    if (!code) {
        *objective = mem_strdup(found);
        *settings = json_incref(json_object_get(all, "settings"));
    }
    json_decref(all);
    free(path);
    return code;
}

int engine_preset_save(const char *project_dir, const char *name, const char *objective, const json_t *settings,
                       struct err *e)
{
    int code = run_name_check(name, e);
    char *dir = path_join(project_dir, "presets"), *path = path_of(project_dir, name);
    json_t *all = json_pack("{s:s, s:O}", "objective", objective, "settings", settings);
    if (!code)
        code = file_make_dirs(dir, e);
    if (!code)
        code = json_write(path, all, e);
    json_decref(all);
    free(dir);
    free(path);
    return code;
}

int engine_preset_remove(const char *project_dir, const char *name, struct err *e)
{
    int code = run_name_check(name, e);
    char *path = path_of(project_dir, name);
    if (!code && !file_exists(path))
        code = fail_unknown(project_dir, name, e);
    if (!code)
        code = file_remove_tree(path, e);
    free(path);
    return code;
}
