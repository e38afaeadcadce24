// The measures of an evaluation: what they are called where there is little room, what they mean, which of two values is the
// better one, and when two may be compared at all.
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct eval_name {
    const char *name, *title; // "pm_divergence", "PM DIV" (at most 7 letters)
    const char *meaning;
    int better;               // 1: more is better; -1: less is; 0: neither by itself
    const char *under[2];     // what else of "how" it depends on, such as the model that gives the rewards
};
extern const struct eval_name eval_names[]; // what tells most first; ends with a name that is NULL
// That row; of one that has none (the styles of the demo, measures of a later version) what is known. It keeps `name`.
struct eval_name eval_name_of(const char *name);

// Of a measure of an evaluation; NaN where it is not there. which: "value", "low" or "high".
double eval_number(const json_t *evaluation, const char *measure, const char *which);
// The same prompts were answered in the same way (the seed apart): what is said of the answers alone can be compared.
bool eval_same_prompts(const json_t *a, const json_t *b);
// And what this measure depends on beside it is the same.
bool eval_comparable(const json_t *a, const json_t *b, const struct eval_name *measure);
