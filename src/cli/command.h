// The table of subcommands: one file and one row each (commands.c). A command parses its arguments with
// cli/args.h, prints to stdout (with --json: one JSON value), errors to stderr, and returns an exit status.
#pragma once

#include <stdbool.h>

struct command {
    const char *name;
    const char *synopsis; // "attune runs [--json]"
    const char *summary;  // one line for the list
    const char *help;     // the rest of --help: what it does, examples
    int (*run)(int argc, char **argv);
};
extern const struct command *const commands[]; // NULL-terminated
const struct command *command_find(const char *name);
