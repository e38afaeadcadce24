// The optimizer and what it needs to know of whole gradients. Sums are taken in double, block by block, and the blocks'
// sums in their order by one block at the end.
#include "gpu/backend_cuda.cuh"

enum { THREADS = 256, CHUNK = 16384 };

struct two_sums {
    double a, b;
};

// totals[k] = sum over i of partial[i][k]: one block for each k, threads and then the block in a fixed order.
__global__ static void total_kernel(double *totals, const struct two_sums *partial, size_t n)
{
    double sum = 0;
    for (size_t i = threadIdx.x; i < n; i += THREADS)
        sum += blockIdx.x ? partial[i].b : partial[i].a;
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        totals[blockIdx.x] = sum;
}

// The sums over the chunks' sums, on the host. Waits.
static struct two_sums totals_of(struct backend *b, struct two_sums *partial, size_t n_chunks)
{
    double totals[2] = {0, 0}, *on_device = (double *)(void *)(partial + n_chunks);
    GPU_RUN(b, total_kernel, 2, THREADS, 0, on_device, partial, n_chunks);
    gpu_download(b, totals, on_device, sizeof totals);
    return two_sums{totals[0], totals[1]};
}

static struct two_sums *room_for_sums(struct backend *b, size_t n_chunks)
{
    return (struct two_sums *)gpu_scratch(b, SCRATCH_SUMS, (n_chunks + 1) * sizeof(struct two_sums));
}

__global__ static void squares_kernel(struct two_sums *partial, const float *x, size_t n)
{
    const size_t first = (size_t)blockIdx.x * CHUNK, end = n - first < CHUNK ? n : first + CHUNK;
    double sum = 0;
    for (size_t i = first + threadIdx.x; i < end; i += THREADS)
        sum += (double)x[i] * (double)x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = two_sums{sum, 0};
}

double gpu_sum_squares(struct backend *b, const float *x, size_t n)
{
    const size_t n_chunks = gpu_blocks(n, CHUNK);
    struct two_sums *partial = room_for_sums(b, n_chunks);
    if (!partial)
        return 0;
    GPU_RUN(b, squares_kernel, n_chunks, THREADS, 0, partial, x, n);
    return totals_of(b, partial, n_chunks).a;
}

__global__ static void shrink_kernel(struct two_sums *partial, float *w, const float *start, float threshold, size_t n)
{
    const size_t first = (size_t)blockIdx.x * CHUNK, end = n - first < CHUNK ? n : first + CHUNK;
    double l1 = 0, small = 0;
    for (size_t i = first + threadIdx.x; i < end; i += THREADS) {
        const float s = start[i], d = w[i] - s;
        const float now = d > threshold ? s + (d - threshold) : d < -threshold ? s + (d + threshold) : s;
        const double left = fabs((double)now - (double)s);
        w[i] = now;
        l1 += left;
        small += left < 1e-8;
    }
    l1 = block_sum(l1);
    small = block_sum(small);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = two_sums{l1, small};
}

struct shrunk gpu_shrink(struct backend *b, float *w, const float *start, float threshold, size_t n)
{
    const size_t n_chunks = gpu_blocks(n, CHUNK);
    struct two_sums *partial = room_for_sums(b, n_chunks);
    struct shrunk all = {0, 0};
    if (!partial)
        return all;
    GPU_RUN(b, shrink_kernel, n_chunks, THREADS, 0, partial, w, start, threshold, n);
    const struct two_sums sums = totals_of(b, partial, n_chunks);
    all.l1 = sums.a;
    all.n_small = (size_t)sums.b;
    return all;
}

// The gradient is scaled (clipped) as it is read, and left at zero.
__global__ static void adamw_kernel(float *p, float *g, float *m, float *v, size_t n, struct adamw step)
{
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= n)
        return;
    const float grad = g[i] * step.grad_scale;
    const float first = fmaf(step.beta1, m[i], (1 - step.beta1) * grad);
    const float second = fmaf(step.beta2, v[i], (1 - step.beta2) * grad * grad);
    const float move = first * (1 / step.correction1) / (sqrtf(second * (1 / step.correction2)) + step.eps);
    g[i] = 0;
    m[i] = first;
    v[i] = second;
    p[i] = fmaf(-step.lr, move, p[i] * (1 - step.lr * step.weight_decay));
}

void gpu_adamw(struct backend *b, float *p, float *g, float *m, float *v, size_t n, const struct adamw *step)
{
    GPU_RUN(b, adamw_kernel, gpu_blocks(n, THREADS), THREADS, 0, p, g, m, v, n, *step);
}
