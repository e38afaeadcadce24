// How the person wants the program to behave wherever it is, said once on the command line. It stands in the
// environment, so that programs which are started from here have it as well.
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum manner {
    MANNER_READ_ONLY, // nothing in the project is changed
    MANNER_QUIET,     // only what was asked for and errors
    MANNER_NO_INPUT,  // nobody is asked
    MANNER_PLAIN,     // tables for programs: a record a line, tabs between its fields
    MANNER_N,
};
bool manner_is(enum manner m);
void manner_set(enum manner m);
// ERR_STATE with a sentence where nothing is to be changed: what the person wanted, such as "attune tag".
int manner_may_change(const char *what, struct err *e);
