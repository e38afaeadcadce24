// A model's matrices laid out once for many products (backend_ops.pack_weights), while it is sampled from: a token's
// products are small, and arranging weights for them anew each time would take a good part of their time.
#pragma once

#include "model/model.h"

enum { PACKED_SHARE = 4 }; // at most 1/PACKED_SHARE of the memory that is free is taken for it

struct packed_weights {
    const void **of; // (n_tensors), of each tensor; NULL where it is none that linear() reads. NULL: nothing is packed
    char *block;     // device
    size_t bytes;
    bool refused;    // it was tried: the backend gains nothing, or memory is scarce
    unsigned n_changes; // of the model, when it was packed or refused
};

// Packs what linear() reads of the model unless that was done or refused before; weights changed since are packed anew.
void packed_weights_make(struct packed_weights *p, const struct model *m);
// Whether they are of the weights as they are now.
bool packed_weights_are_of(const struct packed_weights *p, const struct model *m);
void packed_weights_fini(struct packed_weights *p, const struct model *m); // p is then as at first
// The bytes that it takes at most, where memory is not scarce, before there is a model: in f32.
double packed_weights_plan(const struct arch *a);
