// Evaluations for people: all measures of one, several over checkpoints and runs, and rewards over the distance from the reference.
#pragma once

#include <jansson.h>
#include <stdint.h>

void eval_print(const json_t *evaluation);

// An evaluation and whose it is, as {"run": NAME, "step": N, "how": ..., "measures": ...}: lists of them.
void eval_print_list(const json_t *rows);
// reward and gold/reward over sqrt(KL), by steps.
void eval_print_curve(const json_t *rows);

// Of a measure; NaN where it is not there. which: "value", "low" or "high".
double eval_number(const json_t *evaluation, const char *measure, const char *which);
