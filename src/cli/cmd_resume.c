// attune resume RUN: goes on after a pause, or starts the engine again from the newest checkpoint.
#include "config.h"

#include "cli/control.h"
#include "cli/follow.h"
#include "launch/engine.h"

static const struct param options[] = {
    {.name = "detach", .type = PARAM_BOOL, .fallback = "no",
     .help = "Returns as soon as the engine works, as it does without --follow."},
    {.name = "follow", .type = PARAM_BOOL, .fallback = "no", .help = "Shows the progress until the run ends."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_resume = {
    .changes = true,
    .name = "resume",
    .synopsis = "attune resume RUN [--follow | --detach]",
    .summary = "Continues a paused, stopped, failed or dead run.",
    .help = "A run that is not in memory goes on from its newest checkpoint, with exactly the numbers that it would "
            "have had without the break.",
    .options = options,
    .json = true,
    .run = run,
};

static int resume(struct args *a, struct store *s, struct look *l, struct err *e)
{
    int64_t id;
    bool json = args_json(a);
    FILE *out = json ? stderr : stdout;
    int code;
    if (settings_bool(&a->settings, "follow") && settings_bool(&a->settings, "detach"))
        return err_set(e, ERR_USAGE, "--follow waits for the run's end, --detach does not: give one of them");
    if (l->status.state == RUN_PAUSED) {
        code = control_post(s, l, CONTROL_RESUME, NULL, NULL, &id, e);
        if (!code)
            fprintf(out, "%s: goes on\n", l->info.name);
    } else {
        code = engine_start(s, l->info.name, e);
        if (!code)
            code = look_refresh(l, e);
        if (!code)
            fprintf(out, "%s: continues (process %d)\n", l->info.name, l->status.pid);
    }
    if (!code && settings_bool(&a->settings, "follow"))
        return follow_to_end(l, json, e);
    if (!code && json)
        look_print_json(look_to_json(l, NULL, NULL, 0));
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct look l = {0};
    int status = 0;
    if (!args_open(&a, &command_resume, argc, argv, 1, 1, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (!code)
        code = look_open(&l, s, a.words[0], &e);
    if (!code)
        code = resume(&a, s, &l, &e);
    if (code)
        status = args_fail(&a, &e);
    look_close(&l);
    store_close(s);
    args_close(&a);
    return status;
}
