// The page of a data set while it is on the screen: what a person sees of it.
#pragma once

#include "ui/term/canvas.h"
#include "ui/data/data_set.h"

enum data_pane { PANE_ROWS, PANE_SUMMARY, PANE_REFUSED, N_PANES };

struct data_state {
    struct data_rows rows;
    char filter[FILTER_MAX_BYTES + 1];
    int order; // of data_orders
    bool is_up;
    size_t row;                 // of the corpus, under the cursor
    size_t cursor, top;         // places among rows.rows
    int visible;                // lines of the list that were shown
    enum data_pane pane;
    bool full;                  // the row under the cursor alone
    int scroll, lines, height;  // of what is scrolled: the row's texts, the summary, what was refused
    bool typed_path;            // a person named the file; else it is that of the run
    bool from_form;             // q goes back there
    char run[128];              // whose data it is
    char find[FILTER_MAX_BYTES + 1];
    struct filter *looking; // NULL: not
    size_t look_at, n_looked;
    int look_step;
    int64_t batch; // rows of a step as the form has them by default; 0: not known yet
};

// n_counted: rows whose tokens were counted so far.
void data_draw(struct data_state *s, const struct data_set *d, size_t n_counted, struct canvas *c, struct rect area);

// A row's texts, each behind what it is; data_draw.c.
void data_row_tell(const struct data_set *d, size_t row, struct str *out);

// data_tell.c: tell of view.h.
bool data_tell(const struct data_state *s, const struct data_set *d, bool all, struct str *out);

// data_summary_draw.c: the set in numbers from line `skip` on. Returns how many lines there are at this width.
int data_summary_draw(const struct data_set *d, int64_t batch, struct canvas *c, struct rect r, int skip);
// Every refused row and why, the same way.
int data_refused_draw(const struct data_set *d, struct canvas *c, struct rect r, int skip);
