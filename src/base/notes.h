// What a person should know of the files that were read, although it stops nothing: collected where it is seen, shown
// by whoever asked for the files (an event of the run, a line on the terminal).
#pragma once

#include <stddef.h>

struct notes {
    char **texts;
    size_t n, cap;
};

// A whole sentence without a full stop. The same one twice is one. notes may be NULL: nobody asks.
void notes_add(struct notes *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void notes_append(struct notes *notes, const struct notes *more); // copies
void notes_fini(struct notes *notes);                             // zeroed is fine
