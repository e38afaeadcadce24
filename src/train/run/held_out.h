// The rows that a run does not train on, found again from its settings: for whoever measures its checkpoints.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "corpus/corpus.h"

// settings: all of a run's, as its checkpoints keep them. *use: which examples are held out, on the heap; NULL: all of
// *c are (they come from a file of their own). ERR_USAGE when the run holds none out.
int held_out_load(struct corpus **c, bool **use, const char *objective, const json_t *settings, struct err *e);
