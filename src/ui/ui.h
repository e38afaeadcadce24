// The console: `attune` without a command.
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct ui_options {
    const char *project; // NULL: found as store_project_dir does
    const char *script;  // commands separated by ';' or newlines: run without a terminal, then leave; NULL: the console
    const char *run;     // the run whose curves are shown first; NULL: the list
    const char *beside;  // another one, which lies over it there; may be NULL
    bool fresh;          // as on the first day: what the console keeps of a project is neither read nor written
    bool slow;           // for a link of few bytes: ASCII, no sparklines, one frame a second for data
    int width, height;   // of the screen of a script; 0: 80 x 24
};
// Returns when the person quits or the script ends. Runs go on.
int ui_console(const struct ui_options *options, struct err *e);
