// What the engine's commands say: answers as lines of standard output, and what a person should know of the files.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/notes.h"

extern double engine_started; // when the process began: clock_seconds

// What a person should know of the files that the command read: lines "warning: ..." of standard error when it ends well.
void engine_note(const struct notes *notes);
// One JSON value as a line of standard output, at once. ERR_NUMERIC when it holds a number, made by json_computed, that is
// not finite: says which.
int engine_print(json_t *value, struct err *e); // takes value
// From now on what is printed is {"id": id, "row": value}; -1: as it is. Returns the id before.
json_int_t engine_answer_for(json_int_t id);
void engine_take_notes(struct notes *out); // what engine_note was given since the last time
