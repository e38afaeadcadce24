// Curves as a picture, as the page shows them: one chart, or several below one title.
#pragma once

#include "ui/curves/curves.h"
#include "ui/plot/painter.h"

struct view;

struct curves_look {
    int width, height;  // pixels; height 0: as the number of charts asks for
    enum theme theme;
    bool embedded;      // in a page that has the style sheet
    bool titled;        // with a line that says whose curves they are
    int columns;        // of charts; 0: as many as there is room for
};
// "picture.svg", "picture.png": which painter a file's name asks for; NULL: none.
const struct painter_ops *curves_painter(const char *path);
// Charts first .. first + n - 1 of c->charts, which have been read, or the summary instead; appends the file to *out.
int curves_picture(const struct curves *c, int first, int n, const struct painter_ops *painter,
                   const struct curves_look *look, struct str *out, struct err *e);
// One chart as an SVG for a page, without a title of the whole and without the names of runs; what never fails.
void curves_picture_plain(const struct curves *c, int chart, const struct curves_look *look, struct str *out);
// picture() and metrics() of the page of curves (view.h): of the charts that it shows.
int curves_screen_picture(struct view *v, const char *path, struct str *bytes, struct err *e);
int curves_screen_metrics(struct view *v, const char **keys, int max);
