// attune preset: settings under a name, kept with the project.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/print.h"
#include "cli/start.h"

static int list(int argc, char **argv);
static int save(int argc, char **argv);
static int forget(int argc, char **argv);

const struct command command_preset_list = {
    .name = "preset list",
    .synopsis = "attune preset list [--json]",
    .summary = "Lists the presets: settings that new runs begin with.",
    .help = "\"attune train --preset NAME\" begins with one, and the console's form saves them with F2 and loads them with "
            "F3. They are files of the project, presets/NAME.json.",
    .json = true,
    .run = list,
};
const struct command command_preset_save = {
    .changes = true,
    .name = "preset save",
    .synopsis = "attune preset save NAME RUN",
    .summary = "Saves the settings of a run under a name.",
    .help = "What the run has from elsewhere than the defaults, its model and data among it. One of that name is "
            "written over.\n\n"
            "  attune preset save small-lr dpo-3\n"
            "  attune train --preset small-lr --beta 0.3",
    .run = save,
};
const struct command command_preset_remove = {
    .changes = true,
    .name = "preset remove",
    .synopsis = "attune preset remove NAME...",
    .summary = "Removes presets.",
    .help = "Runs that began with them keep their settings.",
    .run = forget,
};

static void print_one(struct print_table *t, const char *name, const char *objective, const json_t *settings)
{
    struct str text = {0};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)settings, key, value) {
        char *plain = json_is_string(value) ? mem_strdup(json_string_value(value))
                                            : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        str_addf(&text, "%s%s=%s", text.len ? " " : "", key, plain);
        free(plain);
    }
    print_table_cell(t, PRINT_BOLD, "%s", name);
    print_table_cell(t, -1, "%s", objective);
    print_table_cell(t, -1, "%s", str_text(&text));
    str_fini(&text);
}

static int list_all(const struct args *a, const char *dir, struct err *e)
{
    char **names;
    int n;
    json_t *all = json_object();
    struct print_table t;
    int code = engine_presets(dir, &names, &n, e);
    print_table_init(&t, isatty(1) ? "llL" : "lll");
    for (int i = 0; i < 3 && !code; i++)
        print_table_cell(&t, PRINT_DIM, "%s", (const char *const[]){"NAME", "OBJECTIVE", "SETTINGS"}[i]);
    for (int i = 0; i < n && !code; i++) {
        char *objective = NULL;
        json_t *settings = NULL;
        code = engine_preset_load(dir, names[i], &objective, &settings, e);
        if (code)
            break;
        print_one(&t, names[i], objective, settings);
        json_object_set_new(all, names[i], json_pack("{s:s, s:o}", "objective", objective, "settings", settings));
        free(objective);
    }
    print_table_end(&t, code || args_json(a) || n == 0 ? NULL : stdout, print_width(stdout));
    if (!code && args_json(a))
        look_print_json(json_incref(all));
    else if (!code && n == 0)
        printf("There are no presets yet: \"attune preset save NAME RUN\" makes one.\n");
    json_decref(all);
    engine_presets_free(names, n);
    return code;
}

static int list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_preset_list, argc, argv, 0, 0, &status))
        return status;
    char *dir = store_project_dir(args_project(&a));
    if (list_all(&a, dir, &e))
        status = args_fail(&a, &e);
    free(dir);
    args_close(&a);
    return status;
}

// What differs from the defaults.
static int settings_of(const struct run_info *r, json_t **out, struct err *e)
{
    struct engine_description *d = NULL;
    const struct engine_objective *o = NULL;
    int code = engine_describe(&d, e);
    if (!code)
        code = start_find_objective(d, r->objective, &o, e);
    if (!code) {
        const struct param *const tables[] = {d->params, o->params, NULL};
        const char *name;
        json_t *value;
        struct settings s;
        settings_init(&s, tables);
        json_t *defaults = settings_to_json(&s, true);
        *out = json_object();
        json_object_foreach(r->settings, name, value)
            if (settings_find(&s, name) && !json_equal(value, json_object_get(defaults, name)))
                json_object_set(*out, name, value);
        json_decref(defaults);
        settings_fini(&s);
    }
    engine_description_free(d);
    return code;
}

static int save(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    json_t *settings = NULL;
    int status = 0;
    if (!args_open(&a, &command_preset_save, argc, argv, 2, 2, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = look_open(&l, s, a.words[1], &e);
    if (!code)
        code = settings_of(&l.info, &settings, &e);
    if (!code)
        code = engine_preset_save(store_dir(s), a.words[0], l.info.objective, settings, &e);
    if (code)
        status = args_fail(&a, &e);
    else
        print_said("%s: saved; \"attune train --preset %s\" begins with it\n", a.words[0], a.words[0]);
    json_decref(settings);
    look_close(&l);
    store_close(s);
    args_close(&a);
    return status;
}

static int forget(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_preset_remove, argc, argv, 1, -1, &status))
        return status;
    char *dir = store_project_dir(args_project(&a));
    for (int i = 0; i < a.n_words; i++) {
        if (engine_preset_remove(dir, a.words[i], &e))
            status = args_fail(&a, &e);
        else
            print_said("%s: removed\n", a.words[i]);
    }
    free(dir);
    args_close(&a);
    return status;
}
