// Counter-based random numbers (Philox4x32-10, Salmon et al. 2011): a value is a pure function of
// (seed, stream, index). There is no state to save, so a resumed run draws what the run left alone would.
#pragma once

#include <stddef.h>
#include <stdint.h>

// 128 random bits for one index of one stream.
void rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

// A walk over one stream. The streams in use are named here so that no two uses share one.
enum rng_stream {
    RNG_INIT = 1,    // weight initialisation
    RNG_SHUFFLE = 2, // data order
    RNG_SPLIT = 3,   // train / held-out
    RNG_SAMPLE = 4,  // text sampling
    RNG_DEMO = 5,    // the demo's corpus and pairs
    RNG_LORA = 6,    // adapter initialisation
    RNG_OBJECTIVE = 7,
    RNG_RIVAL = 8,   // the tokens that a bad one is contrasted with
    RNG_MISMATCH = 9, // answers to other prompts
    RNG_SELF = 10,   // a model's own answers to the prompts that it learns from
    RNG_COMPARE = 11, // which response of a pair is shown first
    RNG_PART = 12,   // halves of the data
    RNG_UDM = 13,    // the prompts that a classifier learns from
    RNG_PICK = 14,   // which of a policy's answers are learnt from
    RNG_FEEDBACK = 15, // judged pairs that are learnt from again
    RNG_SIDES = 16,  // which answer a person sees first
    RNG_QUEUE = 17,  // in which order a person judges pairs, and which come again
    RNG_MERGE = 20,  // what DARE drops when models are merged
    RNG_BOOTSTRAP = 21, // draws of prompts, for intervals of win rates
    RNG_TEST = 99,
};
struct rng {
    uint64_t seed, stream, index;
    uint32_t left[4];
    int n_left;
};
// `sub` separates uses inside a stream (a tensor, an epoch, a prompt).
struct rng rng_make(uint64_t seed, enum rng_stream stream, uint32_t sub);
uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);
double rng_uniform(struct rng *r);             // [0, 1), 53 bits
double rng_normal(struct rng *r);              // N(0, 1)
uint64_t rng_below(struct rng *r, uint64_t n); // 0 .. n-1 without bias, n > 0
void rng_shuffle(struct rng *r, uint32_t *items, size_t n);
