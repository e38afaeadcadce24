// The curves of charts as pixels in place of their cells, for terminals that show pictures: made while a page is drawn, and
// only where something changed; who owns the terminal sends them (ui/pictures.c).
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "ui/plot/plot.h"

enum picture_protocol { PICTURES_NONE, PICTURES_KITTY, PICTURES_SIXEL };
// Charts of a page, and bytes of one of them: what is longer stays cells.
enum { PLOT_PICTURES = 16, PLOT_PICTURE_MOST = 256 * 1024, KITTY_FIRST = 7001 };

struct plot_picture {
    struct rect field;   // cells
    uint64_t stamp;      // of what it shows
    struct str bytes;    // the sequence that shows it at the cursor
    uint64_t shown;      // the stamp of what the terminal has; 0: nothing
    struct rect shown_field;
};
struct plot_pictures {
    enum picture_protocol protocol;
    int cell_width, cell_height; // pixels
    bool dark;
    bool hold;     // what is shown stays, where it still fits into its place: new data waits
    bool is_stale; // something waited
    int n;         // of this frame
    struct plot_picture all[PLOT_PICTURES];
};
void plot_pictures_begin(struct plot_pictures *p); // a frame
// The field of a plot that was drawn is to be a picture. False: it stays as it is; else its cells are to be blank.
bool plot_pictures_add(struct plot_pictures *p, const struct plot *plot, const struct plot_result *drawn);
void plot_pictures_free(struct plot_pictures *p);
