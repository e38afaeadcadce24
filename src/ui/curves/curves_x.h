// What the horizontal axis of the page of curves counts: the keys, and curves by another metric.
#pragma once

#include "ui/curves/curves.h"
#include "ui/view.h"

enum view_result curves_set_x(struct view *v, const char *arg); // NULL: the next one
void curves_complete_x(const struct curves *c, struct words *out);
