// Elementwise operations: each is a struct with its arrays and what becomes of number i; one kernel runs them all.
#include "gpu/backend_cuda.cuh"

enum { THREADS = 256, EACH = 4 };

// Every thread has EACH numbers, a block's width apart: neighbours read neighbours whatever the arrays' alignment, and
// four loads are under way at once.
template <class operation>
__global__ static void flat_kernel(operation op, size_t n)
{
    const size_t first = (size_t)blockIdx.x * (THREADS * EACH) + threadIdx.x;
    for (int k = 0; k < EACH; k++) {
        const size_t i = first + (size_t)k * THREADS;
        if (i < n)
            op.apply(i);
    }
}

template <class operation>
static void run_flat(struct backend *b, operation op, size_t n)
{
    GPU_RUN(b, flat_kernel<operation>, gpu_blocks(n, THREADS * EACH), THREADS, 0, op, n);
}

// ---- activations ----

#define GELU_A 0.7978845608028654f // sqrt(2/pi)
#define GELU_B 0.044715f

__device__ static inline float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

// (1 + tanh(u)) / 2 is the logistic function of 2 u: one exponential, and nothing cancels.
__device__ static inline float gelu_gate(float x)
{
    return sigmoid(2 * GELU_A * x * fmaf(GELU_B, x * x, 1));
}

__device__ static inline float act_value(float x, enum activation kind)
{
    switch (kind) {
    case ACT_GELU_TANH:
        return x * gelu_gate(x);
    case ACT_GELU_ERF:
        return 0.5f * x * (1 + erff(x * 0.7071067811865476f));
    case ACT_RELU:
        return x < 0 ? 0 : x; // NaN stays NaN
    case ACT_SILU:
        return x * sigmoid(x);
    }
    return 0;
}

__device__ static inline float act_slope(float x, enum activation kind)
{
    switch (kind) {
    case ACT_GELU_TANH: {
        const float s = gelu_gate(x), slope = 2 * GELU_A * fmaf(3 * GELU_B, x * x, 1);
        return fmaf(x * slope * s, 1 - s, s);
    }
    case ACT_GELU_ERF:
        return 0.5f * (1 + erff(x * 0.7071067811865476f)) + x * 0.3989422804014327f * expf(-0.5f * x * x);
    case ACT_RELU:
        return x > 0 ? 1 : 0;
    case ACT_SILU: {
        const float s = sigmoid(x);
        return s * fmaf(x, 1 - s, 1);
    }
    }
    return 0;
}

struct act_op {
    struct source x;
    struct twin y;
    enum activation kind;
    __device__ void apply(size_t i) const
    {
        put(y, i, act_value(take(x, i), kind));
    }
};

// What is read is looked up before what is written, which may be the same.
void gpu_act(struct backend *b, float *y, const float *x, size_t n, enum activation kind)
{
    run_flat(b, act_op{gpu_source(b, x, n), gpu_twin(b, y, n), kind}, n);
}

struct act_backward_op {
    struct stored x;
    struct twin dx;
    const float *dy;
    enum activation kind;
    __device__ void apply(size_t i) const
    {
        // where the slope is 0 nothing comes through, also of what is not finite
        const float slope = act_slope(load_stored(x, i), kind);
        put(dx, i, kind == ACT_RELU ? (slope > 0 ? dy[i] : 0) : dy[i] * slope);
    }
};

void gpu_act_backward(struct backend *b, float *dx, const float *dy, const float *x, size_t n, enum activation kind)
{
    run_flat(b, act_backward_op{gpu_stored(b, x, n), gpu_twin(b, dx, n), dy, kind}, n);
}

struct gated_op {
    struct source gate, up;
    struct twin y;
    enum activation kind;
    __device__ void apply(size_t i) const
    {
        put(y, i, act_value(take(gate, i), kind) * take(up, i));
    }
};

void gpu_gated(struct backend *b, float *y, const float *gate, const float *up, size_t n, enum activation kind)
{
    run_flat(b, gated_op{gpu_source(b, gate, n), gpu_source(b, up, n), gpu_twin(b, y, n), kind}, n);
}

struct gated_backward_op {
    struct stored gate, up;
    struct twin dgate, dup;
    const float *dy;
    enum activation kind;
    __device__ void apply(size_t i) const
    {
        // read before dgate and dup may overwrite them
        const float g = load_stored(gate, i), u = load_stored(up, i), d = dy[i];
        put(dup, i, d * act_value(g, kind));
        put(dgate, i, d * u * act_slope(g, kind));
    }
};

void gpu_gated_backward(struct backend *b, float *dgate, float *dup, const float *dy, const float *gate,
                        const float *up, size_t n, enum activation kind)
{
    run_flat(b,
             gated_backward_op{gpu_stored(b, gate, n), gpu_stored(b, up, n), gpu_twin(b, dgate, n), gpu_twin(b, dup, n), dy,
                               kind},
             n);
}

struct soft_cap_op {
    float *x;
    float cap;
    __device__ void apply(size_t i) const
    {
        x[i] = cap * tanhf(x[i] / cap);
    }
};

void gpu_soft_cap(struct backend *b, float *x, float cap, size_t n)
{
    run_flat(b, soft_cap_op{x, cap}, n);
}

// ---- sums ----

struct add_op {
    float *y;
    const float *a, *x;
    __device__ void apply(size_t i) const
    {
        y[i] = a[i] + x[i];
    }
};

void gpu_add(struct backend *b, float *y, const float *a, const float *x, size_t n)
{
    run_flat(b, add_op{y, a, x}, n);
}

struct scale_op {
    float *x;
    float factor;
    __device__ void apply(size_t i) const
    {
        x[i] *= factor;
    }
};

void gpu_scale(struct backend *b, float *x, float factor, size_t n)
{
    run_flat(b, scale_op{x, factor}, n);
}

// ---- types ----

struct round_op {
    float *x;
    struct twin to;
    __device__ void apply(size_t i) const
    {
        put(to, i, float_of_bf16(bf16_of_float(x[i])));
    }
};

// Of what is read rounded, the copy alone is made, where it is not there yet.
void gpu_round_to(struct backend *b, float *x, enum dtype type, size_t n)
{
    if (type == DTYPE_BF16 && !gpu_is_rounded(b, x, n))
        run_flat(b, round_op{x, gpu_twin(b, x, n)}, n);
    else if (type == DTYPE_F16)
        gpu_fail(b, ERR_UNSUPPORTED, "nothing is rounded to f16");
}

struct widen_op {
    float *to;
    struct stored from;
    __device__ void apply(size_t i) const
    {
        to[i] = load_stored(from, i);
    }
};

struct narrow_op {
    uint16_t *to;
    struct stored from;
    __device__ void apply(size_t i) const
    {
        to[i] = bf16_of_float(load_stored(from, i));
    }
};

void gpu_convert(struct backend *b, void *to, enum dtype type, struct stored from, size_t n)
{
    if (type == DTYPE_BF16 && gpu_has_copy(b, (const float *)from.at, n, to))
        return;
    if (dtype_is_quantized(from.type))
        gpu_dequantize(b, to, type, from, n);
    else if (type == DTYPE_F32)
        run_flat(b, widen_op{(float *)to, from}, n);
    else if (type == DTYPE_BF16)
        run_flat(b, narrow_op{(uint16_t *)to, from}, n);
    else
        gpu_fail(b, ERR_UNSUPPORTED, "nothing is converted into f16");
}
