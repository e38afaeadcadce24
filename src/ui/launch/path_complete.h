// Tab on a path: what all files that begin with it have in common, or which there are.
#pragma once

#include "base/str.h"
#include "ui/term/words.h"

enum path_completed {
    PATH_WHOLE,    // nothing to choose: the path is whole, or no file begins so
    PATH_LONGER,   // *longer is more of it, on the heap ("~" written out)
    PATH_CHOICES,  // it may go on as any of `choices`, whole paths, folders with a slash at the end; take them with
                   // words_fini
};
enum path_completed path_complete(const char *typed, char **longer, struct words *choices);
void path_choices_text(const struct words *paths, struct str *out); // the names alone, as many as a few lines hold
