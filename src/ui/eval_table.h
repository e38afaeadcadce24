// The evaluations of checkpoints as a table: which rows and columns there are, their order, and what is best among those
// that were measured alike. Knows nothing of drawing.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/eval_names.h"

enum { EVAL_RUN, EVAL_STEP, EVAL_SET, EVAL_MEASURES }; // columns; the measures from EVAL_MEASURES on

struct eval_row {
    const json_t *evaluation; // one of the list
    const char *run;
    int64_t step;
    int set;                  // 1 and up: those of a set answered the same prompts in the same way; 1 is the largest set
    int index;                // in the list
    bool is_first;            // stands before all others: its run is selected
    double key;
};
struct eval_table {
    json_t *list;             // as eval_file_list made it; shared
    struct eval_row *rows;
    int n, n_sets;
    struct eval_name *columns; // measures that some row has: first, by the table of names, those that at least half have
    int n_columns;             // of measures
    bool *best;                // (n by index, n_columns)
    char sort[48];             // "run", "step", "set" or a measure's name
    bool reversed;
};

typedef bool (*eval_is_first)(void *arg, const char *run);

void eval_table_fini(struct eval_table *t);
// Takes another list (a new reference is kept), in the order that was asked for last.
void eval_table_fill(struct eval_table *t, json_t *list, eval_is_first is_first, void *arg);
// Runs of is_first before the others; inside, "run": as listed; a measure: the best first, without a better the largest;
// what has no value is last either way.
void eval_table_sort(struct eval_table *t, eval_is_first is_first, void *arg);
const char *eval_table_column(const struct eval_table *t, int column);        // its name
int eval_table_find(const struct eval_table *t, const char *name_or_title);   // a column; -1: none
double eval_table_value(const struct eval_table *t, int row, int measure, const char *which);
bool eval_table_is_best(const struct eval_table *t, int row, int measure);    // of two at least
// The row of the same run, step and way of measuring; -1: none.
int eval_table_row_of(const struct eval_table *t, const json_t *evaluation);
