// attune rename RUN NAME
#include "config.h"

#include "cli/edit.h"

static int run(int argc, char **argv);

const struct command command_rename = {
    .changes = true,
    .name = "rename",
    .synopsis = "attune rename RUN NAME",
    .summary = "Gives a run another name, with its folder.",
    .help = "Runs that were made from its checkpoints follow. Where there are such runs the folder's old name stays as a "
            "link, for "
            "files of theirs name it. A run that is being trained keeps its name, and so do experiments of several stages "
            "and their "
            "parts. \"attune undo\" takes the change back.",
    .run = run,
};

static int rename_run(struct args *a, struct store *s, struct err *e)
{
    struct str said = {0};
    str_addf(&said, "is named %s now", a->words[1]);
    int code = edit_runs(s, a->words, 1, ATTRIBUTE_NAME, a->words[1], str_text(&said), e);
    str_fini(&said);
    return code;
}

static int run(int argc, char **argv)
{
    return look_command(&command_rename, argc, argv, 2, 2, rename_run);
}
