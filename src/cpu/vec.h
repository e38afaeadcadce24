// Vectors of VW floats in GCC's vector extension. The including file defines VW (4, 8 or 16); the compiler
// options of that file decide the instructions. fma is asked for by name: contraction is off.
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if VW > 4
#include <immintrin.h>
#endif

typedef float vf __attribute__((vector_size(VW * 4)));
typedef float vf_mem __attribute__((vector_size(VW * 4), aligned(4), may_alias));
typedef int32_t vi __attribute__((vector_size(VW * 4)));
typedef double vd_half __attribute__((vector_size(VW * 4))); // VW / 2 doubles

#define V_INLINE static inline __attribute__((always_inline))

V_INLINE vf v_set(float x)
{
    return x - (vf){0};
}

V_INLINE vf v_load(const float *p)
{
    return *(const vf_mem *)p;
}

V_INLINE void v_store(float *p, vf x)
{
    *(vf_mem *)p = x;
}

#if VW == 8
// A mask of the first n lanes
V_INLINE __m256i v_first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
#endif

// The first n < VW elements; the rest is zero.
V_INLINE vf v_load_n(const float *p, size_t n)
{
#if VW == 16
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif VW == 8
    return _mm256_maskload_ps(p, v_first(n));
#else
    vf x = {0};
    for (size_t i = 0; i < n; i++)
        x[i] = p[i];
    return x;
#endif
}

#if VW == 8
// The first half: a masked store is very slow on processors of AMD.
V_INLINE void v_store_half(float *p, vf x)
{
    _mm_storeu_ps(p, _mm256_castps256_ps128(x));
}
#endif

V_INLINE void v_store_n(float *p, vf x, size_t n)
{
#if VW == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), x);
#elif VW == 8
    _mm256_maskstore_ps(p, v_first(n), x);
#else
    for (size_t i = 0; i < n; i++)
        p[i] = x[i];
#endif
}

#if VW > 4
// The first n halves, bf16 (is_bf16) or f16, widened; the rest is zero. n may be VW or more.
V_INLINE vf v_load_halves(const uint16_t *p, size_t n, const bool is_bf16)
{
#if VW == 16
    const __m256i x = _mm256_maskz_loadu_epi16(n >= VW ? 0xffff : (__mmask16)((1u << n) - 1), p);
    return is_bf16 ? (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16) : (vf)_mm512_cvtph_ps(x);
#else
    uint16_t part[VW] = {0};
    if (n < VW)
        memcpy(part, p, n * sizeof *p);
    const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(n < VW ? part : p));
    return is_bf16 ? (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16) : (vf)_mm256_cvtph_ps(x);
#endif
}
#endif

// a * b + c, rounded once where the level has FMA
V_INLINE vf v_fma(vf a, vf b, vf c)
{
#if VW == 16
    return _mm512_fmadd_ps(a, b, c);
#elif VW == 8
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

// The same with a[0] in every lane of a. AVX-512 reads and spreads it within the instruction, which compilers only do
// where it is used once.
V_INLINE vf v_fma_spread(const float *a, vf b, vf c)
{
#if VW == 16
    __asm__("vfmadd231ps %1%{1to16%}, %2, %0" : "+v"(c) : "m"(*a), "v"(b));
    return c;
#else
    return v_fma(v_set(*a), b, c);
#endif
}

// yes where mask is all ones, no where it is zero
V_INLINE vf v_select(vi mask, vf yes, vf no)
{
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

// b where either is NaN
V_INLINE vf v_max(vf a, vf b)
{
#if VW == 16
    return _mm512_max_ps(a, b);
#elif VW == 8
    return _mm256_max_ps(a, b);
#else
    return v_select(a > b, a, b);
#endif
}

V_INLINE vf v_sqrt(vf x)
{
#if VW == 16
    return _mm512_sqrt_ps(x);
#elif VW == 8
    return _mm256_sqrt_ps(x);
#else
    for (int i = 0; i < VW; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

// Lanes are added in a fixed tree.
V_INLINE float v_sum(vf x)
{
#if VW == 16
    return _mm512_reduce_add_ps(x);
#elif VW == 8
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return half[0] + half[1];
#else
    return (x[0] + x[2]) + (x[1] + x[3]);
#endif
}

V_INLINE float v_max_lane(vf x)
{
#if VW == 16
    return _mm512_reduce_max_ps(x);
#elif VW == 8
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return half[0] > half[1] ? half[0] : half[1];
#else
    float best = x[0];
    for (int i = 1; i < VW; i++)
        best = x[i] > best ? x[i] : best;
    return best;
#endif
}

// exp within 2 ulp of the result (relative 2.4e-7) for x in [-87.3, 88.7]; 0 below, inf above, NaN stays.
// 2^n * exp(r), |r| <= ln2/2, with the polynomial of Moshier's Cephes expf.
V_INLINE vf v_exp(vf x)
{
    const vf low = v_set(-87.33654f), high = v_set(88.72283f), magic = v_set(12582912.f);
#if VW == 16
    vf y = _mm512_min_ps(high + 1, x); // NaN stays
#else
    vi below = x < low, above = x > high;
    vf y = v_select(below | above, v_set(0), x);
#endif
    vf n = v_fma(y, v_set(1.44269504088896341f), magic) - magic;
    vf r = v_fma(n, v_set(-0.693359375f), y);
    r = v_fma(n, v_set(2.12194440e-4f), r);
    vf p = v_set(1.9875691500e-4f);
    p = v_fma(p, r, v_set(1.3981999507e-3f));
    p = v_fma(p, r, v_set(8.3334519073e-3f));
    p = v_fma(p, r, v_set(4.1665795894e-2f));
    p = v_fma(p, r, v_set(1.6666665459e-1f));
    p = v_fma(p, r, v_set(5.0000001201e-1f));
    p = v_fma(p * r, r, r) + 1;
#if VW == 16
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, low, _CMP_NLT_UQ), p, n);
#else
    // n reaches 128: multiply by 2^(n/2) twice
    vi whole = __builtin_convertvector(v_select(n != n, v_set(0), n), vi), part = whole >> 1;
    vf first = (vf)((part + 127) << 23), second = (vf)((whole - part + 127) << 23);
    p = p * first * second;
    return v_select(below, v_set(0), v_select(above, v_set(INFINITY), p));
#endif
}

// tanh within 4 ulp: a polynomial (Cephes tanhf) below 0.625, from exp above.
V_INLINE vf v_tanh(vf x)
{
    vf z = x * x;
    vf p = v_set(-5.70498872745e-3f);
    p = v_fma(p, z, v_set(2.06390887954e-2f));
    p = v_fma(p, z, v_set(-5.37397155531e-2f));
    p = v_fma(p, z, v_set(1.33314422036e-1f));
    p = v_fma(p, z, v_set(-3.33332819422e-1f));
    vf small = v_fma(p * z, x, x);
    vi sign = (vi)x & (vi)v_set(-0.f);
    vf size = (vf)((vi)x & ~(vi)v_set(-0.f));
    vf large = 1 - 2 / (v_exp(size + size) + 1);
    large = (vf)((vi)large | sign);
    return v_select(size < 0.625f, small, large);
}

V_INLINE vf v_sigmoid(vf x)
{
    return 1 / (1 + v_exp(-x));
}

// erf: libm's, a lane at a time.
V_INLINE vf v_erf(vf x)
{
    for (int i = 0; i < VW; i++)
        x[i] = erff(x[i]);
    return x;
}
