// What the files of attention share.
#pragma once

#include "cpu/backend_cpu.h"

enum { ATTN_KEYS = 64 }; // of a tile of scores

// The keys of a segment: rows start.. of the batch, the first at `position`; the prefix, then its own.
struct attn_piece {
    int start, position, n;
};
void attn_pieces(struct attn_piece piece[2], const struct attn_segment *s);

// Which of n_keys keys from key_position on a row at `position` sees: [*first, *end).
void attn_visible(int *first, int *end, int position, int key_position, int n_keys, int window);

// A row's softmax so far: its largest score, and the sum of exp(score - top).
struct attn_running {
    float *top, *sum;
};
// Takes one tile of scaled scores of the row at `position` into number i of the running softmax: scores become
// exp(score - top), zero where the row does not see the key, and out (head_dim) is rescaled to the new maximum.
void attn_fold_row(struct backend *b, const struct attn_shape *shape, float *scores, const struct attn_running *running,
                   int i, float *out, int position, int key_position, int n_keys);

// (row, key) pairs in all, for the estimate of work.
double attn_pairs(const struct attn_segment *segments, int n_segments);
