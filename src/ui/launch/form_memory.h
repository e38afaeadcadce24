// What the engine says of the run in the form: what it would take of memory, and what speaks against it.
#pragma once

#include "base/str.h"
#include "ui/term/canvas.h"
#include "ui/launch/form.h"

struct form_memory {
    struct str asked;      // the run as a command, when it was asked
    double bytes, available; // 0: not known
    bool on_gpu;             // whose memory it is
    struct str warning;      // what else is to be known of the run; empty: nothing
};
// Whether the run has changed since it was asked for last, from when on that counts as asked; *settings: what to ask
// engine_memory about, a new reference, NULL where there is no model yet.
bool form_memory_ask(struct form_memory *m, const struct form *f, json_t **settings);
void form_memory_take(struct form_memory *m, const json_t *plan); // the answer; NULL: it is not known
void form_memory_draw(const struct form_memory *m, struct canvas *c, struct rect line); // at the line's right end
void form_memory_fini(struct form_memory *m);
