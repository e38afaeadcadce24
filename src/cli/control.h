// What pause, stop, checkpoint and set share: asking something of a run and, when wanted, waiting for it.
#pragma once

#include "cli/look.h"

// Posts a control to a live run; *id is its number. ERR_STATE, with what to do, for a run that is not live. A stop of one
// that waits in a sweep is posted for that; *id is 0 then.
int control_post(struct store *s, struct look *l, enum control_kind kind, const char *key, const char *value,
                 int64_t *id, struct err *e);
// Waits until the engine has applied the control (or, with `ended`, until the run is not live any more).
int control_wait(struct look *l, int64_t id, bool ended, double seconds, struct err *e);
// Opens project and run, posts the same control to each of the words, says so; returns the exit status.
int control_each(struct args *a, enum control_kind kind, const char *said);
