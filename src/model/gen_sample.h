// The samples of a job while the generator fills them.
#pragma once

#include "model/generator.h"

// r->n_samples with room for max_new tokens each, and for their places with on_tape; NULL with *e.
struct gen_sample *gen_samples_new(const struct gen_request *r, int max_new, bool on_tape, struct err *e);
// What the newest of s->tokens was drawn from: its log-probability, and the set as in struct sampled.
int gen_sample_keep(struct gen_sample *s, float drawn, const uint32_t *set, int vocab, struct err *e);
