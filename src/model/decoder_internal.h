// The decoder's state, shared by its forward and backward.
#pragma once

#include "model/decoder.h"
#include "model/decoder_parts.h"

struct decoder {
    struct parts parts;
    bool recompute;
    // One block of device memory; everything below points into it, laid out anew for each batch.
    char *block;
    size_t block_bytes;
    int32_t *tokens, *positions, *target_rows, *target_ids, *last_rows;
    float *wide;               // (T, E) when projected
    struct layer_acts *layers; // n_layers; without a backward, or with recomputation, all share one but for x
    float *out;                // (T, C) of the last layer
    struct final_acts target, last; // (N), (S)
    float *logprobs, *lse, *entropy, *is_top, *scores;
    // backward only
    float *coef, *score_coef;
    float *dres, *dnext, *dq, *dk, *dv, *datt;
    struct final_acts dtarget, dlast; // gradients of x, normed, out; both pointing into the same memory
    // What is inside.
    int n_tokens, n_targets, n_seqs;
    bool kept, have_logprobs, have_scores;
    // For decoder_logits: rows, their final hidden states, logits.
    char *logit_block;
    size_t logit_bytes;
    int32_t *host_ids; // staging of positions and last rows
    size_t n_host_ids;
};

// Makes room and lays the block out.
int decoder_layout(struct decoder *d, const struct seq_batch *batch, bool keep, struct err *e);
// From layer l's x to what its backward needs, and on to `out` unless that is NULL.
void decoder_layer(struct decoder *d, int layer, const struct seq_batch *batch, float *out);
// Grows *block to `need` bytes of device memory; its content is lost.
int decoder_reserve(struct decoder *d, char **block, size_t *have, size_t need, const char *what, struct err *e);
