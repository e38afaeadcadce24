// Who works on one batch: `size` ranks, each with the whole model, the same data and source, and a share of each batch's
// groups. What belongs to the whole batch meets here and nowhere else: the numbers that prepare() and an evaluation look
// at, the sums of losses, how it went, and the gradients. Everything else follows from those on every rank alike, so that
// all ranks hold the same weights, bit for bit. One rank is the usual case, and then nothing is done.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/backend.h"
#include "train/objective/metrics.h"

// How ranks reach each other. Every rank makes the same calls in the same order. A rank that is gone makes the others' call
// fail (ERR_IO, ERR_INTERRUPTED), and they do not call again.
struct ranks_ops {
    // Rank k's part of `all` lies in the bytes ends[k - 1] .. ends[k]; the caller's own is there, the others' come.
    int (*gather)(void *with, void *all, const size_t *ends, struct err *e);
    // x (n floats, in the backend's memory) becomes the sum of all ranks' x, added in an order that depends on nothing but
    // the ranks: the same bits on each.
    int (*sum)(void *with, const struct backend_ops *ops, struct backend *b, float *x, size_t n, struct err *e);
};
struct ranks {
    int rank, size; // 0 of 0 is 0 of 1
    const struct ranks_ops *ops; // NULL with one rank
    void *with;
};

// Of n groups, rank k has those from ranks_first(r, n, k) up to ranks_first(r, n, k + 1).
int ranks_first(const struct ranks *r, int n, int k);

// Where the ranks' parts end, and what each says of its part: memory for ranks_gather_seqs and ranks_agree.
struct meeting {
    const struct ranks *ranks;
    size_t *ends;
    struct rank_share *shares;
};
void meeting_init(struct meeting *m, const struct ranks *r); // r: stays
void meeting_fini(struct meeting *m);

// seqs: numbers of the batch's n groups, that of group g from first[g]; the own ones are there, the others' come, without
// what they have of single tokens.
int ranks_gather_seqs(struct meeting *m, struct seq *seqs, const int *first, int n, struct err *e);
// How the ranks' work went. code: of the own one, with its error in *e. Where all have 0: 0, and *tally and *n_tokens
// (which may be NULL) are the sums over all ranks. Else the own error, or ERR_STATE that tells of another's.
int ranks_agree(struct meeting *m, int code, struct tally *tally, int64_t *n_tokens, struct err *e);
int ranks_sum(const struct ranks *r, const struct backend_ops *ops, struct backend *b, float *x, size_t n, struct err *e);
