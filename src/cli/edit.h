// What the commands that change runs share: tag, note, rename, archive, pin, remove, undo.
#pragma once

#include "cli/look.h"
#include "store/run_edits.h"

// Gives the runs all the same value, as one act; prints "NAME: SAID" for each. said NULL: nothing is printed.
int edit_runs(struct store *s, char *const *names, int n, enum run_attribute what, const char *value, const char *said,
              struct err *e);
