// The curves of one or several runs, all charts under one horizontal window: what view_curves.c acts on, what
// curves_draw.c draws, and what `attune chart` prints.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/canvas.h"
#include "ui/charts.h"
#include "ui/plot.h"
#include "ui/run_cache.h"

enum { CURVES_RUNS = 16 };

struct curves {
    struct run_cache cache;
    struct run_row *rows[CURVES_RUNS];     // shown; the open run first
    struct run_data *data[CURVES_RUNS];
    int n_runs;
    int64_t raised;                        // id of the run drawn on top; 0: the open one

    struct chart *charts;
    int n_charts, focus;
    bool full;

    enum x_kind x_kind;
    double weight, unit;                   // of the smoothing; unit: the smallest usual spacing seen, in steps
    bool lines_only;                       // see struct plot
    bool keep_charts;                      // new metrics do not make new charts
    bool fit;                              // the window is the whole run
    bool follow;                           // else it moves along with the newest step
    double x0, x1;                         // the window otherwise, in units of the axis
    bool has_cursor;
    double cursor;                         // a step

    // What the last frame showed, for moving about in it.
    int grid_columns, grid_rows, first_shown, n_shown;
    int field_columns;                     // cells across the focused chart
    bool is_read;                          // nothing of these runs and charts is left to be read
    bool needs_poll;                       // it showed other charts than the one before
    uint64_t keys_stamp;                   // of the metrics that the charts were made from
};

void curves_init(struct curves *c);
void curves_fini(struct curves *c);
// Which runs are shown; keeps window, focus and cursor.
void curves_show(struct curves *c, struct run_row *const *rows, int n);
// Reads and smooths until until_s at the latest; true when nothing is left to do. *changed: draw again.
bool curves_poll(struct curves *c, double until_s, bool *changed);

int curves_raised(const struct curves *c);                       // index into rows
const struct x_map *curves_map(const struct curves *c, int run); // NULL: steps
bool curves_has_map(const struct curves *c, int run, enum x_kind kind);
double curves_last_step(const struct curves *c, int run);        // the newest step of any metric that was read
void curves_window(const struct curves *c, double *x0, double *x1);
// The lines of a chart; labels with values are added by the drawing. Returns how many.
int curves_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines);
// The point of a line that the cursor (or without one the end) stands on; false when it has none.
bool curves_point(const struct curves *c, const struct plot_line *line, uint32_t *i);

// A chart as a plot, for any painter. names: lines of several runs are labelled. The plot points into *out.
enum { CURVES_MARKS = 400 };
struct curves_plot {
    struct plot plot;
    struct plot_line lines[RASTER_LINES];
    struct plot_mark marks[CURVES_MARKS];
    char values[RASTER_LINES][16], empty[64], title[200];
};
void curves_plot(const struct curves *c, const struct chart *chart, bool names, struct curves_plot *out);

void curves_draw(struct curves *c, struct canvas *canvas, struct rect area);
// One chart alone, without the lines around it.
void curves_draw_chart(struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area,
                       bool focused, bool names);
