// Sums over the rows of matrices, for the gradients of biases and norms: chunks of rows first, then the chunks in order.
#include "gpu/backend_cuda.cuh"

enum { THREADS = 128 };

// to[column] += sum over the chunks of partial(n_chunks, stride)[chunk][column]
__global__ static void add_chunks_kernel(float *to, const float *partial, int n_chunks, size_t stride, int c)
{
    const int column = (int)(blockIdx.x * THREADS + threadIdx.x);
    if (column >= c)
        return;
    float sum = 0;
    for (int i = 0; i < n_chunks; i++)
        sum += partial[(size_t)i * stride + column];
    to[column] += sum;
}

void gpu_add_chunks(struct backend *b, float *to, const float *partial, int n_chunks, size_t stride, int c)
{
    GPU_RUN(b, add_chunks_kernel, gpu_blocks((size_t)c, THREADS), THREADS, 0, to, partial, n_chunks, stride, c);
}

__global__ static void column_sums_kernel(float *partial, struct stored x, int t, int c)
{
    const int column = (int)(blockIdx.x * THREADS + threadIdx.x), first = (int)blockIdx.y * CHUNK_ROWS;
    const int end = first + CHUNK_ROWS < t ? first + CHUNK_ROWS : t;
    if (column >= c)
        return;
    float sum = 0;
    for (int row = first; row < end; row++)
        sum += load_stored(x, (size_t)row * c + column);
    partial[(size_t)blockIdx.y * c + column] = sum;
}

void gpu_add_column_sums(struct backend *b, float *to, struct stored x, int t, int c)
{
    const int n_chunks = gpu_chunks(t);
    if (t <= 0 || c <= 0)
        return;
    float *partial = (float *)gpu_scratch(b, SCRATCH_SUMS, (size_t)n_chunks * c * sizeof *partial);
    if (!partial)
        return;
    GPU_RUN(b, column_sums_kernel, dim3((unsigned)gpu_blocks((size_t)c, THREADS), (unsigned)n_chunks), THREADS, 0,
            partial, x, t, c);
    gpu_add_chunks(b, to, partial, n_chunks, (size_t)c, c);
}
