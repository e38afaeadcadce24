// The commands of the page of curves that say how charts are drawn: smoothing, scale, outliers, how many stand on the
// screen.
#pragma once

#include "ui/curves/curves.h"
#include "ui/view.h"

// VIEW_IGNORED for a command that is none of these.
enum view_result curves_settings(struct view *v, enum command_id id, const char *arg);
void curves_settings_complete(enum command_id id, const char *before, struct words *out);
