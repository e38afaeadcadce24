// The commands of the page of curves that compare runs or choose charts: layouts, filter, guides, groups, differences, small
// multiples, the best run, settings that differ, forks. view_curves.c has window, cursor, focus and smoothing.
#pragma once

#include "ui/curves/curves.h"
#include "ui/view.h"

// VIEW_IGNORED for a command that is none of these.
enum view_result curves_compare(struct view *v, enum command_id id, const char *arg);
// Says which run is best once the metric that was asked about has been read.
void curves_say_best(struct view *v);
