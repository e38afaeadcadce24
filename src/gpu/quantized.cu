// Quantized weights made numbers that products take (model/quantized.h), in tiles: a block of threads has TILE numbers that
// follow each other, a thread EACH of them, all of one block of the format and so of one scale. A number is value * scale,
// rounded once, as on the host.
#include "gpu/backend_cuda.cuh"

extern "C" {
#include "model/quantized.h"
}

enum { THREADS = 256, EACH = 8, TILE = THREADS * EACH };

__device__ static const float values_of_nf4[16] = {NF4_VALUES};
__device__ static const float values_of_scales[256] = {QUANT_MAP_VALUES};

__device__ static void put(float *to, const float *x, bool aligned, int n)
{
    if (aligned && n == EACH) {
        ((float4 *)to)[0] = float4{x[0], x[1], x[2], x[3]};
        ((float4 *)to)[1] = float4{x[4], x[5], x[6], x[7]};
        return;
    }
    for (int i = 0; i < n; i++)
        to[i] = x[i];
}

__device__ static void put(uint16_t *to, const float *x, bool aligned, int n)
{
    if (aligned && n == EACH) {
        uint32_t pairs[EACH / 2];
        for (int i = 0; i < EACH / 2; i++)
            pairs[i] = (uint32_t)bf16_of_float(x[2 * i + 1]) << 16 | bf16_of_float(x[2 * i]);
        *(uint4 *)(void *)to = uint4{pairs[0], pairs[1], pairs[2], pairs[3]};
        return;
    }
    for (int i = 0; i < n; i++)
        to[i] = bf16_of_float(x[i]);
}

template <class number>
__global__ static void nf4_kernel(number *to, const struct nf4_group *from, size_t n, bool aligned)
{
    SHARED(float, values, [16]); // any lane's value is in a bank of its own
    const size_t first = ((size_t)blockIdx.x * THREADS + threadIdx.x) * EACH;
    if (threadIdx.x < 16)
        values[threadIdx.x] = values_of_nf4[threadIdx.x];
    __syncthreads();
    if (first >= n)
        return;
    const struct nf4_group *g = from + first / QUANT_GROUP;
    const int at = (int)(first % QUANT_GROUP);
    const float scale = values_of_scales[g->scales[at / QUANT_BLOCK]] * g->most + g->mean;
    const uint32_t pairs = *(const uint32_t *)(const void *)&g->pairs[at / 2]; // the rest of a short group is there as well
    float x[EACH];
    for (int i = 0; i < EACH; i++)
        x[i] = values[pairs >> (i / 2 * 8 + (i % 2 ? 0 : 4)) & 15] * scale;
    put(to + first, x, aligned, n - first < EACH ? (int)(n - first) : EACH);
}

template <class number>
__global__ static void int8_kernel(number *to, const struct int8_group *from, size_t n, bool aligned)
{
    const size_t first = ((size_t)blockIdx.x * THREADS + threadIdx.x) * EACH;
    if (first >= n)
        return;
    const struct int8_group *g = from + first / QUANT_GROUP;
    const int at = (int)(first % QUANT_GROUP);
    const float scale = g->scales[at / QUANT_BLOCK];
    const uint32_t *fours = (const uint32_t *)(const void *)&g->numbers[at];
    const uint32_t bytes[2] = {fours[0], fours[1]};
    float x[EACH];
    for (int i = 0; i < EACH; i++)
        x[i] = (float)(int8_t)(bytes[i / 4] >> (i % 4 * 8)) * scale;
    put(to + first, x, aligned, n - first < EACH ? (int)(n - first) : EACH);
}

template <class number>
static void run(struct backend *b, number *to, struct stored from, size_t n)
{
    const bool aligned = (uintptr_t)to % 16 == 0;
    if (from.type == DTYPE_NF4)
        GPU_RUN(b, nf4_kernel<number>, gpu_blocks(n, TILE), THREADS, 0, to, (const struct nf4_group *)from.at, n, aligned);
    else
        GPU_RUN(b, int8_kernel<number>, gpu_blocks(n, TILE), THREADS, 0, to, (const struct int8_group *)from.at, n, aligned);
}

void gpu_dequantize(struct backend *b, void *to, enum dtype type, struct stored from, size_t n)
{
    if (type == DTYPE_F32)
        run(b, (float *)to, from, n);
    else if (type == DTYPE_BF16)
        run(b, (uint16_t *)to, from, n);
    else
        gpu_fail(b, ERR_UNSUPPORTED, "nothing is converted into f16");
}
