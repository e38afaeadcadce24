// attune-engine recipe: a recipe checked as a whole, and what its stages would take. attune-engine recipes: which there are.
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/run/recipe.h"

const struct param engine_recipe_params[] = {
    {.name = "file", .type = PARAM_PATH, .help = "The recipe."},
    {.name = "set", .type = PARAM_TEXT, .fallback = "[]", .help = "Changes of it, a JSON array of texts stage.key=value."},
    {.name = "plan", .type = PARAM_BOOL, .fallback = "no",
     .help = "Model and data may be missing; the answer has the time that the stages would take."},
    {.name = "outline", .type = PARAM_BOOL, .fallback = "no",
     .help = "Read it alone: settings and files are not looked at."},
    {0}};
const struct param engine_recipes_params[] = {
    {.name = "folder", .type = PARAM_PATH, .fallback = "", .help = "A folder with recipes beside Attune's own."}, {0}};

int engine_recipe(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *changes = settings_text(s, "set");
    const struct recipe_asked asked = {.plan = settings_bool(s, "plan")};
    struct recipe r = {0};
    json_t *list = NULL, *change, *answer = NULL;
    size_t i;
    int code = json_parse(changes, strlen(changes), "--set", &list, e);
    if (!code)
        code = recipe_read(&r, settings_text(s, "file"), e);
    json_array_foreach(list, i, change) {
        const char *text = json_string_value(change);
        if (!code)
            code = text ? recipe_set(&r, text, e) : err_set(e, ERR_USAGE, "--set: a JSON array of texts is wanted");
    }
    if (!code && settings_bool(s, "outline"))
        answer = recipe_outline(&r);
    else if (!code)
        code = recipe_check(&r, &asked, &answer, e);
    recipe_fini(&r);
    json_decref(list);
    return code ? code : engine_print(answer, e);
}

static const char ending[] = ".conf";

// Without its ending: "demo" comes before "demo-plane".
static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const size_t n = strlen(x) - strlen(ending), m = strlen(y) - strlen(ending);
    const int order = strncmp(x, y, n < m ? n : m);
    return order ? order : n < m ? -1 : n > m;
}

// One that cannot be read stands in the list all the same, with the reason.
static void add_recipe(json_t *list, const char *path, bool own)
{
    struct recipe r = {0};
    struct err fault = {0};
    char *name = mem_strndup(path_base(path), strlen(path_base(path)) - strlen(ending));
    size_t i;
    const json_t *other;
    json_array_foreach(list, i, other) // the project's own goes before one of Attune's
        if (strcmp(json_string_value(json_object_get(other, "name")), name) == 0) {
            free(name);
            return;
        }
    json_t *row = recipe_read(&r, path, &fault) ? json_pack("{s:s}", "problem", fault.text) : recipe_outline(&r);
    json_object_set_new(row, "name", json_string(name));
    json_object_set_new(row, "path", json_string(path));
    json_object_set_new(row, "shipped", json_boolean(!own));
    json_array_append_new(list, row);
    recipe_fini(&r);
    free(name);
}

static void add_folder(json_t *list, const char *dir, bool own)
{
    char **names = NULL;
    size_t n = 0, cap = 0;
    DIR *d = opendir(dir);
    for (struct dirent *entry; d && (entry = readdir(d));)
        if (entry->d_name[0] != '.' && text_ends(entry->d_name, ending)) {
            MEM_GROW(names, n, cap);
            names[n++] = mem_strdup(entry->d_name);
        }
    if (d)
        closedir(d);
    if (n)
        qsort(names, n, sizeof *names, by_name);
    for (size_t i = 0; i < n; i++) {
        char *path = path_join(dir, names[i]);
        add_recipe(list, path, own);
        free(path);
        free(names[i]);
    }
    free(names);
}

int engine_recipes(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    json_t *list = json_array();
    char *shared = path_share("recipes");
    if (*settings_text(s, "folder"))
        add_folder(list, settings_text(s, "folder"), true);
    if (shared)
        add_folder(list, shared, false);
    free(shared);
    return engine_print(list, e);
}
