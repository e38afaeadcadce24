// One chart: a frame with a title and the legend, numbers on both axes, up to 32 curves, marks where something was
// changed or saved, and the cursor. A line is told by its letter, its dashes and its colour; any one is enough for a
// few.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ui/plot/axis.h"
#include "ui/term/canvas.h"
#include "ui/plot/raster.h"
#include "ui/series/series.h"
#include "ui/series/x_map.h"

enum dash { DASH_SOLID, DASH_LONG, DASH_DOTS, DASH_MIXED, DASH_N };

struct plot_line {
    const struct series *series;
    const struct x_map *map; // NULL: steps
    const char *label;       // "chosen", or the run's name; left out of the legend where there is no room for all
    const char *value;       // "0.512" for the legend; NULL: none
    char letter;             // at the line's end and in the legend
    uint8_t color;           // COLOR_SERIES + i
    enum dash dash;
    bool raised;             // drawn over the others
    bool dim;                // in the colour of what is of no matter now; its letter keeps its own
    const struct series *low, *high; // the edges of a band around it; NULL: none
};

enum guides { GUIDES_OFF, GUIDES_LINES, GUIDES_DOTS, GUIDES_N }; // across the field, at the numbers of the vertical axis
const char *guides_name(enum guides g); // "off", "lines", "dots"

enum plot_mark_kind { MARK_CHECKPOINT, MARK_CONTROL, MARK_TROUBLE, MARK_FORK };
struct plot_mark {
    double step;
    const struct x_map *map;
    enum plot_mark_kind kind;
};

struct plot {
    const char *title;
    const char *empty; // what to say when there is no point: "waiting for the first point"
    const struct plot_line *lines;
    int n_lines;       // at most RASTER_LINES
    const struct plot_mark *marks;
    int n_marks;
    enum x_kind x_kind;
    double x0, x1;     // what the horizontal axis shows, in its own unit; x0 < x1
    enum scale scale;
    double noise;      // values no further than this from 0 are rounding errors of it: the axis is that of 0; 0: none are
    struct clip clip;  // values left out of the vertical range
    enum smooth_kind smooth_kind;
    double weight;     // how much is smoothed, for the title; a curve is drawn smoothed once it is; 0: none is
    bool x_log;        // needs x1 above 1
    enum guides guides;
    const struct span *range; // of values, instead of that of its own lines; NULL: their own
    double cursor;     // in units of the horizontal axis; NaN: none
    bool has_range;    // between the cursor and other_end, in the same units
    double other_end;
    bool focused;
    bool lines_only;   // no raw values behind smoothed lines: for plain text, where both look alike
};

// What was drawn, for the caller's texts and tests.
struct plot_result {
    struct axis y;
    struct rect field;  // the cells of the curves; width 0 when there was no room
    uint32_t n_points;  // in the visible range
    uint32_t n_outside; // of these, above or below the vertical range
    uint32_t n_bad;     // NaN or infinite, in the visible range
    bool smoothing;     // some curve is still being smoothed
};
// What every painter of a plot needs to agree in; picture.c is another one.
// The points of a line that the plot shows: first .. end - 1.
void plot_visible(const struct plot *p, const struct plot_line *line, uint32_t *first, uint32_t *end);
// The values that the lines reach in the visible range, min > max: none. Gives several plots one vertical axis.
struct span plot_span(const struct plot *p);
// The vertical axis, and what is counted; *out was zeroed.
void plot_range(const struct plot *p, struct plot_result *out);
// Whether the raw values are drawn faintly behind the smoothed line.
bool plot_shows_raw(const struct plot *p, const struct plot_line *line);
// Whether the horizontal axis is logarithmic: asked for, and wide enough to be.
bool plot_is_x_log(const struct plot *p);
void plot_draw(const struct plot *p, struct canvas *c, struct rect area, struct plot_result *out);
