// attune set RUN NAME=VALUE...: changes a setting of a run while it runs.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/control.h"
#include "cli/foreign.h"
#include "cli/print.h"
#include "launch/engine.h"

static const struct param options[] = {
    {.name = "wait", .type = PARAM_BOOL, .fallback = "no", .help = "Returns when the engine has applied the changes."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_set = {
    .changes = true,
    .name = "set",
    .synopsis = "attune set RUN NAME=VALUE... [--wait]",
    .summary = "Changes settings of a run while it runs; curves show where.",
    .help = "Which settings can be changed says \"attune train --objective NAME --help\".\n\n"
            "  attune set dpo-1 lr=5e-6 beta=0.2",
    .options = options,
    .run = run,
};

// Checks "NAME=VALUE" and cuts it in two: *name is on the heap, *value points into the pair.
static int check_pair(struct settings *known, const char *pair, char **name, const char **value, struct err *e)
{
    const char *equals = strchr(pair, '=');
    if (!equals || equals == pair)
        return err_set(e, ERR_USAGE, "\"%s\" is no NAME=VALUE, such as lr=5e-6", pair);
    *name = mem_strndup(pair, (size_t)(equals - pair));
    *value = equals + 1;
    int code = foreign_set(known, *name, *value, e);
    if (!code && !settings_find(known, *name)->live)
        code = err_set(e, ERR_USAGE, "%s cannot be changed while a run runs; it is fixed at the start", *name);
    if (code) {
        free(*name);
        *name = NULL;
    }
    return code;
}

static int change(struct args *a, struct store *s, struct look *l, struct err *e)
{
    struct engine_description *d = NULL;
    int64_t id = 0;
    int code = engine_describe(&d, e);
    if (code)
        return code;
    const struct engine_objective *o = engine_find_objective(d, l->info.objective);
    const struct param *const tables[] = {d->params, o ? o->params : NULL, NULL};
    struct settings known;
    settings_init(&known, tables);
    for (int posting = 0; !code && posting < 2; posting++) // all are checked before the first is sent
        for (int i = 1; !code && i < a->n_words; i++) {
            char *name = NULL;
            const char *value = "";
            code = check_pair(&known, a->words[i], &name, &value, e);
            if (!code && posting) {
                code = control_post(s, l, CONTROL_SET, name, value, &id, e);
                if (!code)
                    print_said("%s: %s becomes %s after this step\n", l->info.name, name, value);
            }
            free(name);
        }
    if (!code && settings_bool(&a->settings, "wait"))
        code = control_wait(l, id, false, 60, e);
    settings_fini(&known);
    engine_description_free(d);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    int status = 0;
    if (!args_open(&a, &command_set, argc, argv, 2, -1, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = look_open(&l, s, a.words[0], &e);
    if (!code)
        code = change(&a, s, &l, &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l);
    store_close(s);
    args_close(&a);
    return status;
}
