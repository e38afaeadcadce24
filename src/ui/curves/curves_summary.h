// One number a run instead of its course: two of them as a scatter, or one as boxes over the values of a setting.
#pragma once

#include "ui/curves/curves.h"

// "kl": the newest finite value of a metric; "kl@min", "kl@max": the least or most; else a setting's number. NaN: none.
double curves_summary_value(const struct curves *c, int run, const char *name);
bool curves_summary_wants(const struct curves *c, const char *key); // whether a metric is read for it
void curves_draw_summary(const struct curves *c, struct canvas *canvas, struct rect area);
// Whether some run has a metric or setting of that name; else a setting alone.
bool curves_summary_knows(const struct curves *c, const char *name, bool may_be_metric);
