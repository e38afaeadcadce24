// The columns of the list of runs: the usual ones, of which as many are shown as fit, the more important ones first, or
// those that a person chose.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "ui/term/canvas.h"
#include "ui/runs/run_list.h"

enum run_cell {
    CELL_MARK,
    CELL_NAME,
    CELL_STATE,
    CELL_OBJECTIVE,
    CELL_STEP,
    CELL_BAR,
    CELL_LOSS,
    CELL_NUMBER,
    CELL_TREND,
    CELL_ALERT,
    CELL_SPEED,
    CELL_LEFT,
    CELL_AGE,
    CELL_TAGS,
    CELL_FIELD
};
struct run_column {
    char field[96];  // of ui/runs/run_fields.h; "": it cannot be sorted by
    char title[24];
    enum run_cell cell;
    int width, rank; // rank: 1 is left out last
    bool right;      // numbers end where their title ends
};
enum { RUN_COLUMNS_MAX = 24 };
struct run_columns {
    struct run_column list[RUN_COLUMNS_MAX];
    int n;
    bool chosen; // by a person
};
void run_columns_usual(struct run_columns *c);
// "state,beta,kl@trend"; mark and name stand before them in any case. ERR_USAGE for a name that can be none, and for too
// many.
int run_columns_parse(struct run_columns *c, const char *text, struct err *e);

struct run_layout {
    int width[RUN_COLUMNS_MAX]; // 0: not shown
};
struct run_layout run_columns_fit(const struct run_columns *c, int width, struct run_row *const *rows, int n);
bool run_layout_has(const struct run_columns *c, const struct run_layout *l, enum run_cell cell);
int run_columns_name_end(const struct run_columns *c, const struct run_layout *l); // cells up to the end of the name
// The titles; that of the sorted field is marked, with the sign that says which way (0: none).
void run_columns_draw_head(struct canvas *c, struct rect line, const struct run_columns *columns, const struct run_layout *l,
                           const char *sort, char sign);
void run_columns_draw(struct canvas *c, struct rect line, const struct run_columns *columns, const struct run_layout *l,
                      const struct run_row *r);
// A line of numbers below their columns, as means of a group are; NaN: nothing.
void run_columns_draw_numbers(struct canvas *c, struct rect line, const struct run_columns *columns,
                              const struct run_layout *l, const double *numbers, struct style style);
