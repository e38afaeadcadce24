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
    bool is_first;
    double key;
};
struct eval_table {
    json_t *list;              // as eval_file_list made it
    struct eval_row *rows;
    int n, n_sets;
    struct eval_name *columns; // measures that some row has: first, by the table of names, those that at least half have
    int n_columns;             // of measures
    bool *best;                // (n by index, n_columns)
    bool is_sorted;            // false: the rows stand as they are listed
};

struct eval_order {
    char by[48];                                    // "run", "step", "set" or a measure's name
    bool reversed;
    bool (*is_first)(void *arg, const char *run);   // such runs stand before the others; NULL: none does
    void *arg;
};

// Takes the list. With thousands of evaluations this takes a second: it is for threads that nobody waits for.
struct eval_table *eval_table_new(json_t *list);
void eval_table_free(struct eval_table *t); // NULL is fine
// By "run": as listed; by a measure: the best first, without a better the largest; what has no value is last either way.
void eval_table_sort(struct eval_table *t, const struct eval_order *order);
const char *eval_table_column(const struct eval_table *t, int column);        // its name
int eval_table_find(const struct eval_table *t, const char *name_or_title);   // a column; -1: none
double eval_table_value(const struct eval_table *t, int row, int measure, const char *which);
bool eval_table_is_best(const struct eval_table *t, int row, int measure);    // of two at least
// The row of the same run, step and way of measuring; -1: none.
int eval_table_row_of(const struct eval_table *t, const json_t *evaluation);
