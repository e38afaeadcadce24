// The value network of an objective that asks for one (NETWORK_VALUE): a second model, started from the same weights,
// whose score head reads a prompt's last token, or (NETWORK_TOKEN_VALUE) before each token of the responses. It has its own
// optimizer.
//
// Owner: the trainer's thread, like the model that it stands beside.
#pragma once

#include "base/err.h"
#include "model/decoder.h"
#include "train/data/dataset.h"
#include "train/objective/objective.h"
#include "train/learn/optimizer.h"
#include "train/learn/packing.h"

struct value_net {
    struct model *model;
    struct decoder *decoder;
    struct optimizer optimizer;
    // The prompts that were read last, one sequence each.
    struct seq_batch batch;
    int32_t *tokens, *positions;
    struct attn_segment *segments;
    struct seq_span *spans;
    float *scores, *coef;
    size_t cap_tokens, cap_prompts;
    // Of tokens: the groups that were read last, prompts and responses.
    bool of_tokens;
    struct packed packed;
};

struct value_options {
    bool recompute;
    int max_batch_tokens;
    bool tokens;
    const struct dataset *data; // that it will read, for its size
};
// Takes the model, also when it fails: trainable, with a score head.
int value_new(struct value_net **out, struct model *m, const struct value_options *o, struct err *e);
void value_free(struct value_net *v); // NULL is fine

// Sets seq.value, or seq.tokens.value and d_value, of the groups' responses, which follow each other in seqs. keep:
// value_send will follow; the groups are then those of one micro-batch of the policy. Without it they are taken in pieces of
// max_batch_tokens.
int value_read(struct value_net *v, const struct dataset *data, const int *groups, int n, int max_batch_tokens,
               bool keep, struct seq *seqs, struct err *e);
// The backward pass of what was kept: d_value of the same groups' responses, times share.
int value_send(struct value_net *v, const struct dataset *data, const int *groups, int n, const struct seq *seqs,
               double share, struct err *e);
