// The table of subcommands: one file and one row each (commands.c). A command parses its arguments with
// cli/args.h, prints to stdout (with --json: one JSON value), errors to stderr, and returns an exit status.
#pragma once

#include <stdbool.h>

#include "base/param.h"

struct command {
    const char *name;             // one word, or two ("data import"); the longest name that fits is taken
    const char *synopsis;         // "attune runs [--json]"
    const char *summary;          // one line for the list
    const char *help;             // the rest of --help: what it does, examples; lines that start with a blank are kept
    const struct param *options;  // its own options (args.h adds --project, --json, --help); NULL: none
    bool json;                    // it prints data: offers --json
    bool collects_set;            // --set KEY=VALUE is not another way to give an option: all of them are in args.sets
    bool own_set;                 // --set is an option like others, such as the name of a set of pairs
    bool changes;                 // the project, whatever its options are: refused where it is only to be read
    bool dash_words;              // words may begin with one dash: "-debug"
    int (*run)(int argc, char **argv); // argv[0] is the last word of the name
    // Options that are known only at run time (those of the engine), as for the words argv[1..]; NULL: none.
    // *tables is NULL-terminated and stays valid until the program ends.
    int (*more_options)(int argc, char **argv, const struct param *const **tables, struct err *e);
};
// NULL-terminated. The table names every command, and help and completion are commands that tell of all: they ask for
// `commands`, which main points to the table before it runs one.
extern const struct command *const command_table[];
extern const struct command *const *commands;
const struct command *command_find(const char *name);
// The command that argv[0..] names; *n_words is 1 or 2. NULL when there is none.
const struct command *command_match(int argc, char **argv, int *n_words);
