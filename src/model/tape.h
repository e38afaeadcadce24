// What a forward pass made of tokens, row by row, for a backward that comes later. Sampling writes it as it goes
// (generator_set_tape), and an update of the same weights takes it (decoder_take) where it would make the same numbers once
// more: bit for bit, on a backend that decodes as it trains.
//
// A row has a token's activations in all layers, and its final hidden state. Logits have rows of their own, because few of a
// prompt's tokens have some.
#pragma once

#include <stdint.h>

#include "model/decoder_parts.h"

struct tape {
    struct model *model;
    struct widths w;
    size_t rows, logit_rows;    // room
    size_t n_rows, n_logits;    // taken
    uint64_t number;            // of its beginning, counted from 1: places on it are good for that one alone
    unsigned n_changes;         // of all of the model's weights, at its beginning
    struct layer_acts *layers;  // (n_layers), of (rows)
    float *out;                 // (rows, C) of the last layer
    float *logits;              // (logit_rows, V), capped; NULL: there was no memory for them
    char *block;
    size_t bytes;
};
// Where something stands on it.
struct tape_place {
    size_t row, logits;
};

// NULL where an update would not find its own bits on it, or has no use for them: another arithmetic in decoding,
// activations that are kept rounded.
struct tape *tape_new(struct model *m);
void tape_free(struct tape *t); // NULL is fine
// Forgets what is on it, and makes room for so much where that is a small part of the memory that is free; else there is
// none.
void tape_start(struct tape *t, size_t rows, size_t logit_rows);
// The next rows; false: there is no such room.
bool tape_take(struct tape *t, size_t rows, size_t logit_rows, struct tape_place *at);
// Whether places of that number are still good: nothing was forgotten since, and the weights are what they were.
bool tape_is_good(const struct tape *t, uint64_t number);
// The bytes that so many rows take, before there is a model.
double tape_plan(const struct arch *a, double rows, double logit_rows);
