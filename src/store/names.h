// Names of runs: they are also names of folders.
#pragma once

#include "base/err.h"

enum { RUN_NAME_MAX = 64 };
// Letters, digits, "-", "_" and ".", starting with a letter or digit, at most RUN_NAME_MAX bytes.
int run_name_check(const char *name, struct err *e);
