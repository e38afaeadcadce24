// How the page of runs looks: the list with its groups, the line that says what was chosen, and the run under the cursor.
#pragma once

#include "ui/term/canvas.h"
#include "ui/runs/runs_table.h"

// A line of the list: a row of the table, or what stands above a group.
struct runs_line {
    enum { LINE_RUN, LINE_GROUP, LINE_SPREAD } kind;
    int at; // row or group
};
// All lines, in order; on the heap. A group has one with its means, and one with standard deviations where it has several
// runs.
int runs_lines(const struct runs_table *t, struct runs_line **out);

struct runs_scene {
    const char *project; // folder, for a list that is empty
    const char *trouble; // of the filter while it is typed; "" none
    const struct run_row *cursor; // NULL: none
    int top;             // first line shown; is brought up to date
    int visible;         // lines that were shown
    int first_y;         // where the first of them stands, below the top of the page
    bool has_spark;      // the usual trends are shown and want to be read
};
// The run in line y of the page, as it was drawn last; NULL: there is none.
const struct run_row *runs_scene_at(const struct runs_scene *s, const struct runs_table *t, int y);
void runs_draw(struct runs_scene *s, const struct runs_table *t, const struct run_list *l, struct canvas *c,
               struct rect area);
