// attune stop RUN... [--wait]
#include "config.h"

#include "cli/control.h"
#include "cli/print.h"

static const struct param options[] = {
    {.name = "wait", .type = PARAM_BOOL, .fallback = "no",
     .help = "Returns when the checkpoint is written and the engine has left."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_stop = {
    .changes = true,
    .name = "stop",
    .synopsis = "attune stop RUN... [--wait]",
    .summary = "Stops runs with a checkpoint after the step they are in.",
    .help = "\"attune resume RUN\" continues with exactly the numbers that the run would have had.",
    .options = options,
    .run = run,
};

enum { PATIENCE_S = 600 };

static int wait_for_all(struct args *a)
{
    struct store *s = NULL;
    struct err e = {0};
    int status = 0;
    if (look_project(a, false, &s, &e))
        return args_fail(a, &e);
    for (int i = 0; i < a->n_words; i++) {
        struct look l = {0};
        if (look_open(&l, s, a->words[i], &e) || control_wait(&l, 0, true, PATIENCE_S, &e))
            status = args_fail(a, &e);
        else
            print_said("%s: %s at step %lld\n", l.info.name, run_state_name(l.status.state), (long long)l.status.step);
        look_close(&l);
    }
    store_close(s);
    return status;
}

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_stop, argc, argv, 1, -1, &status))
        return status;
    status = control_each(&a, CONTROL_STOP, "stops with a checkpoint after this step");
    if (!status && settings_bool(&a.settings, "wait"))
        status = wait_for_all(&a);
    args_close(&a);
    return status;
}
