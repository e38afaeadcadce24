// Which words of two texts are the same, in the same order: what a person wants to see of two answers to one question.
//
// A word is a run of letters and digits, with the apostrophes and hyphens inside of it; every other visible character, and
// every wide one (scripts that put no spaces between words), is a word of its own. What is shared is a longest common
// subsequence of the words (Hirschberg 1975, Communications of the ACM 18(6)), after what both texts begin and end with.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// The next n_bytes of a text. Blanks belong to the piece before them; those at the beginning are a piece that is shared.
struct word_piece {
    size_t n_bytes;
    bool shared;
};
struct word_diff {
    struct word_piece *pieces[2]; // of each text, all of it in order; neighbours differ in `shared`
    int n_pieces[2], n_words[2], n_shared;
    int n_same_start; // words that both begin with
    bool too_long;    // the texts differ in so many words that what lies between the ends was not compared: it counts as
                      // different
};
// Texts of any bytes. Takes time proportional to the product of the numbers of words that differ, and memory to their sum.
void word_diff_make(struct word_diff *out, const char *a, size_t n_a, const char *b, size_t n_b);
void word_diff_fini(struct word_diff *d);
