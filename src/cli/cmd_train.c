// attune train: adds a run, starts its engine and follows it. Options come from what the engine describes.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/follow.h"
#include "cli/memory.h"
#include "cli/piped.h"
#include "cli/preset.h"
#include "cli/start.h"
#include "cli/print.h"

static const struct param options[] = {
    {.name = "objective", .type = PARAM_TEXT, .fallback = "", .help = "What to tune for; \"attune objectives\" lists them."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .help = "The run's name; else the objective with a number."},
    {.name = "note", .type = PARAM_TEXT, .fallback = "", .help = "A remark that is shown with the run."},
    PRESET_PARAM,
    {.name = "detach", .type = PARAM_BOOL, .fallback = "no", .help = "Returns as soon as the engine works."},
    {.name = "plan", .type = PARAM_BOOL, .fallback = "no",
     .help = "Says what the run would take of memory, line by line, and starts nothing."},
    {.name = "set", .type = PARAM_TEXT, .fallback = "",
     .help = "Another way to give an option: --set lr=1e-5. May be repeated."},
    {0},
};

// One description for the whole program: option tables point into it.
static struct engine_description *description;
static struct param *renamed[ARGS_MAX_TABLES]; // see all_objectives
static const struct param *tables[ARGS_MAX_TABLES + 1];

// The man page and the completion know what every objective has, under its name; help for a person would be as long as
// a book, and points to "attune objectives".
static void all_objectives(int n)
{
    for (int i = 0; i < description->n_objectives && n < ARGS_MAX_TABLES - 4; i++) {
        const struct engine_objective *o = &description->objectives[i];
        int n_rows = 0;
        while (o->params[n_rows].name)
            n_rows++;
        if (n_rows == 0)
            continue;
        if (!renamed[i]) {
            struct str group = {0};
            str_addf(&group, "objective %s", o->name);
            char *title = str_take(&group);
            renamed[i] = mem_alloc((size_t)n_rows + 1, sizeof **renamed);
            memcpy(renamed[i], o->params, (size_t)n_rows * sizeof **renamed);
            for (int j = 0; j < n_rows; j++)
                renamed[i][j].group = title;
        }
        tables[n++] = renamed[i];
    }
    tables[n] = NULL;
}

static int more_options(int argc, char **argv, const struct param *const **out, struct err *e)
{
    char *name = NULL;
    int code = description ? 0 : engine_describe(&description, e);
    if (!code)
        code = preset_objective(argc, argv, &name, e);
    if (code)
        return code;
    tables[0] = description->params;
    tables[1] = NULL;
    if (name) {
        const struct engine_objective *o = NULL;
        code = start_find_objective(description, name, &o, e);
        free(name);
        if (code)
            return code;
        tables[1] = o->params;
        tables[2] = NULL;
    } else if (strcmp(argv[0], "help") == 0) {
        all_objectives(1);
    }
    *out = tables;
    return 0;
}

static int run(int argc, char **argv);

const struct command command_train = {
    .changes = true,
    .name = "train",
    .synopsis = "attune train --objective NAME --model DIR --data FILE [OPTION]...",
    .summary = "Tunes a model on data, and follows the run until it ends.",
    .help = "The run goes on by itself: Ctrl-C, a lost connection or the end of this command never stop it. The console "
            "and \"attune show\" look at it, \"attune pause\", \"set\" and \"stop\" steer it.\n\n"
            "  attune train --objective dpo --model ./SmolLM2-135M --data pairs.jsonl\n"
            "  attune train --objective dpo --model . --data p.jsonl.gz --lora-rank 16 --detach\n\n"
            "\"attune objectives\" lists the objectives; \"attune train --objective NAME --help\" has the parameters "
            "of one.",
    .options = options,
    .json = true,
    .run = run,
    .more_options = more_options,
};

static json_t *given_settings(const struct args *a)
{
    json_t *all = settings_to_json(&a->settings, false);
    static const char *const own[] = {"objective", "name", "note", "preset",  "detach",
                                      "plan",      "set",  "json", "project", "help"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(all, own[i]);
    return all;
}

// With what the preset has; the objective may be the preset's.
static int all_settings(const struct args *a, int argc, char **argv, const struct engine_objective **o, json_t **given,
                        struct err *e)
{
    char *objective = NULL;
    *given = given_settings(a);
    int code = preset_objective(argc, argv, &objective, e);
    if (!code)
        code = start_find_objective(description, objective, o, e);
    if (!code)
        code = preset_add(a, objective, *given, e);
    free(objective);
    return code;
}

// Without a run; data are not asked for.
static int show_plan(struct args *a, int argc, char **argv, struct err *e)
{
    const struct engine_objective *o = NULL;
    json_t *memory = NULL, *given = NULL;
    engine_resolve_paths(&a->settings);
    int code = all_settings(a, argc, argv, &o, &given, e);
    if (!code && !json_object_get(given, "model"))
        code = err_set(e, ERR_USAGE, "--plan needs --model, a folder or a config.json");
    if (!code)
        code = engine_memory(o->name, given, &memory, e);
    if (!code && args_json(a))
        look_print_json(json_incref(memory));
    else if (!code)
        memory_print(memory);
    json_decref(memory);
    json_decref(given);
    return code;
}

static int train(struct args *a, int argc, char **argv, struct store *s, struct err *e)
{
    char *name = NULL;
    struct look l = {0};
    bool json = args_json(a);
    char *kept = NULL;
    json_t *given = NULL;
    const struct engine_objective *o = NULL;
    int code = piped_open(a, false, e);
    if (!code)
        code = piped_keep(a, store_dir(s), &kept, e);
    if (!code)
        code = all_settings(a, argc, argv, &o, &given, e);
    json_t *memory = NULL;
    if (!code)
        code = start_run(s, description, o->name, args_text(a, "name"), args_text(a, "note"), given, &name, &memory, e);
    json_decref(given);
    if (name && !json)
        memory_print_line(memory);
    if (name && settings_bool(&a->settings, "detach")) // who follows it gets them from the run
        memory_print_warnings(memory);
    json_decref(memory);
    if (name)
        free(kept);
    else
        piped_forget(kept);
    if (!code)
        code = look_open(&l, s, name, e);
    if (!code && settings_bool(&a->settings, "detach")) {
        if (json)
            look_print_json(look_to_json(&l, NULL, NULL, 0));
        else
            print_said("%s: started (process %d). \"attune show %s\" looks at it, \"attune stop %s\" stops it.\n", name,
                   l.status.pid, name, name);
    } else if (!code) {
        code = follow_to_end(&l, json, e);
    }
    look_close(&l);
    free(name);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, &command_train, argc, argv, 0, 0, &status))
        return status;
    const bool plan = settings_bool(&a.settings, "plan");
    int code = plan ? show_plan(&a, argc, argv, &e) : look_project(&a, true, &s, &e);
    if (!code && !plan)
        code = train(&a, argc, argv, s, &e);
    if (code)
        status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
