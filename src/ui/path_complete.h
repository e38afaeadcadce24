// Tab on a path: what all files that begin with it have in common, or which there are.
#pragma once

#include "base/str.h"

enum path_completed {
    PATH_WHOLE,    // nothing to choose: the path is whole, or no file begins so
    PATH_LONGER,   // *longer is more of it, on the heap ("~" written out)
    PATH_CHOICES,  // it may go on with any of `choices`, "hf/  other.json"
};
enum path_completed path_complete(const char *typed, char **longer, struct str *choices);
