// How alike texts are, by the n-grams of their tokens. Texts stand in tokens one after the other, ends[i] being the end of
// text i.
#pragma once

#include <stddef.h>
#include <stdint.h>

// distinct-n (Li et al. 2016): the share of different n-grams of tokens among all of them. NaN where no text has n tokens.
// n: 1 to 4.
double distinct_ngrams(const int32_t *tokens, const size_t *ends, int n_texts, int n);

// self-BLEU (Zhu et al. 2018): the mean BLEU (Papineni et al. 2002) of each text against all others, of orders 1 to 4, or as
// far as the text is long. 0: nothing in common; 1: all say the same. An order without a match counts as 0.1 of one (Chen
// and Cherry 2014, method 1); a text without a common token as 0. NaN of fewer than two texts.
double self_bleu(const int32_t *tokens, const size_t *ends, int n_texts);
