// attune remove RUN...: takes runs from the list; their files stay.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/look.h"

static const struct param options[] = {
    {.name = "restore", .type = PARAM_BOOL, .fallback = "no", .help = "Puts them back on the list."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_remove = {
    .name = "remove",
    .synopsis = "attune remove RUN... [--restore]",
    .summary = "Takes runs from the list; their files stay.",
    .help = "The folder runs/NAME with checkpoints and numbers is kept, and the name stays taken. To free the disk, "
            "delete that folder.",
    .options = options,
    .run = run,
};

static int remove_run(struct store *s, const char *name, bool restore, struct err *e)
{
    struct look l = {0};
    int code = look_open(&l, s, name, e);
    if (!code && !restore && run_state_is_live(l.status.state))
        code = err_set(e, ERR_STATE, "run %s is %s; \"attune stop %s\" first", name, run_state_name(l.status.state), name);
    if (!code)
        code = store_hide_run(s, name, !restore, e);
    if (!code && restore)
        printf("%s: is on the list again\n", l.info.name);
    else if (!code)
        printf("%s: is not on the list any more; its files are in %s\n", l.info.name, l.dir);
    look_close(&l);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    int status = 0;
    if (!args_open(&a, &command_remove, argc, argv, 1, -1, &status))
        return status;
    if (look_project(&a, false, &s, &e))
        status = args_fail(&a, &e);
    for (int i = 0; s && i < a.n_words; i++)
        if (remove_run(s, a.words[i], settings_bool(&a.settings, "restore"), &e))
            status = args_fail(&a, &e);
    store_close(s);
    args_close(&a);
    return status;
}
