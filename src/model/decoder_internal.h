// The decoder's state, shared by its forward and backward.
#pragma once

#include "model/decoder.h"
#include "model/decoder_parts.h"
#include "model/tape.h"

// A layer's numbers in less memory: x alone with recomputation.
struct kept_layer {
    void *x, *rest; // of the part_type
    float *exact;
};

// What memory and calls of a batch depend on.
struct decoder_sizes {
    int tokens, targets, scores, segments, longest; // longest: of the segments, in rows
};

struct decoder {
    struct parts parts;
    bool recompute;
    // One block of device memory; everything below points into it, laid out anew for each batch.
    char *block;
    size_t block_bytes;
    int32_t *tokens, *positions, *target_rows, *target_ids, *score_rows;
    int32_t *taken_rows, *taken_logits; // (T), (N): of decoder_take
    struct attn_segment *segments;
    float *wide;               // (T, E) when projected
    struct layer_acts *layers; // n_layers; without a backward, with recomputation or in bf16 all share one (but for x in
                               // f32)
    bool keeps, is_packed;     // this batch is kept for a backward; as `packed` has it
    struct kept_layer *packed; // n_layers in bf16: what a layer's backward needs, between the passes; else NULL
    size_t n_exact, n_rest;    // floats of the shared layer: those that must stay so, and behind them those that are rounded
    float *out;                // (T, C) of the last layer
    struct final_acts target, scored; // (N), (S)
    float *lse, *scores;      // (N), (S)
    float *head_numbers;      // (N_HEAD_NUMBERS, N): what was read of the head, and the draws
    int32_t *rivals;          // (N)
    // backward only
    float *coef, *score_coef; // (4, N), (S)
    float *dres, *dnext, *dq, *dk, *dv, *datt;
    struct final_acts dtarget, dscored; // gradients of x, normed, out; both pointing into the same memory
    // What is inside. The sizes may be more than the batch's, `given`: what is behind it is nobody's (decoder_record.c).
    int n_tokens, n_targets, n_scores, n_segments, longest;
    struct decoder_sizes given;
    bool repeats; // sizes are rounded up, calls recorded
    bool kept, have_logprobs, have_gaps, have_sets, have_scores;
    float *kept_logits;              // from decoder_head to decoder_send or decoder_logits; NULL: none
    const struct tape *tape;         // with the targets' logits; NULL: they are not known
    const struct decoder *reference; // that the KL was read against; NULL: it was not
    // For decoder_logits: rows, their final hidden states, logits; else the logits that decoder_head keeps.
    char *logit_block;
    size_t logit_bytes;
    // The targets' sets, where there are some: (N + 1) where each begins, and the tokens.
    char *set_block;
    size_t set_bytes;
    const int32_t *set_starts, *set_ids; // in it; NULL: no target has one
    int32_t *host_ids; // staging of rows' numbers and segments
    size_t n_host_ids;
    float *host_numbers; // staging of what was read of the head
    size_t n_host_numbers;
};

enum head_number { HEAD_LOGPROBS, HEAD_ENTROPY, HEAD_IS_TOP, HEAD_SUM_SQUARES, HEAD_GAPS, HEAD_KL, HEAD_SET_LOGPROBS,
                   HEAD_REF_LSE, HEAD_SET_LSE, HEAD_DRAWS, N_HEAD_NUMBERS };
static inline float *decoder_head_number(const struct decoder *d, enum head_number which)
{
    return d->head_numbers + (size_t)which * (size_t)d->n_targets;
}

// What the head is asked with, of d's own rows.
struct head_in decoder_head_in(const struct decoder *d, const struct seq_batch *batch);
// Makes room for such a batch, lays the block out and says so in d.
int decoder_layout(struct decoder *d, const struct decoder_sizes *n, bool keep, struct err *e);
// With d->packed, around a layer's forward: what the shared layer is to hold goes into it, on its way or at the end.
void decoder_hold(struct decoder *d, int layer);
void decoder_pack(struct decoder *d, int layer);
// And around its backward: gets it back, and lets it go.
void decoder_unpack(struct decoder *d, int layer);
void decoder_release(struct decoder *d, int layer);
// From layer l's x to what its backward needs, and on to `out` unless that is NULL.
void decoder_layer(struct decoder *d, int layer, float *out);
// Grows *block to `need` bytes of device memory; its content is lost.
int decoder_reserve(struct decoder *d, char **block, size_t *have, size_t need, const char *what, struct err *e);

// decoder_record.c
// The sizes that the batch is computed with; d->given and d->repeats say what of them is its own.
struct decoder_sizes decoder_size(struct decoder *d, const struct seq_batch *batch);
// The segments behind the batch's own, into d->n_segments of them.
void decoder_fill_segments(const struct decoder *d, struct attn_segment *segments);
// n numbers of 4 bytes of the host's, and `filler` up to `filled` of them.
void decoder_upload(struct decoder *d, void *to, const void *host, int n, int filled, int32_t filler);
// One of the three recordings of a batch, and what its calls depend on beside its sizes and the model.
struct decoder_calls {
    enum decoder_part { DECODER_FORWARD, DECODER_HEAD, DECODER_BACKWARD } part;
    unsigned with;                    // bits, of the part: what is read, or what coefficients there are
    int n_rivals;
    float inv_temperature;
    const struct decoder *reference;  // NULL: none
};
// true: the calls have been made. false: the caller makes them, without uploads and downloads, up to decoder_recorded().
bool decoder_replay(const struct decoder *d, const struct decoder_calls *calls);
void decoder_recorded(const struct decoder *d);
