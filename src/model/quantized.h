// Frozen weights in 8 and 4 bits, as they lie in memory (they are never written to files), and the plain loops that make and
// read them. Backends read them in their own ways, to the same bits: a number is one product, of its value and its block's
// scale, rounded once.
//
// int8: a block of 64 numbers has an f32 scale, its largest magnitude / 127; a number is an integer from -127 to 127.
// nf4: QLoRA's (Dettmers et al. 2023, arXiv:2305.14314): a block's scale is its largest magnitude, a number one of 16 values.
//      The scales are quantized as well: less their mean over the whole matrix, in 8 bits, by groups of 256 blocks. The number
//      of even place is in a byte's high half, as in bitsandbytes.
#pragma once

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "model/backend.h"
#include "model/quantized_tables.h"

// A group as it lies.
struct nf4_group {
    float mean, most; // of the matrix's scales; the largest |scale - mean| of the group
    uint8_t room[8];
    uint8_t scales[QUANT_BLOCKS]; // number of a value of quant_map
    uint8_t pairs[QUANT_GROUP / 2];
};
struct int8_group {
    float scales[QUANT_BLOCKS];
    int8_t numbers[QUANT_GROUP];
};
static_assert(sizeof(struct nf4_group) == NF4_HEAD + QUANT_GROUP / 2 && sizeof(struct int8_group) == INT8_HEAD + QUANT_GROUP,
               "quantized_bytes counts what there is");

static const float nf4_values[16] = {NF4_VALUES};
static const float quant_map[256] = {QUANT_MAP_VALUES};

// The group of number i; groups that are not whole end early.
static inline const struct nf4_group *nf4_group_of(const void *at, size_t i)
{
    return (const struct nf4_group *)at + i / QUANT_GROUP;
}
static inline const struct int8_group *int8_group_of(const void *at, size_t i)
{
    return (const struct int8_group *)at + i / QUANT_GROUP;
}
static inline float nf4_scale(const struct nf4_group *g, size_t i)
{
    return quant_map[g->scales[i % QUANT_GROUP / QUANT_BLOCK]] * g->most + g->mean;
}
static inline float int8_scale(const struct int8_group *g, size_t i)
{
    return g->scales[i % QUANT_GROUP / QUANT_BLOCK];
}
static inline float nf4_value(const struct nf4_group *g, size_t i)
{
    const uint8_t pair = g->pairs[i % QUANT_GROUP / 2];
    return nf4_values[i % 2 ? pair & 15 : pair >> 4];
}
static inline float int8_value(const struct int8_group *g, size_t i)
{
    return (float)g->numbers[i % QUANT_GROUP];
}

// to = the finite numbers w(n); quantized_bytes of them, aligned to QUANT_ALIGN.
void quantize(void *to, enum dtype type, const float *w, size_t n);
// y(n) = the numbers from number `first` on.
void dequantize(float *y, const void *from, enum dtype type, size_t first, size_t n);

// "int8" and "nf4"; of others DTYPE_F32, which stands for "as the files have them".
enum dtype quantized_type(const char *name);
const char *quantized_name(enum dtype type);
