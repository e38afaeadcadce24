// Clusters of the prompts that were judged, for slices of win rates, by what anybody can check: a word that they share, or
// the words that they begin with. No model, no seed; what belongs to none of them is "others".
#pragma once

#include "store/labels.h"
#include "ui/compare/win_by.h"

// "words": of the words that at least two and at most half of the prompts have, the one that tells most of those apart that
// no cluster has yet (how many they are, times log(prompts / prompts with the word); of equal ones the longest), again and
// again. "beginning": the first two words, the most frequent ones first.
enum win_words { WIN_WORDS, WIN_BEGINNING, WIN_WORDS_N };
extern const char *const win_words_names[]; // ends with NULL
// n clusters, "others" among them; pairs: as labels_judged gave them, where the votes come from. ERR_INPUT where nothing is
// shared.
int win_by_words(struct win_by *b, const struct judged_votes *votes, const struct judged_pair *pairs, int n_pairs,
                 enum win_words how, int n, struct err *e);
// Which prompt of the votes a pair of labels_judged is of; -1: it came after them.
int win_prompt_of(const struct judged_votes *votes, const struct judged_pair *pairs, int pair);
// What the slices are by: one of these words, or, where data is given ("": none), a member of its rows. run NULL: of all.
int win_by_make(struct win_by *b, struct store *s, const char *run, const struct judged_votes *votes, const char *by,
                const char *data, int n, struct err *e);
