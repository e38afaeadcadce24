// The arguments of a command: GNU-style options from tables of `struct param`, and the words between them.
//   --name value, --name=value, --flag, --no-flag, --set name=value (where the command has an option `set`), --
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/param.h"
#include "cli/command.h"

enum { ARGS_MAX_TABLES = 100 };
struct args {
    const struct command *command;
    const struct param *tables[ARGS_MAX_TABLES + 1]; // settings point here: a struct args must not move
    struct settings settings;
    char **words; // what is no option, borrowed from argv
    int n_words;
    const char **sets; // of a command that collects them; borrowed from argv
    int n_sets;
};

// What a command calls first. On --help, and on a wrong command line, all has been said: returns false, and
// *status is what the command returns. min_words and max_words bound the words (max_words -1: any number).
bool args_open(struct args *a, const struct command *c, int argc, char **argv, int min_words, int max_words,
               int *status);
void args_close(struct args *a);

// The same without printing, for tests and for args_open. *help is set when --help was among them.
int args_parse(struct args *a, int argc, char **argv, bool *help, struct err *e);
// Fills a->tables with the command's own options, those of more_options, and the common ones.
int args_tables(struct args *a, const struct command *c, int argc, char **argv, struct err *e);

extern const struct param *const args_common[]; // the tables of --json, --project and --help

bool args_json(const struct args *a);
const char *args_project(const struct args *a); // NULL when not given
const char *args_text(const struct args *a, const char *name); // NULL when unset

// The value of --NAME before the tables are known; NULL when it is not there.
const char *args_peek(int argc, char **argv, const char *name);

// Ends a command: prints the error as "attune COMMAND: text" and returns the exit status for it.
int args_fail(const struct args *a, const struct err *e);
