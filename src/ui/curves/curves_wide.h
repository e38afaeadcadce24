// Many runs at a glance: a metric of each as a row of shades over the steps (heat map), and a line for each run through axes
// of settings and metrics (parallel coordinates). What curves_summary.c draws with cells and summary_picture.c as a picture.
#pragma once

#include "ui/curves/curves.h"

// ---- heat map ----
enum { HEAT_LEVELS = 5, HEAT_COLUMNS = 200 };
struct heat_map {
    int n_columns;
    double last_step;
    double cells[CURVES_RUNS][HEAT_COLUMNS]; // the mean of the points there; NaN: none, INFINITY: none that is finite
    double low, high;                        // of all cells; low > high: none
    bool has[CURVES_RUNS];
};
// Of c->summary_y, cut in so many columns of equally many steps, HEAT_COLUMNS at most.
void curves_heat_map(const struct curves *c, int n_columns, struct heat_map *out);
int heat_level(const struct heat_map *m, double value); // 0 .. HEAT_LEVELS-1; -1: nothing to show

// ---- parallel coordinates ----
enum { PARALLEL_MOST = 8 };
struct parallel_axis {
    char name[96];
    struct axis axis;               // of numbers
    int n_texts;                    // of a setting that is none for some run: its values, the first lowest; 0: numbers
    char texts[CURVES_RUNS][40];
    double place[CURVES_RUNS];      // of each run, 0 at the foot and 1 at the top; NaN: it has none
};
int curves_parallel_axes(const struct curves *c, struct parallel_axis *out); // of c->summary_axes; returns how many
// The labels of an axis with their places, for at most `max` of numbers; returns how many.
int parallel_labels(const struct parallel_axis *a, int max, double *places, char labels[][40]);
bool curves_parallel_has(const struct parallel_axis *axes, int n, int run); // a place on two axes at least

void curves_draw_heat(const struct curves *c, struct canvas *canvas, struct rect in);
void curves_draw_parallel(const struct curves *c, struct canvas *canvas, struct rect in);
