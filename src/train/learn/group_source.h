// Where the groups of training come from: one batch after the other, for as long as somebody asks. The trainer knows no more
// of them than this; how far a source is in its data is its own account, and no matter of how many updates were made.
//
// One is a dataset in the order of training, or a part of it (stages), here; another what the policy says as it is tuned
// (online/rollouts.h). A source is a table of these functions.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "train/data/dataset.h"
#include "train/objective/metrics.h"

struct group_batch {
    const struct dataset *data; // as long as the source lives, or until the next batch
    const int *groups;          // (n) of it, until the next batch
    int n;
    const struct metric_list *facts; // to be logged with the first update that is made of it; may be NULL
};

struct group_source;
struct group_source_ops {
    const char *name; // in checkpoints
    int (*next)(struct group_source *s, struct group_batch *out, struct err *e);
    // Where it is, or was before its last batch, so that after restore the same batches follow, bit for bit.
    json_t *(*save)(const struct group_source *s, bool before_last);
    int (*restore)(struct group_source *s, const json_t *saved, const char *dir, struct err *e);
    // Of sources whose batches could not be made again, because the weights are others by now; else NULL. write comes
    // before save and puts into a checkpoint's folder, files that begin with "state.", what the source has for batches to
    // come, which restore takes from there, and, with in_batch, the last one, which read has from there as next gave it.
    // With these, `before_last` is never asked for.
    int (*write)(struct group_source *s, const char *dir, bool in_batch, struct err *e);
    int (*read)(struct group_source *s, const char *dir, struct group_batch *out, struct err *e);
    void (*close)(struct group_source *s);
};
struct group_source {
    const struct group_source_ops *ops;
    const struct dataset *data; // what batches are taken of, to know the largest; may grow later
    int batch_size;
};

// Epochs of all groups, each in a permutation of its own (order.h). The dataset must outlive it.
void group_source_of_dataset(struct group_source **out, const struct dataset *data, int batch_size, uint64_t seed);
// From position `begins` on (in groups, from the beginning of training) these groups alone, n of them, borrowed.
void group_source_take_part(struct group_source *s, const int *groups, int n, int64_t begins);
int64_t group_source_position(const struct group_source *s); // groups that were given out
void group_source_close(struct group_source *s);             // NULL is fine
