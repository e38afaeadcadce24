// Quantized numbers made floats (model/quantized.h), for kernels_impl.h. Each is value * scale, rounded once, at every level.
#include "model/quantized.h"

// The values of VW numbers of 4 bits from an even place on.
#if VW == 16
V_INLINE vf nf4_vector(const uint8_t *pairs)
{
    const __m512i both = _mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)(const void *)pairs)); // a byte in 64 bits
    const __m512i codes = _mm512_or_si512(_mm512_srli_epi64(both, 4), _mm512_slli_epi64(both, 32));
    return _mm512_permutexvar_ps(codes, _mm512_loadu_ps(nf4_values)); // of codes the lowest 4 bits count
}
#elif VW == 8
V_INLINE vf nf4_vector(const uint8_t *pairs)
{
    int32_t four;
    memcpy(&four, pairs, sizeof four);
    const __m256i both = _mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
    const __m256i codes = _mm256_or_si256(_mm256_srli_epi64(both, 4), _mm256_slli_epi64(both, 32));
    const __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_values), codes); // of codes the lowest 3 bits count
    const __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(nf4_values + 8), codes);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(codes, 28))); // by the fourth
}
#endif

// n numbers from i on, all of one block.
V_INLINE void dequantize_nf4_block(float *y, const struct nf4_group *g, size_t i, size_t n)
{
    const float scale = nf4_scale(g, i);
    const size_t end = i + n;
#if VW > 4
    if (i % 2 && i < end)
        *y++ = nf4_value(g, i) * scale, i++;
    for (; i + VW <= end; i += VW, y += VW)
        v_store(y, nf4_vector(&g->pairs[i % QUANT_GROUP / 2]) * scale);
#endif
    for (; i < end; i++)
        *y++ = nf4_value(g, i) * scale;
}

V_INLINE void dequantize_int8_block(float *y, const struct int8_group *g, size_t i, size_t n)
{
    const float scale = int8_scale(g, i);
    const int8_t *x = &g->numbers[i % QUANT_GROUP];
    for (size_t j = 0; j < n; j++)
        y[j] = (float)x[j] * scale;
}

static void k_dequantize(float *y, const void *from, enum dtype type, size_t first, size_t n)
{
    for (size_t i = first, left = n, length; left; i += length, y += length, left -= length) {
        length = QUANT_BLOCK - i % QUANT_BLOCK < left ? QUANT_BLOCK - i % QUANT_BLOCK : left;
        if (type == DTYPE_NF4)
            dequantize_nf4_block(y, nf4_group_of(from, i), i, length);
        else
            dequantize_int8_block(y, int8_group_of(from, i), i, length);
    }
}
