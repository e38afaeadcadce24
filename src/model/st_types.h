// The float formats that weights are stored in, and what safetensors calls them.
#pragma once

#include <stdint.h>
#include <string.h>

#include "model/safetensors.h"

const char *st_dtype_name(enum st_dtype dtype);
size_t st_dtype_bytes(enum st_dtype dtype); // 0 for those of odd sizes

static inline float f32_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline uint32_t f32_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static inline float f32_from_bf16(uint16_t half)
{
    return f32_from_bits((uint32_t)half << 16);
}

// Rounds to nearest, ties to even; NaN stays NaN.
static inline uint16_t bf16_from_f32(float value)
{
    uint32_t bits = f32_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float f32_from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31)
        return f32_from_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent)
        return f32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f; // subnormal or zero
    return sign ? -tiny : tiny;
}

// Rounds to nearest, ties to even; what is too large becomes infinite.
static inline uint16_t f16_from_f32(float value)
{
    uint32_t bits = f32_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) // 65520 and more round to infinity
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { // subnormal: the magnitude in steps of 2^-24, rounded by the addition
        uint32_t shifted = f32_bits(f32_from_bits(magnitude) + 0.5f);
        return (uint16_t)(sign | (shifted - 0x3f000000));
    }
    return (uint16_t)(sign | ((magnitude + 0xfff + (magnitude >> 13 & 1)) - 0x38000000) >> 13);
}
