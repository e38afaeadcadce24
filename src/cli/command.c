// The commands by their names.
#include "config.h"

#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static const struct command *const none[] = {NULL};
const struct command *const *commands = none;

const struct command *command_find(const char *name)
{
    for (const struct command *const *c = commands; *c; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

const struct command *command_match(int argc, char **argv, int *n_words)
{
    char two[128];
    if (argc > 1 && snprintf(two, sizeof two, "%s %s", argv[0], argv[1]) < (int)sizeof two) {
        const struct command *c = command_find(two);
        if (c) {
            *n_words = 2;
            return c;
        }
    }
    *n_words = 1;
    return argc > 0 ? command_find(argv[0]) : NULL;
}
