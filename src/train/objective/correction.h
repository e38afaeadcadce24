// What makes up for a sampler whose arithmetic is not the trainer's (bf16, other kernels): a token that was drawn with q
// counts p / q, p being what the trainer's forward pass gives it with the same weights. A far ratio is held (truncated
// importance sampling, Ionides 2008) or what it belongs to is left out. Every loss that is a struct surrogate has it; the
// ratio that PPO bounds is apart from it.
#pragma once

#include "train/objective/objective.h"

// The rows; an empty table where they make no sense.
const struct param *correction_params(const struct objective *o);
struct correction correction_from(const struct objective *o, const struct settings *s);

// What token t counts, and an answer that is taken as a whole: by tokens the mean of theirs. 1 when it is off.
double correction_of_token(const struct correction *c, const struct seq *s, int t);
double correction_of_answer(const struct correction *c, const struct seq *s);
