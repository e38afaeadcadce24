// Pairs as one question: the prompt shows both responses, the answer is a letter. What a preference model reads.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "corpus/corpus.h"
#include "train/data/dataset.h"
#include "train/objective/metrics.h"

// The text of a pair whose responses stand as A and B in this order, or the other way round (flipped). Of the context
// at most its last `limit` bytes are shown and of each response at most its first, so that a long pair fits without one
// response losing more than the other.
void comparison_text(struct str *out, const struct example *x, bool flipped, size_t limit);
// Bytes of the longest of the three texts: with so many as limit nothing is cut.
size_t comparison_longest(const struct example *x);
// Whether pair number `index` stands the other way round: fixed by the seed, even odds.
bool comparison_flipped(uint64_t seed, size_t index);

// Of a dataset that holds its pairs in both orders, with the numbers of its groups in their order: how often the orders
// agree on the winner, and how much more than half of its probability the model gives to the response that is shown
// first.
void comparison_metrics(const struct dataset *d, const struct seq *seqs, struct metric_list *out);
