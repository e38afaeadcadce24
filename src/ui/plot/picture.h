// Plots as a picture: the same description that plot.c draws with cells, painted with lines. Several plots stand beside and
// below one another as small multiples.
#pragma once

#include "ui/plot/painter.h"

// What a letter, a colour and a dash stand for in all plots of a picture.
struct picture_key {
    const char *name;
    char letter;
    uint8_t color;
    enum dash dash;
};

struct picture {
    const char *title, *note; // note: what holds of all plots, such as "x step, EMA 0.8"
    const struct plot *plots;
    int n_plots;
    const struct picture_key *keys; // above the plots; 0: each plot says what its lines are
    int n_keys;
    int columns;              // of plots; 0: as many as there is room for
};

enum { PICTURE_SMALLEST = 200, PICTURE_LARGEST = 8000 }; // pixels, in both directions

struct box { // pixels
    double x, y, width, height;
};
// For pictures of other things: begins the file with the title, note and keys of `picture`; *rest is what they leave, within
// the margin.
int picture_begin(const struct picture *picture, struct painter *p, struct box *rest, struct err *e);
// Text that begins at (x, y), with ".." where it was cut to the width.
void picture_text(struct painter *p, double x, double y, double width, uint8_t color, bool bold, const char *text);
// ops: what it is painted with. Appends the file to p->out, of which ops, width, height, theme and embedded were set.
int picture_paint(const struct picture *picture, struct painter *p, struct err *e);
// The field of one plot alone, over the whole of the painter's width and height: what cells beside it say (axes, title,
// legend) is left out. drawn: as plot_draw left it; n_ticks: of the vertical axis, for guides.
int picture_paint_field(const struct plot *plot, const struct plot_result *drawn, int n_ticks, struct painter *p,
                        struct err *e);
