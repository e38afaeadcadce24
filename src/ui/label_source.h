// Pairs out of a person's data file, as a set that is to be judged.
#pragma once

#include "store/label_sets.h"

struct label_from {
    const char *path;
    const char *name; // of the set; NULL: the file's name without its ending
    double repeats;   // the share of pairs that come a second time
    uint64_t seed;    // 0: by the clock
};
// Whatever file corpus.h reads: a pair of each row with two answers; of ranked lists each answer with the one after it.
// Where there is a set of that file already (and no other name was asked for), that one goes on. Reads the whole file.
// *out: the set.
int label_set_from_file(struct store *s, const struct label_from *from, struct label_set *out, struct err *e);
