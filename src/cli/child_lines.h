// A question to a model, whose answers are taken as they come: the commands are clients of attune-engine serve-model.
#pragma once

#include <jansson.h>

#include "launch/engine.h"

// args: a question's name, its options ("--limit", "3", "--model", ...), and behind "--" its words; NULL ends them. take
// gets each row of the answer (borrowed) and returns 0 or an error, which ends the engine.
int child_lines(const char *const *args, int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e);
