// The page of evaluations: what it stands on, and in words (evals_tell.c); the page itself is view_evals.c.
#pragma once

#include "base/str.h"
#include "ui/runs/eval_table.h"

struct evals_state {
    struct eval_table *table, none; // none: while they are not read
    bool is_read, was_read; // was_read: when refreshed last
    struct eval_order order;
    json_t *at;             // the evaluation under the cursor; NULL: the first one
    char chosen[48];        // column
    int top, visible, left; // first line and first measure that are shown; lines that were shown
    enum { WHERE_WIDE, ALWAYS, NEVER } intervals; // beside the values
    bool shown_intervals;
    double asked_s;
    const char *trouble;
};

int evals_cursor(const struct evals_state *s); // a row; 0 also where there is none
// The first measure, when the one that was chosen is not there any more.
int evals_chosen(const struct evals_state *s);

// What the chosen column means, and its value in that row.
void evals_describe_measure(const struct evals_state *s, int row, struct str *out);
// How that one was measured; project: its folder.
void evals_describe_how(const char *project, const struct eval_row *one, struct str *out);
bool evals_tell(const struct evals_state *s, const char *project, bool all, struct str *out); // tell of view.h
