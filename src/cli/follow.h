// Watching a run until it ends: a progress line on a terminal, a plain line every few seconds otherwise.
#pragma once

#include <stdio.h>

#include "cli/look.h"

// Returns when the run is not live any more, or with *detached when the person pressed Ctrl-C: the run goes on.
// With `warnings`, what the engine warns of since it was started stands above the progress line.
int follow_run(struct look *l, FILE *out, bool warnings, bool *detached, struct err *e);
// What came out: start and end of each metric, the last checkpoint, the time it took.
int follow_summary(struct look *l, FILE *out, struct err *e);
json_t *follow_summary_json(struct look *l, struct err *e);
// Follows, says how it ended, prints the summary (with `json` as JSON on stdout, the progress on stderr).
// The error of a run that failed, died or was stopped is *e.
int follow_to_end(struct look *l, bool json, struct err *e);
