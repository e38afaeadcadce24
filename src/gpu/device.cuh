// What every .cu file includes first: the CUDA runtime, or in the tests its stand-in for the host compiler
// (tests/gpu/cuda_host.h), and what kernels share. src/gpu/README.md says how a file is laid out.
//
// Three macros cover what a header cannot imitate:
//   LAUNCH(kernel, grid, block, shared, stream)(arguments);
//   SHARED(float, tile, [32][33]);   a kernel's shared array
//   DYN_SHARED(float, rows);         the shared bytes that LAUNCH asked for
// Warps meet whole: blocks are multiples of 32 threads, every lane takes part in shuffles, every thread in
// __syncthreads(). Nothing is summed by atomics, so that results have the same bits every time.
#pragma once

// UNROLL before a loop keeps what it indexes in registers, ROLLED one that is seldom gone through out of them.
#ifdef ATTUNE_CUDA_ON_HOST
#include <cuda_host.h>
#define UNROLL
#define ROLLED
#else
#include <cuda_runtime.h>
#define LAUNCH(kernel, grid, block, shared, stream) kernel<<<grid, block, shared, stream>>>
#define SHARED(type, name, dimensions) __shared__ type name dimensions
#define DYN_SHARED(type, name)                                                                                         \
    extern __shared__ __align__(16) unsigned char dyn_shared_bytes[];                                                  \
    type *name = (type *)dyn_shared_bytes
#define UNROLL _Pragma("unroll")
#define ROLLED _Pragma("unroll 1")
#endif

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define _Noreturn [[noreturn]]
extern "C" {
#include "model/backend.h"
}
#undef _Noreturn

enum { WARP = 32 };
#define ALL_LANES 0xffffffffu

// Where an operation writes its result: as it is, rounded, or both; a NULL is not written.
struct twin {
    float *y;
    uint16_t *rounded;
};

__device__ static inline float float_of_bits(uint32_t bits)
{
    return __uint_as_float(bits);
}

__device__ static inline float float_of_bf16(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}

// To nearest, ties to even; NaN stays NaN.
__device__ static inline uint16_t bf16_of_float(float x)
{
    const uint32_t bits = __float_as_uint(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

__device__ static inline struct twin twin_from(const struct twin &t, size_t i)
{
    struct twin from;
    from.y = t.y ? t.y + i : NULL;
    from.rounded = t.rounded ? t.rounded + i : NULL;
    return from;
}

__device__ static inline void put(const struct twin &to, size_t i, float x)
{
    if (to.y)
        to.y[i] = x;
    if (to.rounded)
        to.rounded[i] = bf16_of_float(x);
}

// What an operation reads, and where its rounded copy goes; NULL: nowhere.
struct source {
    struct stored from;
    uint16_t *copy;
};

__device__ static inline float float_of_f16(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff;
    if (exponent == 31)
        return float_of_bits(sign | 0x7f800000 | fraction << 13);
    if (exponent)
        return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    const float tiny = (float)fraction * 5.9604644775390625e-8f; // subnormal or zero, in steps of 2^-24
    return sign ? -tiny : tiny;
}

// Number i of weights as they are stored.
__device__ static inline float load_stored(struct stored s, size_t i)
{
    if (s.type == DTYPE_F32)
        return ((const float *)s.at)[i];
    const uint16_t half = ((const uint16_t *)s.at)[i];
    return s.type == DTYPE_BF16 ? float_of_bf16(half) : float_of_f16(half);
}

// Number i, which is read once: its copy is written.
__device__ static inline float take(const struct source &s, size_t i)
{
    const float x = load_stored(s.from, i);
    if (s.copy)
        s.copy[i] = bf16_of_float(x);
    return x;
}

// The sum over a warp, the same bits in every lane: a + b is b + a, and each lane adds the same pairs of sums.
template <class number>
__device__ static inline number warp_sum(number x)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, distance);
    return x;
}

__device__ static inline float warp_max(float x)
{
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, distance));
    return x;
}

// The sum over a block of one dimension, the same bits in every thread. All threads call it.
template <class number>
__device__ static inline number block_sum(number x)
{
    SHARED(number, sums, [WARP]);
    const int lane = threadIdx.x % WARP, n_warps = blockDim.x / WARP;
    x = warp_sum(x);
    __syncthreads(); // the call before has been read
    if (lane == 0)
        sums[threadIdx.x / WARP] = x;
    __syncthreads();
    return warp_sum(lane < n_warps ? sums[lane] : (number)0);
}
