// The curves of one or several runs, all charts under one horizontal window: what view_curves.c acts on, what
// curves_draw.c draws, and what `attune chart` prints.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/filter.h"
#include "ui/series/blend.h"
#include "ui/term/canvas.h"
#include "ui/curves/charts.h"
#include "ui/runs/eval_table.h"
#include "ui/curves/layouts.h"
#include "ui/plot/plot.h"
#include "ui/runs/run_cache.h"
#include "ui/commands.h"

enum { CURVES_RUNS = 16 };
// At least this much is left to a chart, however many of them were asked for.
enum { CHART_COLUMNS_LEAST = 20, CHART_ROWS_LEAST = 5, GRID_MOST = 8 };
// By what the tables of values are sorted.
enum value_sort { SORT_NONE, SORT_NAME, SORT_VALUE, SORT_SMOOTHED, SORT_LEAST, SORT_MOST, SORT_N };
extern const char *const sort_words[]; // "off", "name", ...; ends with NULL

// How several runs become lines: each for itself, each minus the pinned one, or groups as a mean with a band.
enum curves_mode { MODE_RUNS, MODE_DELTA, MODE_GROUPS };
#define GROUP_SEEDS "seed" // runs whose settings are the same but for the seed

struct plot_pictures;
struct curves {
    struct run_cache cache;
    struct run_row *rows[CURVES_RUNS];     // shown; the open run first
    struct run_data *data[CURVES_RUNS];
    int n_runs;
    int64_t raised;                        // id of the run drawn on top, the others dim; 0: the open one, and none is dim
    int64_t pinned;                        // id of the run that others are compared with; 0: the first one
    enum curves_mode mode;
    enum band band;                        // around groups
    char group_by[64];                     // a setting's name, or GROUP_SEEDS
    char color_by[128];                    // a setting, or patterns of names apart by spaces; "": each run has its own
    struct derived *derived;               // what MODE_DELTA and MODE_GROUPS draw, per chart
    int n_derived, cap_derived;
    uint64_t derived_poll;

    struct chart *charts;
    int n_charts, focus;
    struct chart_look { // how charts are shown that a person has changed, also those that are not here now
        char title[64];
        enum scale scale;
        struct clip clip;
        bool has_budget;
        double budget;
    } * looks;
    int n_looks, cap_looks;
    int rows_wanted, columns_wanted;       // of charts on the screen; 0: as many as there is good room for
    double evals_looked_s;                 // when evaluations were looked for last
    int n_all;                             // charts before layout and filter
    bool full;
    bool multiples;                        // the focused chart once a run, all with one vertical axis
    bool diff;                             // the settings in which the runs differ stand beside the charts
    const struct layout *layout;           // NULL: all charts
    char filter[FILTER_MAX_BYTES + 1];     // of charts; "": none
    char best_key[96];                     // a metric that is being read to say which run is best by it; "": none
    bool best_highest;

    enum x_kind x_kind;
    char x_metric[96];                     // of X_METRIC, or what it was last; "": none
    struct x_map x_line;                   // from levels of it to its values; empty while there are none
    uint64_t x_ranges;                     // how often that was another
    uint32_t x_fills;                      // how often curves by it were made
    struct aligned **aligned;              // curves by it (curves_align.c)
    int n_aligned, cap_aligned;
    bool x_log;
    enum guides guides;
    enum smooth_kind smooth_kind;
    double weight, unit;                   // how much is smoothed; unit: the smallest usual spacing seen, in steps
    bool lines_only;                       // see struct plot
    struct plot_pictures *pictures;        // fields of charts become pictures; NULL: they are cells
    bool keep_charts;                      // new metrics do not make new charts
    bool fit;                              // the window is the whole run
    bool follow;                           // else it moves along with the newest step
    double x0, x1;                         // the window otherwise, in units of the axis
    bool has_cursor;
    double cursor;                         // a step
    bool has_range;                        // between the cursor and
    double other_end;                      // another step
    struct range_memo *range_memo;         // what the lines in it amount to, so that only what changed is added up again

    // What the last frame showed, for moving about in it.
    int grid_columns, grid_rows, first_shown, n_shown;
    int field_columns;                     // cells across the focused chart
    struct rect area;                      // that all was drawn into
    struct chart_field {                   // where the curves of each chart are
        int chart;
        struct rect cells;
        struct axis y;
    } fields[GRID_MOST * GRID_MOST];
    int n_fields;
    struct chart_drag {                    // of the mouse, in a field
        bool is_on;
        struct chart_field field;
        int x0, y0, x1, y1;                // cells of the canvas
    } drag;
    struct chart_zoom {                    // of values, that a rectangle left; until the whole run is shown again
        char title[64];                    // of the chart; "": none
        struct span values;
    } zoom;
    // instead of curves (curves_summary.h)
    enum summary { SUMMARY_NONE, SUMMARY_SCATTER, SUMMARY_BOX, SUMMARY_HEAT, SUMMARY_PARALLEL, SUMMARY_N } summary;
    char summary_x[96], summary_y[96];     // of boxes: the setting, and the metric; of a heat map the metric alone
    char summary_axes[400];                // of parallel coordinates, a blank between them
    enum value_sort sort;                  // of the tables of values
    bool sort_up;                          // the least first
    bool is_read;                          // nothing of these runs and charts is left to be read
    enum command_id wish;                  // CMD_NONE, or what waits until then, for it depends on what there is
    char *wish_arg;                        // NULL: none
    bool needs_poll;                       // it showed other charts than the one before
    uint64_t keys_stamp;                   // of the metrics that the charts were made from
    char kept_focus[64];                   // the title of the chart that was focused; "" when it was found, or none
};

void curves_init(struct curves *c);
void curves_fini(struct curves *c);
// Which runs are shown; keeps window, focus and cursor.
void curves_show(struct curves *c, struct run_row *const *rows, int n);
// Reads and smooths until until_s at the latest; true when nothing is left to do. *changed: draw again.
bool curves_poll(struct curves *c, double until_s, bool *changed);
// All that the command depends on has been read, of what there is.
bool curves_is_ready(const struct curves *c, enum command_id id);

int curves_raised(const struct curves *c);                       // index into rows
int curves_pinned(const struct curves *c);                       // the same; the run that others are compared with
const struct run_row *curves_parent(const struct curves *c, int run); // the shown run that it was forked from; NULL: none
const struct x_map *curves_map(const struct curves *c, int run); // NULL: steps
bool curves_has_map(const struct curves *c, int run, enum x_kind kind);
double curves_last_step(const struct curves *c, int run);        // the newest step of any metric that was read
void curves_window(const struct curves *c, double *x0, double *x1);
// ---- lines (curves_lines.c) ----
// The lines of a chart; labels with values are added by the drawing. Returns how many.
int curves_lines(const struct curves *c, const struct chart *chart, struct plot_line *lines);
// A metric of a run by the horizontal axis: its own series, or by the levels of another metric; NULL: there is none.
const struct series *curves_series(const struct curves *c, int run, const char *key);
// ---- by another metric (curves_align.c) ----
enum { X_LEVELS = 65536 };
void curves_find_levels(struct curves *c);                          // before the charts of a poll
void curves_align(struct curves *c, const struct chart *chart);     // makes what the chart draws
void curves_end_aligning(struct curves *c);                         // gives up what no chart wanted
void curves_free_aligned(struct curves *c);
// The line of one run, for small multiples; false when it has none.
bool curves_line_of(const struct curves *c, const struct chart *chart, int run, struct plot_line *line);
// Brings the lines of a chart that are made of several runs up to date, until until_s; true when nothing is left.
bool curves_derive(struct curves *c, const struct chart *chart, double until_s);
void curves_begin_deriving(struct curves *c); // before the charts of a poll
void curves_end_deriving(struct curves *c);   // gives up what none of them wanted
void curves_free_derived(struct curves *c);
// Which runs stand together: group[i] is the index of the first run of i's group; sizes by that index.
void curves_groups(const struct curves *c, int *group, int *size);
bool curves_has_setting(const struct curves *c, const char *name); // some run has a value for it
// The value of a setting as a person would type it, "" when the run has none.
const char *run_setting_text(const struct run_row *row, const char *name, char *out, size_t size);
// The point of a line that the cursor (or without one the end) stands on; false when it has none.
bool curves_point(const struct curves *c, const struct plot_line *line, uint32_t *i);

// A chart as a plot, for any painter. names: lines of several runs are labelled. The plot points into *out.
enum { CURVES_MARKS = 400, CURVES_TITLE = 240 };
struct curves_plot {
    struct plot plot;
    struct plot_line lines[RASTER_LINES];
    struct plot_mark marks[CURVES_MARKS];
    char values[RASTER_LINES][16], empty[64], title[CURVES_TITLE];
};
void curves_plot(const struct curves *c, const struct chart *chart, bool names, struct curves_plot *out);

// Small multiples, of the runs, or of groups while there are any, which stand by their first run: those that a chart has
// something of (returned: how many) and the values they reach together; and the chart of one of them alone, on that scale.
int curves_alone(const struct curves *c, const struct chart *chart, int *runs, struct span *range);
void curves_plot_alone(const struct curves *c, const struct chart *chart, int run, const struct span *range,
                       struct curves_plot *out);

void curves_draw(struct curves *c, struct canvas *canvas, struct rect area);
// Where the cursor is: "step 300", "kl 1.25". As a step: -1 when it is at none.
void curves_describe_cursor(const struct curves *c, struct str *out);
double curves_cursor_step(const struct curves *c);
// Which colour and which dashes a run has: runs that color_by does not tell apart have the same.
int curves_color(const struct curves *c, int run);
const char *curves_x_name(const struct curves *c);
double curves_shown_value(const struct curves *c, const struct chart *chart, const struct plot_line *line, uint32_t i);
// What a drag encloses, cells of the canvas; and whether that is more than a press that trembled.
struct rect curves_drag_cells(const struct chart_drag *d);
bool curves_drag_is_wide(const struct chart_drag *d);
// ---- tables beside the charts (curves_tables.c) ----
// One line a curve: its value as it is, smoothed, and against the pinned one, at the cursor or at the end; with a marked
// range what it amounts to.
void curves_draw_values(const struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area);
// The same for all charts on the screen: one line a run, with the focused chart first.
void curves_draw_linked(const struct curves *c, struct canvas *canvas, struct rect area);
int curves_linked_lines(const struct curves *c); // how many it has
// The settings in which the shown runs differ, one line a setting, one column a run.
void curves_draw_diff(const struct curves *c, struct canvas *canvas, struct rect area);
int curves_diff_lines(const struct curves *c);
bool curves_tell(const struct curves *c, struct str *out); // the chosen chart in words; false: there is none
struct range_memo *curves_range_memo_new(void); // for free()
// "range 600-902: slope/100 steps +0.06  least 1.19 ..." of the raised line of the focused chart; appends.
void curves_describe_range(const struct curves *c, struct str *out);

// ---- what a project remembers (curves_keep.c) ----
void curves_save(const struct curves *c, json_t *into);
void curves_restore(struct curves *c, const json_t *from); // what is not there or makes no sense is left as it is
void curves_take_focus(struct curves *c);                  // by charts that were just made: the one of the last time
void curves_remember_look(struct curves *c, const struct chart *chart); // scale and clip, by the title
void curves_recall_look(const struct curves *c, struct chart *chart);

// ---- evaluations as curves (curves_measured.c) ----
// Puts what was measured of the shown runs' checkpoints among their metrics; nothing is done again for the same stamp.
// True when there is something new.
bool curves_take_evals(struct curves *c, const struct eval_table *t, uint64_t stamp);
// One chart alone, without the lines around it.
void curves_draw_chart(struct curves *c, const struct chart *chart, struct canvas *canvas, struct rect area,
                       bool focused, bool names);
