// What a run would take of memory, as the engine plans it (train/run/memory_plan.h).
#pragma once

#include <jansson.h>

void memory_print(const json_t *plan);      // line by line, with the sum and what is free, and what is to be known of the
                                            // run
void memory_print_warnings(const json_t *plan); // that alone, to stderr
void memory_print_line(const json_t *plan); // "about 1.2 GiB of memory, 20 GiB are free"; nothing when plan is NULL
