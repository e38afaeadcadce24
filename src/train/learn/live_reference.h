// The model that the run started from, at work beside the one that is trained: for objectives that compare whole
// distributions with it in every step (READ_KL), and for the KL of probes. One is shared by trainer and prober.
// With adapters it is the model itself with its adapter off, or, where a run goes on with one that was loaded, with the
// adapter as it came, which is kept beside it; with full fine-tuning the file that it was loaded from, mapped; a copy of the
// weights only where no file has them (a new model, a merged adapter).
//
// Owner: the trainer's thread. It must be made before the first step, or before a checkpoint is restored.
#pragma once

#include "base/err.h"
#include "model/decoder.h"

struct live_reference;

int live_reference_new(struct live_reference **out, struct model *policy, struct err *e);
void live_reference_free(struct live_reference *r); // NULL is fine

// Between enter and leave the decoder computes the reference, and an adapter of the policy is off, or as it came.
struct decoder *live_reference_enter(struct live_reference *r);
void live_reference_leave(struct live_reference *r);
// Whose weights they are between enter and leave: the policy itself, or a model of its own.
struct model *live_reference_model(struct live_reference *r);
// Its hidden states of the batch, which *decoder keeps until the next one: what decoder_head compares with.
int live_reference_forward(struct live_reference *r, const struct seq_batch *batch, struct decoder **decoder,
                           struct err *e);
