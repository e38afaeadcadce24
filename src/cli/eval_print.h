// Evaluations for people: all measures of one, several over checkpoints and runs, and rewards over the distance from the
// reference.
#pragma once

#include <jansson.h>
#include <stdbool.h>

void eval_print(const json_t *evaluation);

// Rows as of eval_file_list: an evaluation and whose it is. with_run: they are of several runs.
void eval_print_list(const json_t *rows, bool with_run);
// reward and gold/reward over sqrt(KL), by steps.
void eval_print_curve(const json_t *rows);
