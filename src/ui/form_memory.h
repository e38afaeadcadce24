// What the engine says of the run in the form: what it would take of memory, and what speaks against it.
#pragma once

#include "base/str.h"
#include "ui/canvas.h"
#include "ui/form.h"

struct form_memory {
    struct str asked;      // the run as a command, when it was asked
    double bytes, available; // 0: not known
    struct str warning;      // what else is to be known of the run; empty: nothing
};
// Asks the engine, where the run has changed since; true when the answer is another one.
bool form_memory_refresh(struct form_memory *m, const struct form *f);
void form_memory_draw(const struct form_memory *m, struct canvas *c, struct rect line); // at the line's right end
void form_memory_fini(struct form_memory *m);
