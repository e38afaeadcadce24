// From logits to a token: temperature, top-k, top-p, and a uniform random number. A pure function, in host memory.
#pragma once

#include <stdint.h>

#include "base/err.h"

struct sampler_options {
    float temperature; // 0: the most likely token, the lowest of several
    int top_k;         // only the k most likely; 0: all
    float top_p;       // of those, the fewest that hold this share of their probability; 1: all
};

struct sampler;
struct sampler *sampler_new(int vocab_size, const struct sampler_options *options);
void sampler_free(struct sampler *s);
// uniform in [0, 1). *logprob is the token's under the model: at temperature 1, before top-k and top-p.
// ERR_NUMERIC when a logit is not finite.
int sampler_pick(struct sampler *s, const float *logits, double uniform, int32_t *token, float *logprob, struct err *e);
