// attune undo: takes back what was last changed about runs.
#include "config.h"

#include <stdio.h>

#include "cli/edit.h"
#include "cli/print.h"

static const struct param options[] = {
    {.name = "redo", .type = PARAM_BOOL, .fallback = "no", .help = "Does again what was taken back last."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_undo = {
    .changes = true,
    .name = "undo",
    .synopsis = "attune undo [--redo]",
    .summary = "Takes back the last change of runs: tags, notes, names, pins, archive, trash.",
    .help = "As often as there are changes, those of the console and of earlier days as well. What was emptied from the "
            "trash is "
            "gone. \"attune label undo\" is for judgements.",
    .options = options,
    .run = run,
};

static int undo(struct args *a, struct store *s, struct err *e)
{
    struct str said = {0};
    int code = settings_bool(&a->settings, "redo") ? store_redo(s, &said, e) : store_undo(s, &said, e);
    if (!code) {
        print_visible(stdout, str_text(&said), 0);
        putchar('\n');
    }
    str_fini(&said);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_undo, argc, argv, 0, 0, undo);
}
