// The decoder's forward and backward pass over a packed batch, written once in terms of backend_ops.
//
// A packed batch has no padding: each prompt stands in it once, followed by the responses that continue it
// (segments whose prefix is the prompt). Only response tokens ("targets") go through the head. The row that
// predicts a response's first token is the prompt's last row.
//
// Memory is allocated in decoder_new and grows only when a larger batch comes (none in a step otherwise).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/backend.h"
#include "model/model.h"

// The tokens that a target was drawn from, in rising order and itself among them. None: the whole vocabulary.
struct token_set {
    const int32_t *ids;
    int n;
};

struct seq_batch {
    // (n_tokens): host
    int n_tokens;
    const int32_t *tokens, *positions;
    int n_segments;
    const struct attn_segment *segments;
    // (n_targets): the token whose log-probability is wanted, and the row whose hidden state predicts it
    int n_targets;
    const int32_t *target_rows, *target_ids;
    // What the head says (but for decoder_logits) is said of the logits times this; 0: 1. A sampler's temperature T is the
    // float 1 / T.
    float inv_temperature;
    const struct token_set *sets; // (n_targets) for head_reads.set_logprobs; NULL: all are the whole vocabulary
    // (n_seqs): targets [first_target, first_target + n_targets) belong to it; last_row carries its reward score
    // (where that is padding, the last row before it that is not)
    int n_seqs;
    const struct seq_span {
        int first_target, n_targets;
        int last_row;
    } *seqs;
    // (n_scores): the rows that the score head reads; NULL: each sequence's last_row
    int n_scores;
    const int32_t *score_rows;
};
static inline int seq_batch_scores(const struct seq_batch *b)
{
    return b->score_rows ? b->n_scores : b->n_seqs;
}

struct decoder;

// recompute: keep only each layer's input for the backward and compute the rest again (less memory, a third
// more work). The same results, bit for bit.
int decoder_new(struct decoder **out, struct model *m, bool recompute, struct err *e);
void decoder_free(struct decoder *d);
// Bytes that a batch of so many tokens takes (without logits), before there is a model. rank: of an adapter, 0: none.
size_t decoder_plan(const struct arch *a, int rank, int n_tokens, int n_targets, bool bf16, bool keep, bool recompute);

// The most rows that a batch of up to n_tokens is computed with on a device that records calls: sizes of small ones are
// rounded up.
int decoder_most_rows(const struct arch *a, int n_tokens);

// Waits: the forward and the backward do not wait for the device; what fails in them is told by the next call that does
// (a read of the head or the scores, or the backend's sync).

// Final hidden states of the batch stay inside. keep: a backward will follow.
int decoder_forward(struct decoder *d, const struct seq_batch *batch, bool keep, struct err *e);
// What a tape has of the batch's tokens and targets (model/tape.h): the row of each token, and the row of logits of each
// target. Host.
struct tape;
struct taken {
    const struct tape *tape; // of the decoder's model
    const int32_t *rows;     // (n_tokens)
    const int32_t *logits;   // (n_targets), where the tape has logits
};
// In the place of a forward that is kept: leaves inside what that would, bit for bit, taken from a tape. Not with
// recomputation.
int decoder_take(struct decoder *d, const struct seq_batch *batch, const struct taken *from, struct err *e);
// What the head can say of the targets, after decoder_forward of the same batch: (n_targets) each, host; all but
// logprobs may be NULL.
struct head_reads {
    float *logprobs, *entropy, *is_top;
    float *sum_squares; // log sum_v p(v)^2
    // Another token than the target, drawn among the n_rivals likeliest others by draws (0 <= draw < 1), and how far
    // the target's logit is above its.
    float *gaps;
    const float *draws;
    int n_rivals;
    // KL(reference || model) over the vocabulary. reference: another decoder, of the same architecture, after its
    // decoder_forward of the same batch; its batch must stay inside until decoder_backward is done.
    float *kl;
    struct decoder *reference;
    // Log-probabilities under the softmax over the targets' sets; of what was drawn with a temperature and cut (top-k,
    // top-p, min-p), those under which it really was drawn.
    float *set_logprobs;
};
int decoder_head(struct decoder *d, const struct seq_batch *batch, const struct head_reads *reads, struct err *e);
// The most targets of a batch whose logits are kept for the backward, which is then faster. Those of more are made
// again; with our own f32 kernels the results are the same, bit for bit.
int decoder_kept_targets(const struct decoder *d);
// decoder_head with the usual three.
int decoder_logprobs(struct decoder *d, const struct seq_batch *batch, float *logprobs, float *entropy, float *is_top,
                     struct err *e);
// (seq_batch_scores), host: the score head on the rows that the batch names.
int decoder_scores(struct decoder *d, const struct seq_batch *batch, float *scores, struct err *e);
// Coefficients of what was read, host; each may be NULL.
struct decoder_slopes {
    const float *logprob, *gap, *kl, *set_logprob; // (n_targets)
    const float *score;                            // (n_seqs)
};
// Adds the gradients of the sum of coefficient * number over all that was read, after decoder_forward(keep) and
// decoder_head / decoder_scores of the same batch. The reference gets none.
int decoder_send(struct decoder *d, const struct seq_batch *batch, const struct decoder_slopes *slopes, struct err *e);
// The same of sum coef[i] * logprob[i] + sum score_coef[i] * score[i].
int decoder_backward(struct decoder *d, const struct seq_batch *batch, const float *coef, const float *score_coef,
                     struct err *e);
// The logits of given rows, for sampling and tests: (n, vocab_size), host.
int decoder_logits(struct decoder *d, const int32_t *rows, int n, float *logits, struct err *e);
// Bytes of device memory held for activations.
size_t decoder_bytes(const struct decoder *d);
