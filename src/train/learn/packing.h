// Groups packed for the decoder: each prompt once, its responses after it, no padding.
#pragma once

#include "base/err.h"
#include "model/decoder.h"
#include "train/data/dataset.h"

// Room for one micro-batch; made once, large enough for every one that comes.
struct packed {
    struct seq_batch batch; // points into the arrays below
    int32_t *tokens, *positions, *target_rows, *target_ids;
    struct attn_segment *segments;
    struct seq_span *spans;
    struct token_set *sets;                    // (n_targets): what they were drawn from
    float *logprobs, *entropy, *is_top, *sum_squares, *gaps, *kl, *draws, *set_logprobs; // (n_targets)
    float *coef, *gap_coef, *kl_coef, *set_coef;                                         // (n_targets)
    int32_t *taken_rows, *taken_logits;        // (n_tokens), (n_targets): where the data's tape has them; -1: it has not
    double *weights;                           // (n_targets): how much a token counts in its response's sums
    int32_t *score_rows;                       // (n_targets): each target's own row, when every token has a score
    float *scores, *score_coef;                // (n_targets) then, else (n_seqs)
    // With COLUMN_TOKENS: each response's numbers (over the whole vocabulary, then over sets) and their derivatives, those
    // of several micro-batches one after the other.
    float *token_numbers;
    double *token_slopes;
    size_t n_token_numbers, cap_token_numbers;
    int *places;                               // (n_seqs) which of the taken groups' responses, counted over all
    int max_tokens, max_targets, max_segments, max_seqs;
    int most_targets;        // a batch ends before it has more, unless its first group has; 0: any number
    bool without_mismatched; // answers to other prompts stay out: they carry no gradient
};

// Tokens that a group takes in a batch. A response's last token predicts nothing: it is computed only when a
// reward head reads it (with_last).
int group_tokens(const struct dataset *d, int group, bool with_last);

// Room for any micro-batch of `d` under max_tokens (a single larger group makes a micro-batch of its own). networks: enum
// objective_network, of which those of the reward head decide on the rows.
int packed_init(struct packed *p, const struct dataset *d, int max_tokens, unsigned networks, struct err *e);
void packed_fini(struct packed *p);

// Room for the tokens of all responses of these groups; what seq.tokens pointed to before is gone.
void packed_start_tokens(struct packed *p, const struct dataset *d, const int *groups, int n);
// The next n of that room; of numbers 2 n.
void packed_take_tokens(struct packed *p, int n, float **numbers, double **slopes);
// Whether a tape has all of the batch, which is of d: then decoder_take may take it in the place of a forward.
bool packed_is_taped(const struct packed *p, const struct dataset *d, struct taken *out);
// Packs groups[0..n) as far as they fit and returns how many were taken (at least 1).
int pack_groups(struct packed *p, const struct dataset *d, const int *groups, int n, int max_tokens, unsigned networks);
