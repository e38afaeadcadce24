// Which metrics stand together in one chart, and in which order charts come. One table in charts.c; metrics that it
// does not name get a chart each.
#pragma once

#include "ui/plot/axis.h"
#include "ui/runs/run_cache.h"

enum { CHART_PARTS = 8 };

struct chart {
    char title[64];
    struct chart_part {
        char key[96], label[32];
        char letter;
    } parts[CHART_PARTS]; // what is drawn of one run
    int n_parts;
    char overlay[96];     // what is drawn of each of several runs
    char goal[96];        // a metric that says where it should arrive, drawn once of several runs; "": none
    bool exact;           // never smoothed: a schedule, not a measurement
    enum scale scale;
    struct clip clip;     // of its vertical axis
    bool has_budget;      // a value that is not to be passed
    double budget;
};

// The charts that these runs have points for; a few that nearly every run has while there are none. Scale and clip of
// charts that were there before are kept. Returns how many; *charts is on the heap.
int charts_make(const struct run_data *const *runs, int n_runs, struct chart **charts, int n_before);
// How far from 0 rounding alone brings what the chart shows: sums of log-probabilities against the reference; 0 for others.
double chart_noise(const struct chart *c);
bool chart_has(const struct chart *c, const char *key);
