// The list of runs as a person wants to see it: which of them, in which columns, in what order, in what groups. The page,
// and "attune runs", have theirs from here.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/filter.h"
#include "ui/runs/run_columns.h"
#include "ui/runs/run_list.h"

struct runs_look { // what was chosen: everything that is worth remembering from one time to the next
    char filter[FILTER_MAX_BYTES + 1];
    char columns[800]; // "state,beta,kl@trend": fields as ui/runs/run_fields.h has them; "": the usual ones, as many as fit
    char sort[96];     // a field; "": the newest first
    bool descending;
    char group[96];    // a field; "": no groups
    bool archived;     // the archive in place of the list
};
json_t *runs_look_to_json(const struct runs_look *look); // a new reference
void runs_look_from_json(struct runs_look *look,
                         const json_t *value); // what is not as it was written is left at its default

struct run_group {
    char name[96];
    int first, n; // of the rows
};
struct runs_table {
    struct runs_look look;
    struct filter *filter;
    struct run_columns columns;
    struct run_row **rows; // that pass, in order: pinned ones first
    int n, n_all;          // rows; runs of the list
    struct run_group *groups;
    int n_groups, cap_groups;
};
void runs_table_init(struct runs_table *t);
void runs_table_fini(struct runs_table *t);
// Takes a look over; on an error, which says what is wrong with it, the table is as before.
int runs_table_set(struct runs_table *t, const struct runs_look *look, struct err *e);
// Makes the rows those of the list, and has it read what they are shown, sorted and filtered by.
void runs_table_update(struct runs_table *t, struct run_list *l);
// The first name in the look that no run of the list has, with what is near it in *near ("; did you mean loss?"); NULL: all
// is well.
const char *runs_table_unknown(const struct runs_table *t, const struct run_list *l, struct str *near);
// Of the rows of a group that have a number: how many, their mean, and their standard deviation (n - 1; NaN for one).
int run_group_mean(const struct runs_table *t, const struct run_group *g, const char *field, double *mean, double *sd);
