// The form of a new run: one field a parameter of the engine's tables, checked while typing. Knows nothing of drawing.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/param.h"
#include "base/str.h"
#include "launch/engine.h"

struct form_field {
    const struct param *param;
    const char *group; // heading
    char *text;
    int n_values;      // 1; of a list "0.1,0.3", which makes a sweep, as many as it has
    bool given;        // by the person; else the default, however it is written
    bool is_own;       // no setting of a run: objective, name, and how a sweep is to go
    char fault[300];   // why the text cannot be taken; "" when it can
};
struct form {
    const struct engine_description *engine; // borrowed
    struct param choice_rows[3];             // objective, name: rows that are the form's own
    const char **objective_names;
    struct form_field *fields;
    int n;
};
enum { FORM_OBJECTIVE, FORM_NAME }; // the first two fields

void form_init(struct form *f, const struct engine_description *engine);
void form_fini(struct form *f);
const struct engine_objective *form_objective(const struct form *f);
int form_find(const struct form *f, const char *name); // -1: none
// The next field after `after` (round the end) whose name begins with what was typed, holds it, or whose help does; in
// this order. -1: none.
int form_search(const struct form *f, const char *typed, int after);
// Sets and checks a field; a new objective brings its own fields and keeps what others have in common.
void form_set(struct form *f, int field, const char *text);
void form_reset(struct form *f, int field);
// The next (step 1) or previous choice of a choice or yes/no field; false for other fields.
bool form_step(struct form *f, int field, int step);
// Takes over the settings of a run that is there (model and data: NULL or "" when the settings say). Settings that
// this engine does not know are left out.
void form_copy(struct form *f, const char *objective, const char *model, const char *data, const json_t *settings);
// Values are listed: what is launched is a sweep of form_n_runs runs.
bool form_is_sweep(const struct form *f);
int form_n_runs(const struct form *f);
bool form_is_of_sweep(const struct form_field *f); // a row that says how a sweep is to go
// The lists as {"beta": "0.1,0.3"}, a new reference; form_settings leaves them out.
json_t *form_lists(const struct form *f);
// Those of a sweep's first run: each list's first value. All of them.
json_t *form_first_settings(const struct form *f);
// A row of the sweep's as text.
const char *form_text(const struct form *f, const char *name);
// The first field that cannot be taken, or that must be given and is not: -1 when there is none.
int form_first_fault(struct form *f);
// "attune train --objective dpo --model DIR ...": what was given, quoted for a shell.
void form_command_line(const struct form *f, struct str *out);
// All settings as one object, a new reference; only of a form without faults. given: those alone that are not the defaults.
json_t *form_settings(const struct form *f, bool given);
