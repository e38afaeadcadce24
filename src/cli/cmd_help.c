// attune help [COMMAND]; attune help --man prints the part of the man page that follows from the tables.
#include "config.h"

#include <stdio.h>

#include "cli/args.h"
#include "cli/help.h"
#include "cli/print.h"

static const struct param options[] = {
    {.name = "man", .type = PARAM_BOOL, .fallback = "no", .help = "Prints commands and options as a part of a man page."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_help = {
    .name = "help",
    .synopsis = "attune help [COMMAND]",
    .summary = "Explains Attune or one command.",
    .help = "The same as attune --help and attune COMMAND --help.",
    .options = options,
    .run = run,
};

static int help_for(int argc, char **argv, const struct args *a)
{
    struct err e = {0};
    struct args other;
    int n_words;
    const struct command *c = command_match(argc, argv, &n_words);
    if (!c) {
        err_set(&e, ERR_USAGE, "there is no command \"%s\"; attune --help lists them", argv[0]);
        return args_fail(a, &e);
    }
    int code = args_tables(&other, c, argc, argv, &e);
    help_command(stdout, &other, code ? &e : NULL, print_width(stdout));
    return 0;
}

static int run(int argc, char **argv)
{
    struct args a;
    int status = 0;
    if (!args_open(&a, &command_help, argc, argv, 0, 2, &status))
        return status;
    if (settings_bool(&a.settings, "man"))
        help_man(stdout);
    else if (a.n_words > 0)
        status = help_for(a.n_words, a.words, &a);
    else
        help_program(stdout, print_width(stdout));
    args_close(&a);
    return status;
}
