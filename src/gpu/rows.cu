// Rows by index: embeddings, gathering and scattering, rotary positions: a block for each row. Where rows may repeat, the
// block of a row's first mention adds all its mentions, in their order: no atomics and no sorting, at the price of
// comparing each index with all others.
#include "gpu/backend_cuda.cuh"

enum { THREADS = 256, N_WARPS = THREADS / (int)WARP };

__global__ static void embed_kernel(float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
                                    const int32_t *positions, int c)
{
    const size_t row = blockIdx.x, from = (size_t)tokens[row] * c, place = wpe.at ? (size_t)positions[row] * c : 0;
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x) {
        const float x = load_stored(wte, from + i);
        out[row * c + i] = wpe.at ? x + load_stored(wpe, place + i) : x;
    }
}

void gpu_embed(struct backend *b, float *out, struct stored wte, struct stored wpe, const int32_t *tokens,
               const int32_t *positions, int t, int c)
{
    GPU_RUN(b, embed_kernel, t, gpu_row_threads(c), 0, out, wte, wpe, tokens, positions, c);
}

void gpu_gather_rows(struct backend *b, float *out, const float *x, const int32_t *rows, int n, int c)
{
    gpu_embed(b, out, stored_f32(x), stored_f32(NULL), rows, NULL, n, c);
}

__global__ static void put_kernel(float *to, const float *from, const int32_t *rows, int c)
{
    const size_t row = blockIdx.x, place = (size_t)rows[row] * c;
    for (int i = (int)threadIdx.x; i < c; i += (int)blockDim.x)
        to[place + i] = from[row * c + i];
}

void gpu_put_rows(struct backend *b, float *to, const float *from, const int32_t *rows, int n, int c)
{
    GPU_RUN(b, put_kernel, n, gpu_row_threads(c), 0, to, from, rows, c);
}

__global__ static void mix_kernel(float *y, const float *x, const float *shares, int c)
{
    const size_t row = blockIdx.x;
    const float share = shares[row];
    for (int i = (int)threadIdx.x; i < c && share > 0; i += (int)blockDim.x) {
        const size_t at = row * c + i;
        y[at] = share == 1 ? x[at] : (1 - share) * y[at] + share * x[at];
    }
}

void gpu_mix_rows(struct backend *b, float *y, const float *x, const float *shares, int n, int c)
{
    float *on_device = n > 0 ? (float *)gpu_scratch(b, SCRATCH_ROWS, (size_t)n * sizeof *on_device) : NULL;
    if (!on_device)
        return;
    gpu_upload(b, on_device, shares, (size_t)n * sizeof *shares);
    GPU_RUN(b, mix_kernel, n, gpu_row_threads(c), 0, y, x, on_device, c);
}

void gpu_embed_backward(struct backend *b, float *dwte, float *dwpe, const float *dout, const int32_t *tokens,
                        const int32_t *positions, int t, int c)
{
    if (dwte)
        gpu_scatter_add_rows(b, dwte, dout, tokens, t, c);
    if (dwpe)
        gpu_scatter_add_rows(b, dwpe, dout, positions, t, c);
}

__global__ static void scatter_kernel(float *to, const float *from, const int32_t *rows, int n, int c)
{
    SHARED(int, mentions, [THREADS]); // those of the present THREADS indices that name the row, in order
    SHARED(int, in_warp, [N_WARPS]);
    const int mine = (int)blockIdx.x, warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    const int32_t row = rows[mine];
    int claim = 0;
    for (int i = (int)threadIdx.x; i < mine; i += THREADS)
        claim |= rows[i] == row;
    if (__syncthreads_or(claim)) // somebody before has mentioned it: all of the block leave
        return;
    for (int first = mine; first < n; first += THREADS) {
        const int i = first + (int)threadIdx.x;
        const bool named = i < n && rows[i] == row;
        const unsigned all = __ballot_sync(ALL_LANES, named);
        if (lane == 0)
            in_warp[warp] = __popc(all);
        __syncthreads();
        int place = __popc(all & ((1u << lane) - 1)), n_mentions = 0;
        for (int k = 0; k < N_WARPS; k++) {
            place += k < warp ? in_warp[k] : 0;
            n_mentions += in_warp[k];
        }
        if (named)
            mentions[place] = i;
        __syncthreads(); // and so the next round's counts are written after these have been read
        for (int column = (int)threadIdx.x; column < c; column += THREADS) {
            float sum = to[(size_t)row * c + column];
            for (int k = 0; k < n_mentions; k++)
                sum += from[(size_t)mentions[k] * c + column];
            to[(size_t)row * c + column] = sum;
        }
    }
}

void gpu_scatter_add_rows(struct backend *b, float *dx, const float *dout, const int32_t *rows, int n, int c)
{
    GPU_RUN(b, scatter_kernel, n, THREADS, 0, dx, dout, rows, n, c);
}

__global__ static void rope_kernel(struct twin to, const float *x, const float *cos, const float *sin,
                                   const int32_t *positions, int n_heads, int half, float sign)
{
    const size_t row = blockIdx.x, angles = (size_t)positions[row] * half;
    for (int k = (int)threadIdx.x; k < n_heads * half; k += (int)blockDim.x) {
        const int head = k / half, i = k % half;
        const size_t a = ((row * n_heads + head) * 2) * half + i, b = a + half;
        const float first = x[a], second = x[b], c = cos[angles + i], s = sign * sin[angles + i];
        put(to, a, first * c - second * s);
        put(to, b, second * c + first * s);
    }
}

void gpu_rope(struct backend *b, float *x, const float *cos, const float *sin, const int32_t *positions, int t,
              int n_heads, int head_dim, bool inverse)
{
    const struct twin to = gpu_twin(b, x, (size_t)t * n_heads * head_dim);
    GPU_RUN(b, rope_kernel, t, gpu_row_threads(n_heads * (head_dim / 2)), 0, to, x, cos, sin, positions, n_heads,
            head_dim / 2, inverse ? -1.0f : 1.0f);
}
