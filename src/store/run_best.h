// Which of a run's checkpoints is the best by the held-out metric that the run was told to watch (keep-best):
// checkpoints/best.json, {"step", "metric", "direction", "value"}. The engine writes it once that checkpoint is whole, and
// keeps the checkpoint while the file names it; export, sample and show read it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct run_best {
    int64_t step;
    double value;
    bool highest; // the more, the better; else the less
    char metric[80];
};
int run_best_write(const char *run_dir, const struct run_best *b, struct err *e);
int run_best_remove(const char *run_dir, struct err *e); // none is fine
// ERR_NOT_FOUND where there is none.
int run_best_read(const char *run_dir, struct run_best *out, struct err *e);

// RUN@base, what a run began from: the absolute path of its model's folder, which may be one of Attune's own
// ("models/demo"), or of the checkpoint that it went on from. Heap; NULL: it is not there (any more).
char *run_base_folder(const char *model);
