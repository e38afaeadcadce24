// Log-probabilities under the reference model: the model that the run started from. They are computed once per
// dataset and kept in a file of the run's folder (reference_file.h), keyed by hashes of the model and of the tokens and by
// how tokens are weighted. A new run takes them from another run of its project that has the same.
#pragma once

#include "base/err.h"
#include "model/model.h"
#include "train/data/dataset.h"

// What keeps a long computation visible and stoppable: false stops it (ERR_INTERRUPTED).
typedef bool (*progress_fn)(void *arg, const char *what, int done, int all);

struct reference_options {
    const char *path;      // of the file, RUNS/NAME/FILE; NULL: none
    const char *model_key; // names the reference's weights
    double tail_cut;       // as in struct reading
    int max_batch_tokens;
    progress_fn progress;  // may be NULL
    char **from;           // may be NULL: other runs' files are not asked, because the weights are this run's own. Else
                           // receives the name of the run whose numbers were taken, on the heap, or NULL
    bool kept_only;        // the weights are others by now: what is not in the file is an error (ERR_STATE)
    void *arg;
};
// Fills d->refs for all groups, or those with wanted[i] (NULL: all). `m` must be the reference now: before the
// first step, or a LoRA model whose adapter (new, thus without effect at the start) is switched off.
int reference_fill(struct dataset *d, const bool *wanted, struct model *m, const struct reference_options *o,
                   struct err *e);
