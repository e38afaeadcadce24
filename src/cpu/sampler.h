// From logits to a token: temperature, top-k, top-p, min-p, and a uniform random number. A pure function.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/kernels.h"

struct sampler; // its memory, for one call at a time
struct sampler *sampler_new(int vocab_size, const struct cpu_kernels *k);
void sampler_free(struct sampler *s);

// As in struct sampled, of one row.
struct sampler_pick {
    int32_t token;
    float logprob;
    uint32_t *set; // the caller's; NULL: neither it nor `drawn` is wanted
    float drawn;
    float entropy; // where the row wants it
};
// As `how` says, of whose members `logits` and `keep` are not read. False when a logit is not finite.
bool sampler_pick(struct sampler *s, const struct sample_row *how, const float *logits, struct sampler_pick *pick);
