// What other programs recorded, as runs of the project.
#pragma once

#include "store/store.h"

// A folder with event files of TensorBoard's becomes a run, as does each such folder below it. name: of the one run
// that there is (NULL: as its folder). All files are read before the first run is made; a run whose name is taken is
// refused.
struct imported {
    char **names; // (n), heap
    int n;
    int64_t n_points;
};
void imported_fini(struct imported *i);
int import_tensorboard(struct store *s, const char *dir, const char *name, struct imported *out, struct err *e);
