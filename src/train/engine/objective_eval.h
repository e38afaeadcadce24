// The two halves of the calculator: objectives that see responses (objective_eval.c) and those that see tokens.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "train/objective/objective.h"

// text: a prompt's answers a line. *out: losses, advantages, derivatives, what a step would log.
int objective_eval_tokens(struct objective_run *r, const char *text, const char *where, json_t **out, struct err *e);
