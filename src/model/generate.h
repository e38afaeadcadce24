// Sampling with a KV cache: all streams of a call decode together as one batch of rows, a prompt's keys and
// values are computed once and shared by its samples, finished streams leave the batch at once.
// A token is a pure function of (seed, prompt index, sample index, position) and the model.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/model.h"

struct gen_options {
    int max_new_tokens;
    float temperature; // 0: greedy
    int top_k;         // 0: off
    float top_p;       // 1: off
    uint64_t seed;
    const int32_t *stop_ids; // ends a stream, and is part of its tokens
    int n_stop;
};
struct gen_prompt {
    const int32_t *tokens;
    int n_tokens;
    int n_samples;
};
struct gen_sample {
    int prompt, sample;
    int32_t *tokens; // what was generated, without the prompt
    float *logprobs; // of each token under the model at temperature 1, before top-k and top-p
    int n_tokens;
    bool stopped;    // by a stop id; else by max_new_tokens or the model's longest sequence
};

// *out: one per prompt and sample, in that order; generate_free releases. on_token may be NULL; it is called
// for each new token and may return false to stop everything (ERR_INTERRUPTED).
typedef bool (*gen_on_token)(void *arg, int prompt, int sample, int32_t token, float logprob);
int generate(struct model *m, const struct gen_prompt *prompts, int n_prompts, const struct gen_options *options,
             gen_on_token on_token, void *arg, struct gen_sample **out, int *n_out, struct err *e);
// Bytes of keys, values and logits, about, for so many streams of n_tokens each, before there is a model.
size_t generate_plan(const struct arch *a, int n_streams, int n_tokens);
void generate_free(struct gen_sample *samples, int n);
