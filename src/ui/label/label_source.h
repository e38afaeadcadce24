// Pairs out of a person's data file, as a set that is to be judged.
#pragma once

#include "store/label_sets.h"

struct label_from {
    const char *path;
    const char *name; // of the set; NULL: the file's name without its ending
    double repeats;   // the share of pairs that come a second time
    uint64_t seed;    // 0: by the clock
    const char *checks; // a file of attention checks: pairs in which one answer is known to be better; NULL: none
    double check_share; // of the set's pairs
    double overlap;     // the share of pairs that all annotators judge; 1: all of them
};
// Whatever file corpus.h reads: a pair of each row with two answers; of ranked lists each answer with the one after it.
// Attention checks lie among the others by lot, and look like them.
// Where there is a set of that file already (and no other name was asked for), that one goes on. Reads the whole file.
// *out: the set.
int label_set_from_file(struct store *s, const struct label_from *from, struct label_set *out, struct err *e);
