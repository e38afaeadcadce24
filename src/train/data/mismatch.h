// Answers to other prompts, from which KTO estimates how far the policy has moved away from the reference.
// (TRL shifts each batch's answers by one, which pairs a prompt with itself where the batch repeats it.)
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "train/data/dataset.h"

// Gives every group of d, which was made of c under these rules with dataset_options.asks, behind its own responses one
// response of a group with another prompt, written and cut to max_length as if it were its own. The assignment depends on
// the seed and the data alone and uses each group's response once, as far as no prompt has more than half of all groups.
// ERR_INPUT when all prompts are the same.
int dataset_mismatch(struct dataset *d, const struct corpus *c, const struct text_rules *rules, uint64_t seed,
                     struct err *e);
