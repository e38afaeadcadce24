// One number a run instead of its course: two of them as a scatter, one as boxes over the values of a setting, several as
// lines; or all of a metric as shades.
#pragma once

#include "ui/curves/summary_value.h"

bool curves_summary_wants(const struct curves *c, const char *key); // whether a metric is read for it
// "kl reward@max", "loss beta": what a scatter or boxes are of, a blank or a comma between them; of a heat map a metric, of
// parallel coordinates two or more. *c is left alone unless some run has each.
int curves_summarize(struct curves *c, enum summary kind, const char *of, struct err *e);
// The numbers of a scatter: both NaN for a run that lacks one.
void curves_summary_points(const struct curves *c, double *x, double *y);
// The runs of a value of the setting, and the quartiles of theirs; n 0: none has the metric.
struct summary_box {
    char name[400]; // "beta 0.1 (n 4)"
    int n, runs[CURVES_RUNS];
    double values[CURVES_RUNS]; // of the runs
    double least, q1, median, q3, most;
};
int curves_summary_boxes(const struct curves *c, struct summary_box *out); // returns how many, CURVES_RUNS at most
// "loss by beta, 3 runs"; returns how many runs
int curves_summary_title(const struct curves *c, char *out, size_t size);
void curves_draw_summary(const struct curves *c, struct canvas *canvas, struct rect area);
