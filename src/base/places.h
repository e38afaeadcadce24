// What a path means that somebody wrote: one rule for what is typed, which is meant from where the person stands, and for
// what stands in a file, which is meant from the file's folder.
#pragma once

#include <stdbool.h>

#include "base/param.h"

struct path_places {
    const char *folders[2]; // in their order; "." is where the program stands
    bool recipes;           // behind Attune's own files those beside its recipes, for a recipe that was copied
};
// Absolute, on the heap; NULL: neither the folders nor Attune's own files have it.
char *path_find(const struct path_places *p, const char *text);
// What a setting's text means where it names files: a path; the line for the shell of reward-command, which is run in the
// first of the folders that has a file which it names; the folders and programs in a list of rewards. Heap; NULL: it stands
// as it is.
char *path_of_setting(const struct path_places *p, const struct param *param, const char *text);
