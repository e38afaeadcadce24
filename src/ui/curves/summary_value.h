// One number a run, which summaries of several runs are made of.
#pragma once

#include "ui/curves/curves.h"

// "kl": the newest finite value of a metric; "kl@min", "kl@max": the least or most; else a setting's number. NaN: none.
double curves_summary_value(const struct curves *c, int run, const char *name);
// The metric of "kl@max", and which of its values: "max".
const char *summary_split(const char *name, char *key, size_t size);
struct span curves_summary_span(const struct curves *c, const double *values); // of a number a run
