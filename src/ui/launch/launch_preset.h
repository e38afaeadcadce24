// The form for a new run and what is kept beside it: presets, runs to begin with, what differs from one.
#pragma once

#include "ui/launch/form.h"

// Fills the form with a preset of the project.
int form_load_preset(struct form *f, const char *project_dir, const char *name, struct err *e);
// Saves what was given, lists of a sweep included, under a name.
int form_save_preset(const struct form *f, const char *project_dir, const char *name, struct err *e);
// Fills it with a sweep's settings and lists, as its plan has them.
void form_copy_sweep(struct form *f, const json_t *plan);
// "beta 0.1 -> 0.3, lr 1e-6 -> 5e-6": what is another than in `before` (texts by name, as form_texts made them). How many.
int form_differences(const struct form *f, const json_t *before, struct str *out);
// Whether this field is one of them.
bool form_differs(const struct form *f, const json_t *before, int field);
json_t *form_texts(const struct form *f); // {"objective": "dpo", "beta": "0.1", ...}, a new reference
