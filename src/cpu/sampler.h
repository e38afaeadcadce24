// From logits to a token: temperature, top-k, top-p, min-p, and a uniform random number. A pure function.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/backend.h"

struct sampler; // its memory, for one call at a time
struct sampler *sampler_new(int vocab_size);
void sampler_free(struct sampler *s);
// As `how` says, of whose members `logits` is not read. *logprob is the token's under the model: at temperature 1, before
// anything is left out. False when a logit is not finite.
bool sampler_pick(struct sampler *s, const struct sample_row *how, const float *logits, int32_t *token, float *logprob);
