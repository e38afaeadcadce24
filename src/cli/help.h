// Help texts and the man page, both from the table of commands and their option tables.
#pragma once

#include <stdio.h>

#include "cli/args.h"

// attune --help: the list of commands, the environment, the exit statuses.
void help_program(FILE *out, int width);
// attune COMMAND --help. `why` says why options that come from the engine are not in it (NULL: they are).
void help_command(FILE *out, const struct args *a, const struct err *why, int width);
// The part of attune.1 that follows from the tables: one section a command, the exit statuses.
void help_man(FILE *out);
