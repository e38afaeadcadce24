// Settings that a preset gives to a command that starts runs: those of the command line come before them.
#pragma once

#include <jansson.h>

#include "cli/args.h"

#define PRESET_PARAM                                                                                                    \
    {.name = "preset", .type = PARAM_TEXT, .fallback = "",                                                              \
     .help = "Begins with the settings that were saved under this name; \"attune preset list\" lists them."}

// The objective of the line before its tables are known: --objective, or that of the preset; *name on the heap, NULL:
// neither.
int preset_objective(int argc, char **argv, char **name, struct err *e);
// Adds what the preset has and `given` has not. ERR_USAGE where it is of another objective.
int preset_add(const struct args *a, const char *objective, json_t *given, struct err *e);
