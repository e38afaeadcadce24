// Sampling of many prompts at once, to their end: all are jobs of the model's generator.
#pragma once

#include "model/generator.h"

enum {
    GENERATE_MAX_STREAMS = 512,
    GENERATE_LOGIT_BYTES = 16 << 20,
};
static const size_t GENERATE_CACHE_BYTES = (size_t)1 << 30;

struct gen_prompt {
    const int32_t *tokens;
    int n_tokens;
    int n_samples;
};

// *out: one per prompt and sample, in that order; generate_free releases. on_token may be NULL; it is called
// for each new token and may return false to stop everything (ERR_INTERRUPTED).
typedef bool (*gen_on_token)(void *arg, int prompt, int sample, int32_t token, float logprob);
int generate(struct model *m, const struct gen_prompt *prompts, int n_prompts, const struct gen_options *options,
             gen_on_token on_token, void *arg, struct gen_sample **out, int *n_out, struct err *e);
// Bytes of keys, values and logits, about, for so many streams of n_tokens each, before there is a model.
size_t generate_plan(const struct arch *a, int n_streams, int n_tokens);
void generate_free(struct gen_sample *samples, int n);
