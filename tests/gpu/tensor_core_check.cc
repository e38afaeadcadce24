// One product of a warp by tensor_core.cuh, with all that its lanes had in their registers.
#include "gpu/tensor_core.cuh"

#include "cuda_host_memory.h"

enum { STRIDE = 24, N = 256 };

// Tiles of bf16 that stand for a(16, 16), b(16, 16) and b transposed; two neighbours' b and c.
struct tensor_core_tiles {
    uint16_t a[N], b[N], b_transposed[N];
    uint32_t has_a[32][4], has_b[32][4], has_b_as_it_is[32][4];
    float c[2][32][4];
};

__global__ static void product_kernel(struct tensor_core_tiles *t)
{
    SHARED(uint4, room, [3 * 16 * STRIDE / 8]);
    uint16_t *a = (uint16_t *)room, *b = a + 16 * STRIDE, *transposed = b + 16 * STRIDE;
    const int lane = (int)threadIdx.x;
    for (int i = lane; i < N; i += 32) {
        a[i / 16 * STRIDE + i % 16] = t->a[i];
        b[i / 16 * STRIDE + i % 16] = t->b[i];
        transposed[i / 16 * STRIDE + i % 16] = t->b_transposed[i];
    }
    __syncthreads();
    mma_load_a(t->has_a[lane], a, STRIDE, lane);
    mma_load_b(t->has_b[lane], transposed, STRIDE, lane);
    mma_load_b_as_it_is(t->has_b_as_it_is[lane], b, STRIDE, lane);
    for (int n = 0; n < 2; n++)
        mma(t->c[n][lane], t->has_a[lane], t->has_b[lane] + 2 * n);
}

extern "C" void tensor_core_product(struct tensor_core_tiles *t)
{
    struct tensor_core_tiles *room = NULL;
    void *pinned = NULL;
    cudaStream_t stream;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaMallocAsync(&room, sizeof *room, stream);
    cudaMallocHost(&pinned, sizeof *t);
    memcpy(pinned, t, sizeof *t);
    cudaMemcpyAsync(room, pinned, sizeof *t, cudaMemcpyHostToDevice, stream);
    LAUNCH(product_kernel, dim3(1), dim3(32), 0, stream)(room);
    cudaMemcpyAsync(pinned, room, sizeof *t, cudaMemcpyDeviceToHost, stream);
    cudaStreamSynchronize(stream);
    memcpy(t, pinned, sizeof *t);
    cudaFreeHost(pinned);
    cudaFreeAsync(room, stream);
    cudaStreamDestroy(stream);
}
