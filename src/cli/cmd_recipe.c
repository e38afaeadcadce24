// attune recipe: loops of several stages, kept as files. list and show read them; run starts one as an experiment.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/follow.h"
#include "cli/memory.h"
#include "cli/print.h"
#include "cli/start.h"

static const struct param run_options[] = {
    {.name = "set", .type = PARAM_TEXT, .fallback = "",
     .help = "Changes the recipe: --set policy.lr=1e-6, or --set inputs.NAME=VALUE. May be repeated."},
    {.name = "model", .type = PARAM_PATH, .fallback = "", .help = "What the recipe calls $model: a model folder."},
    {.name = "data", .type = PARAM_PATH, .fallback = "", .help = "What the recipe calls $data."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .help = "The experiment's name; else the recipe's with a number."},
    {.name = "plan", .type = PARAM_BOOL, .fallback = "no",
     .help = "Says what each stage would take, and starts nothing; model and data may be missing."},
    {.name = "detach", .type = PARAM_BOOL, .fallback = "no", .help = "Returns as soon as the engine works."},
    {0},
};

static int list(int argc, char **argv);
static int show(int argc, char **argv);
static int run(int argc, char **argv);

const struct command command_recipe_list = {
    .name = "recipe list",
    .synopsis = "attune recipe list [--json]",
    .summary = "Lists the recipes: experiments of several stages.",
    .help = "Attune's own, and the files *.conf in the folder recipes of the project.",
    .json = true,
    .run = list,
};
const struct command command_recipe_show = {
    .name = "recipe show",
    .synopsis = "attune recipe show NAME|FILE [--json]",
    .summary = "Shows a recipe's file and its stages.",
    .help = "To change one, copy its file into the folder recipes of the project; the first line of the answer says "
            "where it is. Paths in it, and programs such as reward-command = ./score.py, are meant from the folder that the "
            "file is in; with --set, from where you are. A program is run in that folder.",
    .json = true,
    .run = show,
};
const struct command command_recipe_run = {
    .changes = true,
    .name = "recipe run",
    .synopsis = "attune recipe run NAME|FILE [--model DIR] [--data FILE] [--set STAGE.KEY=VALUE]... [--plan]",
    .summary = "Runs a recipe's stages, one after the other, each as a run of its own.",
    .help = "The whole recipe is checked before anything starts. The experiment is a run of the list as well: stop, pause "
            "and resume it, and its stages follow. Killed at any moment, it goes on with \"attune resume NAME\" and ends "
            "with the same bits. Its folder's recipe.json says what each stage took in and gave out.\n\n"
            "  attune recipe run demo\n"
            "  attune recipe run sft-dpo --model ./SmolLM2-135M --data pairs.jsonl --set dpo.beta=0.3\n"
            "  attune recipe run pm-rlhf-opt-1.3b --plan",
    .options = run_options,
    .json = true,
    .collects_set = true,
    .run = run,
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

// ---- list and show ----

static void print_list(const json_t *recipes)
{
    const json_t *row;
    size_t i;
    int width = 8;
    json_array_foreach(recipes, i, row)
        width = (int)strlen(text_of(row, "name")) > width ? (int)strlen(text_of(row, "name")) : width;
    json_array_foreach(recipes, i, row) {
        const char *problem = text_of(row, "problem");
        printf("  %s%-*s%s  ", print_on(stdout, PRINT_BOLD), width, text_of(row, "name"), print_off(stdout));
        struct str title = {0};
        str_add_visible(&title, *problem ? problem : text_of(row, "title"),
                        strlen(*problem ? problem : text_of(row, "title")), false);
        print_wrapped(stdout, str_text(&title), width + 4, width + 4, print_width(stdout));
        str_fini(&title);
    }
    printf("\n\"attune recipe show NAME\" shows one, \"attune recipe run NAME\" starts it.\n");
}

static int list(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    json_t *recipes = NULL;
    int status = 0;
    if (!args_open(&a, &command_recipe_list, argc, argv, 0, 0, &status))
        return status;
    char *project = store_project_dir(args_project(&a));
    if (engine_recipes(project, &recipes, &e))
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(json_incref(recipes));
    else
        print_list(recipes);
    json_decref(recipes);
    free(project);
    args_close(&a);
    return status;
}

static void print_recipe(const json_t *recipe)
{
    const json_t *stages = json_object_get(recipe, "stages"), *stage;
    size_t i;
    struct str text = {0}, order = {0};
    json_array_foreach(stages, i, stage)
        str_addf(&order, "%s%s (%s)", i ? ", " : "", text_of(stage, "name"), text_of(stage, "objective"));
    str_add_visible(&text, text_of(recipe, "text"), strlen(text_of(recipe, "text")), true);
    printf("# %s\n# ", text_of(recipe, "path"));
    print_visible(stdout, str_text(&order), 0);
    printf("\n\n%s", str_text(&text));
    str_fini(&text);
    str_fini(&order);
}

static int show(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    json_t *recipe = NULL;
    char *path = NULL;
    int status = 0;
    if (!args_open(&a, &command_recipe_show, argc, argv, 1, 1, &status))
        return status;
    char *project = store_project_dir(args_project(&a));
    if (engine_recipe_find(project, a.words[0], &path, &e) || engine_recipe(path, NULL, RECIPE_OUTLINE, &recipe, &e))
        status = args_fail(&a, &e);
    else if (args_json(&a))
        look_print_json(json_incref(recipe));
    else
        print_recipe(recipe);
    json_decref(recipe);
    free(path);
    free(project);
    args_close(&a);
    return status;
}

// ---- run ----

static json_t *changes_of(const struct args *a)
{
    static const char *const inputs[] = {"model", "data"};
    json_t *changes = json_array();
    for (int i = 0; i < 2; i++)
        if (args_text(a, inputs[i]))
            json_array_append_new(changes, engine_recipe_input(inputs[i], args_text(a, inputs[i])));
    for (int i = 0; i < a->n_sets; i++) {
        const char *equals = strchr(a->sets[i], '=');
        if (text_starts(a->sets[i], "inputs.") && equals) {
            char *name = mem_strndup(a->sets[i] + 7, (size_t)(equals - a->sets[i]) - 7);
            json_array_append_new(changes, engine_recipe_input(name, equals + 1));
            free(name);
        } else {
            json_array_append_new(changes, json_string(a->sets[i]));
        }
    }
    return changes;
}

static void print_steps(struct print_table *t, const json_t *stage)
{
    const json_t *steps = json_object_get(stage, "steps");
    if (json_is_integer(steps))
        print_table_cell(t, -1, "%lld", (long long)json_integer_value(steps));
    else
        print_table_cell(t, -1, "%g epochs", json_number_value(json_object_get(stage, "epochs")));
}

static void print_plan(const json_t *plan)
{
    struct print_table t;
    char text[32];
    const json_t *stage;
    size_t i;
    bool bound = false, unknown = false;
    print_table_init(&t, "llrrrl");
    const char *const heads[] = {"STAGE", "OBJECTIVE", "STEPS", "MEMORY", "TIME", "STARTS FROM"};
    for (i = 0; i < sizeof heads / sizeof *heads; i++)
        print_table_cell(&t, PRINT_BOLD, "%s", heads[i]);
    json_array_foreach(json_object_get(plan, "stages"), i, stage) {
        const json_t *memory = json_object_get(stage, "memory"), *seconds = json_object_get(stage, "seconds");
        const char *model = text_of(json_object_get(stage, "settings"), "model");
        print_table_cell(&t, -1, "%s", text_of(stage, "name"));
        print_table_cell(&t, -1, "%s", text_of(stage, "objective"));
        print_steps(&t, stage);
        print_table_cell(&t, -1, "%s",
                         json_is_object(memory)
                             ? human_bytes(text, sizeof text, json_number_value(json_object_get(memory, "bytes")))
                             : "-");
        print_table_cell(&t, -1, "%s%s",
                         json_is_number(seconds) && json_is_true(json_object_get(stage, "at_most")) ? "< " : "",
                         json_is_number(seconds) ? human_seconds(text, sizeof text, json_number_value(seconds)) : "-");
        print_table_cell(&t, -1, "%s", *model ? model : "$model");
        bound |= json_is_true(json_object_get(stage, "at_most"));
        unknown |= !json_is_number(seconds);
    }
    print_table_end(&t, stdout, print_width(stdout));
    json_array_foreach(json_object_get(plan, "stages"), i, stage) {
        const json_t *warnings = json_object_get(json_object_get(stage, "memory"), "warnings"), *text_of_one;
        size_t k;
        json_array_foreach(warnings, k, text_of_one)
            printf("\nwarning: stage %s: %s", text_of(stage, "name"), json_string_value(text_of_one));
    }
    printf("\nTimes are guesses from what a matrix product reaches on this machine now%s.\n",
           unknown ? "; without the data they are not known" : bound ? "; < stands where answers may be shorter" : "");
}

static int plan(struct args *a, const char *path, const json_t *changes, struct err *e)
{
    json_t *answer = NULL;
    int code = engine_recipe(path, changes, RECIPE_PLAN, &answer, e);
    if (!code && args_json(a))
        look_print_json(json_incref(answer));
    else if (!code)
        print_plan(answer);
    json_decref(answer);
    return code;
}

static int start(struct args *a, const char *path, const json_t *changes, struct err *e)
{
    struct store *s = NULL;
    struct look l = {0};
    char *name = NULL;
    int code = look_project(a, true, &s, e);
    if (!code)
        code = engine_recipe_start(s, path, changes, args_text(a, "name"), &name, e);
    if (!code)
        code = look_open(&l, s, name, e);
    if (!code && settings_bool(&a->settings, "detach")) {
        if (args_json(a))
            look_print_json(look_to_json(&l, NULL, NULL, 0));
        else
            print_said("%s: started (process %d). \"attune show %s\" looks at it, \"attune stop %s\" stops it.\n", name,
                       l.status.pid, name, name);
    } else if (!code) {
        code = follow_to_end(&l, args_json(a), e);
    }
    look_close(&l);
    store_close(s);
    free(name);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    char *path = NULL;
    int status = 0;
    if (!args_open(&a, &command_recipe_run, argc, argv, 1, 1, &status))
        return status;
    char *project = store_project_dir(args_project(&a));
    json_t *changes = changes_of(&a);
    int code = engine_recipe_find(project, a.words[0], &path, &e);
    if (!code)
        code = settings_bool(&a.settings, "plan") ? plan(&a, path, changes, &e) : start(&a, path, changes, &e);
    if (code)
        status = args_fail(&a, &e);
    json_decref(changes);
    free(path);
    free(project);
    args_close(&a);
    return status;
}
