// Pairs of answers judged line by line.
#pragma once

#include "ui/ui_internal.h"

// source: a run, a set or a file, "": what waits. Until "back" or the end.
void lines_label(struct ui *ui, const char *source);
