// What can be asked of a run by name: what filters, columns, sorting and groups of the list of runs mean by "beta" or
// "kl@max".
//     name objective state model data tag note alert age elapsed step steps progress left speed pinned letter waiting
//     any setting ("beta", "lora-rank"; cfg.lr says that the setting is meant)
//     any metric ("kl", "grad_norm"), its newest value, or with @ as ui/runs/run_wants.h has it: those that a list is to
//     answer for are to be wanted of it (run_fields_wanted)
#pragma once

#include <stdbool.h>

#include "base/filter.h"
#include "ui/runs/run_list.h"

// A filter_get of struct run_row. Texts live until the second question from now.
bool run_field(const void *row, const char *name, int i, struct filter_value *out);
// What a field is like in one line: its texts joined by blanks, or its number in at most `width` columns. "" where there is
// none.
const char *run_field_text(const struct run_row *r, const char *name, int width, char *out, size_t size);
double run_field_number(const struct run_row *r, const char *name); // NaN: it is none

bool run_field_is_own(const char *name);      // one of the first line above: every run has it
bool run_field_is_setting(const struct run_list *l, const char *name); // of some run
bool run_field_is_number(const struct run_list *l, const char *name); // every run that has it has a number
bool run_field_has_short_name(const char *key); // "rewards/margins" is "margin"
bool run_field_high_first(const char *name);  // what a person looks for stands on top when it is sorted so
extern const char *const run_own_fields[];    // ends with NULL
// The names among `names` that a list must be made to read: metrics beside the usual ones. Returns how many of them were put
// to out, at most max.
int run_fields_wanted(const struct run_list *l, const char *const *names, int n, const char **out, int max);
// ERR_USAGE where a name can be no field's.
int run_field_check(const char *name, struct err *e);
