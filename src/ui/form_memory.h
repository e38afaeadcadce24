// What the run in the form would take of memory, beside it.
#pragma once

#include "base/str.h"
#include "ui/canvas.h"
#include "ui/form.h"

struct form_memory {
    struct str asked;      // the run as a command, when it was asked
    double bytes, available; // 0: not known
};
// Asks the engine, where the run has changed since; true when the answer is another one.
bool form_memory_refresh(struct form_memory *m, const struct form *f);
void form_memory_draw(const struct form_memory *m, struct canvas *c, struct rect line); // at the line's right end
void form_memory_fini(struct form_memory *m);
