// Named choices of charts, and the words that narrow them down. One table in layouts.c.
#pragma once

#include <stdbool.h>

#include "ui/curves/charts.h"

struct layout {
    const char *name, *title;
    const char *const *keys; // metrics, in the order of their charts; NULL: all charts as they come
    const char *hint;        // said where the layout lacks something that a person can add; NULL: nothing
};
extern const struct layout layouts[]; // ends with a row without a name
const struct layout *layout_find(const char *name); // exact, or a unique beginning; NULL

// Whether a text passes a filter: words that all must be in it; a|b or a,b: one of them; !word: not in it; * and ? stand for
// any letters. Capitals do not matter. An empty filter lets everything pass.
bool filter_passes(const char *filter, const char *text);
// Keeps the charts that layout (NULL: all) and filter (on titles and metrics) let pass, in the layout's order. Returns how
// many there are.
int layout_charts(const struct layout *layout, const char *filter, struct chart *charts, int n);
