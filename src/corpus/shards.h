// Data sets of several files: "train-00000-of-00003.parquet" and its kin, in a folder or by a pattern.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct shards {
    char **paths; // (n), in the order of their numbers
    size_t n;
};
// Whether a file's name is that of data in a folder, not of what describes them.
bool shards_is_data(const char *name);
// Whether the path names several files: a folder, or a pattern ("train-*.parquet") that is no file's name.
bool shards_named_by(const char *path);
// The files. Fails where one of "-of-00003" is missing, and names it; where a folder holds several data sets (train and
// test), and says which; and where there are none.
int shards_find(struct shards *out, const char *path, struct err *e);
void shards_fini(struct shards *s);
