// attune fork RUN: a new run that goes on from one of its checkpoints with other settings.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/follow.h"
#include "launch/engine.h"

static const struct param options[] = {
    {.name = "at", .type = PARAM_INT, .fallback = "", .min = 0, .max = 1e15, .unit = "steps",
     .help = "The newest checkpoint at or before this step; without it the newest of all."},
    {.name = "name", .type = PARAM_TEXT, .fallback = "", .help = "The new run's name; else RUN-fork-1 and so on."},
    {.name = "objective", .type = PARAM_TEXT, .fallback = "", .help = "Another objective to go on with."},
    {.name = "note", .type = PARAM_TEXT, .fallback = "", .help = "A remark that is shown with the run."},
    {.name = "detach", .type = PARAM_BOOL, .fallback = "no", .help = "Returns as soon as the engine works."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_fork = {
    .changes = true,
    .name = "fork",
    .synopsis = "attune fork RUN [NAME=VALUE]... [--at STEP] [--objective NAME]",
    .summary = "Starts a run that goes on from a checkpoint of another, with other settings.",
    .help =
        "Weights, the optimizer's moments and the place in the data are those of the checkpoint, the reference is that of "
        "RUN, and "
        "steps count on; the settings are those that were in force there, but for what you change. With another objective "
        "or "
        "other data, what belongs to the old ones begins anew. Charts draw both branches, with a mark where they part.\n\n"
        "  attune fork dpo-1 --at 300 lr=1e-5\n  attune fork dpo-1 --at 300 --objective ipo --name ipo-from-300 beta=0.5",
    .options = options,
    .json = true,
    .run = run,
};

// NAME=VALUE words as an object; the values are checked when they meet the tables.
static int read_change(const char *word, json_t *changes, struct err *e)
{
    const char *equals = strchr(word, '=');
    int code = 0;
    if (!equals || equals == word)
        return err_set(e, ERR_USAGE, "\"%.80s\" is no NAME=VALUE, such as lr=5e-6", word);
    char *name = mem_strndup(word, (size_t)(equals - word));
    if (strcmp(name, "objective") == 0)
        code = err_set(e, ERR_USAGE, "another objective is given with --objective %.60s", equals + 1);
    else if (json_object_get(changes, name))
        code = err_set(e, ERR_USAGE, "%.60s is given twice", name);
    else if (json_object_set_new(changes, name, json_string(equals + 1)))
        code = err_set(e, ERR_USAGE, "the value of %.60s is no text", name);
    free(name);
    return code;
}

static int fork_run(struct args *a, struct store *s, struct err *e)
{
    json_t *changes = json_object();
    char *name = NULL;
    int64_t step;
    struct look l = {0};
    const bool json = args_json(a), detach = settings_bool(&a->settings, "detach");
    const bool has_at = settings_given(&a->settings, "at");
    int code = 0;
    for (int i = 1; i < a->n_words && !code; i++)
        code = read_change(a->words[i], changes, e);
    const struct fork_request q = {.run = a->words[0], .at = has_at ? settings_int(&a->settings, "at") : -1,
                                   .name = args_text(a, "name"), .objective = args_text(a, "objective"), .changes = changes};
    if (!code)
        code = engine_fork(s, &q, &name, &step, e);
    if (!code && args_text(a, "note"))
        code = store_set_note(s, name, args_text(a, "note"), e);
    if (!code)
        code = engine_start(s, name, e);
    if (!code)
        code = look_open(&l, s, name, e);
    if (!code)
        fprintf(json ? stderr : stdout, "%s: goes on from step %lld of %s (process %d)\n", name, (long long)step, q.run,
                l.status.pid);
    if (!code && !detach)
        code = follow_to_end(&l, json, e);
    else if (!code && json)
        look_print_json(look_to_json(&l, NULL, NULL, 0));
    look_close(&l);
    json_decref(changes);
    free(name);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_fork, argc, argv, 1, -1, fork_run);
}
