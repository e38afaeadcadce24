// RMSNorm and LayerNorm: a block for each row. The backward's gradients of the weights are summed in chunks of rows, a
// thread for each column, before dx is written: it may be dy itself.
#include "gpu/backend_cuda.cuh"

enum { COLUMNS = 128 };

// One kernel for both: an RMSNorm is a LayerNorm whose mean is 0 (mean == NULL) and that has no bias.
__global__ static void norm_kernel(struct twin y, float *mean, float *rstd, struct source x, const float *w,
                                   const float *bias, float eps, int c)
{
    const size_t row = blockIdx.x, from = row * c;
    float middle = 0, squares = 0;
    if (mean) {
        for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x)
            middle += load_stored(x.from, from + i);
        middle = block_sum(middle) / (float)c;
    }
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x) {
        const float off = load_stored(x.from, from + i) - middle;
        squares = fmaf(off, off, squares);
    }
    const float r = 1 / sqrtf(block_sum(squares) / (float)c + eps);
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x) {
        const float off = take(x, from + i) - middle;
        put(y, from + i, bias ? fmaf(off * r, w[i], bias[i]) : off * r * w[i]);
    }
    if (threadIdx.x == 0) {
        rstd[row] = r;
        if (mean)
            mean[row] = middle;
    }
}

// With xhat = (x - mean) rstd: dx = rstd (w dy - mean(w dy) - xhat mean(w dy xhat)), without the middle term in RMSNorm.
__global__ static void norm_dx_kernel(struct twin out, const float *dx, const float *dy, struct stored x,
                                      const float *w, const float *mean, const float *rstd, int c, bool accumulate)
{
    const size_t row = blockIdx.x;
    const float middle = mean ? mean[row] : 0, r = rstd[row];
    float sum = 0, moment = 0;
    dx += row * c;
    dy += row * c;
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x) {
        const float d = dy[i] * w[i];
        sum += d;
        moment = fmaf(d, (load_stored(x, row * c + i) - middle) * r, moment);
    }
    moment = block_sum(moment) / (float)c;
    const float mean_d = mean ? block_sum(sum) / (float)c : 0;
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x) {
        const float d = r * (dy[i] * w[i] - mean_d - (load_stored(x, row * c + i) - middle) * r * moment);
        put(out, row * c + i, accumulate ? dx[i] + d : d);
    }
}

// partial(n_chunks, 2, c): sums of dy xhat and of dy over a chunk's rows.
__global__ static void norm_dw_kernel(float *partial, const float *dy, struct stored x, const float *mean, const float *rstd,
                                      int t, int c)
{
    const int column = (int)(blockIdx.x * COLUMNS + threadIdx.x), first = (int)blockIdx.y * CHUNK_ROWS;
    const int end = first + CHUNK_ROWS < t ? first + CHUNK_ROWS : t;
    if (column >= c)
        return;
    float dw = 0, dbias = 0;
    for (int row = first; row < end; row++) {
        const size_t at = (size_t)row * c + column;
        const float d = dy[at];
        dw = fmaf(d, (load_stored(x, at) - (mean ? mean[row] : 0)) * rstd[row], dw);
        dbias += d;
    }
    partial += (size_t)blockIdx.y * 2 * c;
    partial[column] = dw;
    partial[c + column] = dbias;
}

static void norm_backward(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                          const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate)
{
    const int n_chunks = gpu_chunks(t);
    const struct stored from = gpu_stored(b, x, (size_t)t * c);
    if ((dw || dbias) && t > 0) {
        const size_t stride = 2 * (size_t)c;
        float *partial = (float *)gpu_scratch(b, SCRATCH_SUMS, (size_t)n_chunks * stride * sizeof *partial);
        if (!partial)
            return;
        GPU_RUN(b, norm_dw_kernel, dim3((unsigned)gpu_blocks((size_t)c, COLUMNS), (unsigned)n_chunks), COLUMNS, 0,
                partial, dy, from, mean, rstd, t, c);
        if (dw)
            gpu_add_chunks(b, dw, partial, n_chunks, stride, c);
        if (dbias)
            gpu_add_chunks(b, dbias, partial + c, n_chunks, stride, c);
    }
    GPU_RUN(b, norm_dx_kernel, t, gpu_row_threads(c), 0, gpu_twin(b, dx, (size_t)t * c), dx, dy, from, w, mean, rstd,
            c, accumulate);
}

void gpu_rmsnorm(struct backend *b, float *y, float *rstd, const float *x, const float *w, float eps, int t, int c)
{
    GPU_RUN(b, norm_kernel, t, gpu_row_threads(c), 0, gpu_twin(b, y, (size_t)t * c), NULL, rstd,
            gpu_source(b, x, (size_t)t * c), w, NULL, eps, c);
}

void gpu_rmsnorm_backward(struct backend *b, float *dx, float *dw, const float *dy, const float *x, const float *w,
                          const float *rstd, int t, int c, bool accumulate)
{
    norm_backward(b, dx, dw, NULL, dy, x, w, NULL, rstd, t, c, accumulate);
}

void gpu_layernorm(struct backend *b, float *y, float *mean, float *rstd, const float *x, const float *w,
                   const float *bias, float eps, int t, int c)
{
    GPU_RUN(b, norm_kernel, t, gpu_row_threads(c), 0, gpu_twin(b, y, (size_t)t * c), mean, rstd,
            gpu_source(b, x, (size_t)t * c), w, bias, eps, c);
}

void gpu_layernorm_backward(struct backend *b, float *dx, float *dw, float *dbias, const float *dy, const float *x,
                            const float *w, const float *mean, const float *rstd, int t, int c, bool accumulate)
{
    norm_backward(b, dx, dw, dbias, dy, x, w, mean, rstd, t, c, accumulate);
}
