// attune completion bash: a script for the shell, from the tables.
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/help.h"

static int run(int argc, char **argv);

const struct command command_completion = {
    .name = "completion",
    .synopsis = "attune completion bash",
    .summary = "Prints a completion script for the shell.",
    .help = "make install puts it in place. By hand:\n"
            "  attune completion bash > ~/.local/share/bash-completion/completions/attune",
    .run = run,
};

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_completion, argc, argv, 1, 1, &status))
        return status;
    if (strcmp(a.words[0], "bash") == 0) {
        help_bash(stdout);
    } else {
        struct err e = {0};
        err_set(&e, ERR_UNSUPPORTED, "there are completions for bash only, not for \"%s\"", a.words[0]);
        status = args_fail(&a, &e);
    }
    args_close(&a);
    return status;
}
