// attune sweep: one training with several values of some settings, each combination a run.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/follow.h"
#include "cli/memory.h"
#include "cli/preset.h"
#include "cli/print.h"
#include "cli/start.h"

static const struct param options[] = {
    {.name = "objective", .type = PARAM_TEXT, .fallback = "", .help = "What to tune for; \"attune objectives\" lists them."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "",
     .help = "The sweep's name; else the objective's with a number, such as dpo-sweep-1."},
    {.name = "set", .type = PARAM_TEXT, .fallback = "",
     .help = "Values of a setting with commas between them: --set beta=0.1,0.3. May be repeated; every combination is a "
             "run. One value is another way to give an option. Texts cannot be listed."},
    PRESET_PARAM,
    {.name = "detach", .type = PARAM_BOOL, .fallback = "no", .help = "Returns as soon as the engine works."},
    {.name = "plan", .type = PARAM_BOOL, .fallback = "no", .help = "Lists the runs that it would make, and starts nothing."},
    {0},
};

static struct engine_description *description;
static const struct param *tables[4];

static int more_options(int argc, char **argv, const struct param *const **out, struct err *e)
{
    char *name = NULL;
    const struct engine_objective *o = NULL;
    int code = description ? 0 : engine_describe(&description, e);
    if (code)
        return code;
    code = preset_objective(argc, argv, &name, e);
    tables[0] = engine_sweep_params;
    tables[1] = description->params;
    tables[2] = NULL;
    if (!code && name) {
        code = start_find_objective(description, name, &o, e);
        tables[2] = code ? NULL : o->params;
    }
    free(name);
    *out = tables;
    return code;
}

static int run(int argc, char **argv);

const struct command command_sweep = {
    .changes = true,
    .name = "sweep",
    .synopsis = "attune sweep --objective NAME --model DIR --data FILE --set NAME=VALUE,VALUE... [OPTION]...",
    .summary = "Trains with several values of some settings, each combination as a run of its own.",
    .help = "All runs are on the list at once; at most so many work at a time (--at-most), the others wait. The sweep is a "
            "run of the list as well: stop, pause and resume it, and its runs follow; it survives the console, and killed "
            "at any moment it goes on with \"attune resume\". \"attune stop\" on one of its runs leaves that out, also "
            "while it waits. With --by the best run's checkpoint is the sweep's own, and with --stop-early runs are stopped "
            "that the others have beaten.\n\n"
            "  attune sweep --objective dpo --model ./SmolLM2-135M --data pairs.jsonl --set beta=0.05,0.1,0.3 --set "
            "lr=1e-6,5e-6 \\\n"
            "      --at-most 2 --by eval/rewards/accuracies --stop-early\n"
            "  attune sweep --preset base --set seed=1,2,3",
    .options = options,
    .json = true,
    .run = run,
    .more_options = more_options,
    .collects_set = true,
};

// What was given, without what is the command's own.
static json_t *given_settings(const struct args *a)
{
    json_t *all = settings_to_json(&a->settings, false);
    static const char *const own[] = {"objective", "name", "set", "preset", "detach", "plan", "json", "project", "help"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(all, own[i]);
    for (const struct param *p = engine_sweep_params; p->name; p++)
        json_object_del(all, p->name);
    return all;
}

// Lists go to `lists`, single values to `given`.
static int read_sets(const struct args *a, json_t *given, json_t *lists, struct err *e)
{
    int code = 0, n;
    for (int i = 0; i < a->n_sets && !code; i++) {
        const char *equals = strchr(a->sets[i], '=');
        if (!equals || equals == a->sets[i])
            return err_set(e, ERR_USAGE, "--set %s: this takes NAME=VALUE,VALUE, such as --set beta=0.1,0.3", a->sets[i]);
        char *name = mem_strndup(a->sets[i], (size_t)(equals - a->sets[i]));
        const struct param *p = settings_find(&a->settings, name);
        struct settings one;
        settings_init(&one, a->settings.tables);
        // which says what is near
        code = p ? engine_list_check(p, equals + 1, &n, e) : settings_set(&one, name, equals + 1, e);
        if (!code && n > 1)
            json_object_set_new(lists, name, json_string(equals + 1));
        else if (!code)
            json_object_set_new(given, name, json_string(equals + 1));
        settings_fini(&one);
        free(name);
    }
    return code;
}

// A preset that the form saved may hold lists; what the line varies is not fixed by the preset.
static void take_lists(const struct args *a, json_t *given, json_t *lists)
{
    const char *name;
    json_t *value;
    void *next;
    int n;
    json_object_foreach_safe(given, next, name, value) {
        const struct param *p = settings_find(&a->settings, name);
        if (!json_object_get(lists, name)) {
            if (!p || !json_is_string(value) || engine_list_check(p, json_string_value(value), &n, NULL) || n < 2)
                continue;
            json_object_set(lists, name, value);
        }
        json_object_del(given, name);
    }
}

static void print_plan(const json_t *plan)
{
    struct print_table t;
    const json_t *lists = json_object_get(plan, "lists");
    const char *name;
    json_t *part, *list;
    size_t i;
    char align[24] = "l";
    memset(align + 1, 'r', json_object_size(lists));
    align[1 + json_object_size(lists)] = '\0';
    print_table_init(&t, align);
    print_table_cell(&t, PRINT_BOLD, "RUN");
    json_object_foreach((json_t *)lists, name, list)
        print_table_cell(&t, PRINT_BOLD, "%s", name);
    json_array_foreach(json_object_get(plan, "parts"), i, part) {
        print_table_cell(&t, -1, "%s", json_string_value(json_object_get(part, "name")));
        json_object_foreach((json_t *)lists, name, list) {
            const json_t *value = json_object_get(json_object_get(part, "settings"), name);
            char *text = json_is_string(value) ? mem_strdup(json_string_value(value))
                                               : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
            print_table_cell(&t, -1, "%s", text);
            free(text);
        }
    }
    print_table_end(&t, stdout, print_width(stdout));
    const int64_t at_most = json_integer_value(json_object_get(plan, "at-most"));
    printf("\n%zu runs, at most %lld at once.\n", json_array_size(json_object_get(plan, "parts")), (long long)at_most);
}

static int follow(struct args *a, struct store *s, const char *name, struct err *e)
{
    struct look l = {0};
    int code = look_open(&l, s, name, e);
    if (!code && settings_bool(&a->settings, "detach")) {
        if (args_json(a))
            look_print_json(look_to_json(&l, NULL, NULL, 0));
        else
            print_said("%s: started (process %d). \"attune runs\" lists its runs, \"attune stop %s\" stops them all.\n",
                       name, l.status.pid, name);
    } else if (!code) {
        code = follow_to_end(&l, args_json(a), e);
    }
    look_close(&l);
    return code;
}

static int start(struct args *a, const struct engine_sweep *sweep, struct err *e)
{
    struct store *s = NULL;
    char *name = NULL;
    json_t *memory = NULL;
    int code = look_project(a, true, &s, e);
    if (!code)
        code = engine_sweep_start(s, description, sweep, &name, &memory, e);
    if (!code && !args_json(a))
        memory_print_line(memory);
    if (!code)
        code = follow(a, s, name, e);
    json_decref(memory);
    store_close(s);
    free(name);
    return code;
}

static int plan(struct args *a, const struct engine_sweep *sweep, struct err *e)
{
    json_t *found = NULL;
    int code = engine_sweep_plan(description, sweep, &found, e);
    if (!code && args_json(a))
        look_print_json(json_incref(found));
    else if (!code)
        print_plan(found);
    json_decref(found);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    char *objective = NULL;
    int status = 0;
    if (!args_open(&a, &command_sweep, argc, argv, 0, 0, &status))
        return status;
    const struct engine_objective *o = NULL;
    json_t *lists = json_object(), *given = given_settings(&a);
    int code = preset_objective(argc, argv, &objective, &e);
    if (!code)
        code = start_find_objective(description, objective, &o, &e);
    if (!code)
        code = read_sets(&a, given, lists, &e);
    if (!code)
        code = preset_add(&a, objective, given, &e);
    take_lists(&a, given, lists);
    const struct engine_sweep sweep = {.objective = objective, .name = args_text(&a, "name"), .settings = given,
                                       .lists = lists, .at_most = settings_int(&a.settings, "at-most"),
        .grace = settings_int(&a.settings, "grace"), .by = settings_text(&a.settings, "by"),
        .stop_early = settings_bool(&a.settings, "stop-early")};
    if (!code)
        code = settings_bool(&a.settings, "plan") ? plan(&a, &sweep, &e) : start(&a, &sweep, &e);
    if (code)
        status = args_fail(&a, &e);
    json_decref(lists);
    json_decref(given);
    free(objective);
    args_close(&a);
    return status;
}
