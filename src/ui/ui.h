// The console: `attune` without a command.
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum { UI_COMPARE_MOST = 4 };
struct ui_compare { // texts as a person gives them, checked; NULL: not given
    const char *const *models; // RUN, RUN@STEP, RUN@best or a folder; ends with NULL
    const char *prompt, *prompts, *reward, *temperature, *top_p, *max_tokens, *seed;
    bool blind;
};
struct ui_options {
    const char *project; // NULL: found as store_project_dir does
    const char *script;  // commands separated by ';' or newlines: run without a terminal, then leave; NULL: the console
    const char *run;     // the run whose curves are shown first; NULL: the list
    const char *beside;  // another one, which lies over it there; may be NULL
    const struct ui_compare *compare; // opens with these side by side; NULL: does not
    int width, height;   // of the screen of a script; 0: 80 x 24
};
// Returns when the person quits or the script ends. Runs go on.
int ui_console(const struct ui_options *options, struct err *e);
