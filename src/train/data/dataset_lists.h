// What becomes of a list in a dataset when some of its responses cannot be told apart.
#pragma once

#include <stdbool.h>

#include "train/data/dataset.h"

bool dataset_same_tokens(const struct dataset *d, const struct ds_seq *a, const struct ds_seq *b);

// The dataset's newest group, whose responses are the last of `seqs`: of responses with the same tokens one stays when
// their labels agree, none when they contradict. False when no two labels are left that differ.
bool dataset_settle_list(struct dataset *d, struct ds_group *g);
