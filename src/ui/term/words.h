// A list of words that a person may choose from, and how well typed letters fit one.
#pragma once

#include <stddef.h>

struct words {
    char **texts;
    int n, cap;
};
void words_add(struct words *w, const char *text);
void words_addn(struct words *w, const char *text, size_t n_bytes);
void words_add_about(struct words *w, const char *text, const char *about); // and what it is; NULL: nothing
const char *words_about(const struct words *w, int i);                      // "" nothing
void words_fini(struct words *w); // zeroed is fine; empty again
// Leaves those that the letters fit, the best first; all as they are where nothing is typed.
void words_filter(struct words *w, const char *typed);
// The bytes that all of them begin with, at a character's edge; 0 for none.
size_t words_common(const struct words *w);

// How well `typed` fits: small is good, -1 not at all. A beginning (what is left of the text) beats a part (100 and up)
// beats letters that stand in this order (200 and up). Case does not count.
int fuzzy_cost(const char *text, const char *typed);
