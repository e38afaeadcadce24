// The body of kernels_generic.c, kernels_avx2.c and kernels_avx512.c, which define VW, KERNELS and
// KERNELS_NAME. Every loop handles whole vectors, then one partial vector whose missing lanes are zero.
#include "cpu/kernels.h"
#include "cpu/vec.h"
#include "model/st_types.h"
#include "cpu/dequantize_impl.h"
#if VW > 4
#include "cpu/gemm_impl.h"
#endif

// Runs `body` with `i` at each vector start and LOAD/STORE that are whole or partial.
#define EACH_VECTOR(n, ...)                                                                                            \
    do {                                                                                                               \
        size_t i = 0;                                                                                                  \
        for (; i + VW <= (size_t)(n); i += VW) {                                                                       \
            const size_t left = VW;                                                                                    \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
        if (i < (size_t)(n)) {                                                                                         \
            const size_t left = (size_t)(n)-i;                                                                         \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    } while (0)
#define LOAD(p) (left == VW ? v_load((p) + i) : v_load_n((p) + i, left))
#define STORE(p, x) (left == VW ? v_store((p) + i, x) : v_store_n((p) + i, x, left))

static float k_dot(const float *a, const float *x, size_t n)
{
    vf s = {0};
    EACH_VECTOR(n, s = v_fma(LOAD(a), LOAD(x), s););
    return v_sum(s);
}

static void k_axpy(float *y, float a, const float *x, size_t n)
{
    vf f = v_set(a);
    EACH_VECTOR(n, STORE(y, v_fma(f, LOAD(x), LOAD(y))););
}

static void k_add(float *y, const float *a, const float *x, size_t n)
{
    EACH_VECTOR(n, STORE(y, LOAD(a) + LOAD(x)););
}

static void k_scale(float *x, float factor, size_t n)
{
    EACH_VECTOR(n, STORE(x, LOAD(x) * factor););
}

static void k_round_bf16(uint16_t *y, const float *x, float factor, size_t n)
{
    typedef uint16_t half __attribute__((vector_size(VW * 2)));
    typedef uint32_t vu __attribute__((vector_size(VW * 4)));
    EACH_VECTOR(n, {
        vf v = LOAD(x) * factor;
        vu bits = (vu)v;
        vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        vu unordered = (vu)(v != v);
        half out = __builtin_convertvector((unordered & 0x7fc0) | (~unordered & rounded), half);
        memcpy(y + i, &out, left * sizeof *y);
    });
}

static void k_widen(float *y, const void *x, enum dtype type, size_t n)
{
    const uint16_t *half = x;
    if (type == DTYPE_F32) {
        memcpy(y, x, n * sizeof *y);
        return;
    }
    size_t i = 0;
#if VW > 4
    if (type == DTYPE_BF16)
        for (; i + VW <= n; i += VW)
            v_store(y + i, v_load_halves(half + i, VW, true));
    else
        for (; i + VW <= n; i += VW)
            v_store(y + i, v_load_halves(half + i, VW, false));
#endif
    for (; i < n; i++)
        y[i] = type == DTYPE_BF16 ? f32_from_bf16(half[i]) : f32_from_f16(half[i]);
}

V_INLINE vd_half half_of(vf x, int which)
{
    typedef float half __attribute__((vector_size(VW * 2)));
    half h;
    memcpy(&h, (const char *)&x + which * sizeof h, sizeof h);
    return __builtin_convertvector(h, vd_half);
}

static double k_sum_squares(const float *x, size_t n)
{
    vd_half s0 = {0}, s1 = {0};
    EACH_VECTOR(n, {
        vf v = LOAD(x);
        vd_half low = half_of(v, 0), high = half_of(v, 1);
        s0 += low * low;
        s1 += high * high;
    });
    s0 += s1;
    double sum = 0;
    for (int i = 0; i < VW / 2; i++)
        sum += s0[i];
    return sum;
}

static void k_adamw(float *p, float *g, float *m, float *v, size_t n, const struct adamw *step)
{
    vf beta1 = v_set(step->beta1), beta2 = v_set(step->beta2);
    vf rest1 = v_set(1 - step->beta1), rest2 = v_set(1 - step->beta2);
    vf unbias1 = v_set(1 / step->correction1), unbias2 = v_set(1 / step->correction2);
    vf keep = v_set(1 - step->lr * step->weight_decay);
    EACH_VECTOR(n, {
        vf grad = LOAD(g) * step->grad_scale;
        STORE(g, (vf){0});
        vf first = v_fma(beta1, LOAD(m), rest1 * grad);
        vf second = v_fma(beta2, LOAD(v), rest2 * grad * grad);
        STORE(m, first);
        STORE(v, second);
        vf move = first * unbias1 / (v_sqrt(second * unbias2) + step->eps);
        STORE(p, v_fma(v_set(-step->lr), move, LOAD(p) * keep));
    });
}

// --- activations

#define GELU_A 0.7978845608028654f // sqrt(2/pi)
#define GELU_B 0.044715f

// (1 + tanh(u)) / 2 is the logistic function of 2 u: one exponential, and nothing cancels.
V_INLINE vf gelu_gate(vf x, vf square)
{
    return v_sigmoid(2 * GELU_A * x * v_fma(v_set(GELU_B), square, v_set(1)));
}

V_INLINE vf gelu_tanh(vf x)
{
    return x * gelu_gate(x, x * x);
}

V_INLINE vf gelu_tanh_slope(vf x)
{
    vf square = x * x;
    vf s = gelu_gate(x, square);
    vf slope = 2 * GELU_A * v_fma(v_set(3 * GELU_B), square, v_set(1));
    return v_fma(x * slope * s, 1 - s, s);
}

V_INLINE vf gelu_erf(vf x)
{
    return 0.5f * x * (1 + v_erf(x * 0.7071067811865476f));
}

V_INLINE vf gelu_erf_slope(vf x)
{
    vf density = 0.3989422804014327f * v_exp(-0.5f * x * x);
    return 0.5f * (1 + v_erf(x * 0.7071067811865476f)) + x * density;
}

V_INLINE vf silu_slope(vf x)
{
    vf s = v_sigmoid(x);
    return s * v_fma(x, 1 - s, v_set(1));
}

static void k_act(float *y, const float *x, size_t n, enum activation kind)
{
    switch (kind) {
    case ACT_GELU_TANH:
        EACH_VECTOR(n, STORE(y, gelu_tanh(LOAD(x))););
        break;
    case ACT_GELU_ERF:
        EACH_VECTOR(n, STORE(y, gelu_erf(LOAD(x))););
        break;
    case ACT_RELU: // NaN stays NaN
        EACH_VECTOR(n, vf v = LOAD(x); STORE(y, v_select(v < 0, v_set(0), v)););
        break;
    case ACT_SILU:
        EACH_VECTOR(n, vf v = LOAD(x); STORE(y, v * v_sigmoid(v)););
        break;
    }
}

static void k_act_backward(float *dx, const float *dy, const float *x, size_t n, enum activation kind)
{
    switch (kind) {
    case ACT_GELU_TANH:
        EACH_VECTOR(n, STORE(dx, LOAD(dy) * gelu_tanh_slope(LOAD(x))););
        break;
    case ACT_GELU_ERF:
        EACH_VECTOR(n, STORE(dx, LOAD(dy) * gelu_erf_slope(LOAD(x))););
        break;
    case ACT_RELU:
        EACH_VECTOR(n, STORE(dx, v_select(LOAD(x) > 0, LOAD(dy), v_set(0))););
        break;
    case ACT_SILU:
        EACH_VECTOR(n, STORE(dx, LOAD(dy) * silu_slope(LOAD(x))););
        break;
    }
}

static void k_gated(float *y, const float *gate, const float *up, size_t n, enum activation kind)
{
    if (kind == ACT_GELU_TANH)
        EACH_VECTOR(n, STORE(y, gelu_tanh(LOAD(gate)) * LOAD(up)););
    else
        EACH_VECTOR(n, vf g = LOAD(gate); STORE(y, g * v_sigmoid(g) * LOAD(up)););
}

static void k_gated_backward(float *dgate, float *dup, const float *dy, const float *gate, const float *up, size_t n,
                             enum activation kind)
{
    if (kind == ACT_GELU_TANH) {
        EACH_VECTOR(n, {
            vf g = LOAD(gate);
            vf u = LOAD(up);
            vf d = LOAD(dy);
            STORE(dup, d * gelu_tanh(g));
            STORE(dgate, d * u * gelu_tanh_slope(g));
        });
        return;
    }
    EACH_VECTOR(n, {
        vf g = LOAD(gate);
        vf u = LOAD(up);
        vf d = LOAD(dy);
        vf s = v_sigmoid(g);
        STORE(dup, d * g * s);
        STORE(dgate, d * u * s * v_fma(g, 1 - s, v_set(1)));
    });
}

static void k_soft_cap(float *x, float cap, size_t n)
{
    EACH_VECTOR(n, STORE(x, cap * v_tanh(LOAD(x) * (1 / cap))););
}

static void k_soft_cap_backward(float *dx, const float *y, float cap, size_t n)
{
    EACH_VECTOR(n, {
        vf z = LOAD(y) * (1 / cap);
        STORE(dx, LOAD(dx) * (1 - z * z));
    });
}

// --- norms and positions

static void k_rmsnorm(float *y, float *rstd, const float *x, const float *w, float eps, int c)
{
    float r = 1 / sqrtf(k_dot(x, x, (size_t)c) / (float)c + eps);
    *rstd = r;
    EACH_VECTOR(c, STORE(y, LOAD(x) * r * LOAD(w)););
}

// With xhat = x * rstd: dx = rstd * (w dy - xhat * mean(w dy xhat)).
static void k_rmsnorm_backward(float *dx, float *dw, const float *dy, const float *x, const float *w, float rstd,
                               int c, bool accumulate)
{
    vf s = {0};
    EACH_VECTOR(c, s = v_fma(LOAD(dy) * LOAD(w), LOAD(x), s););
    float mean = v_sum(s) * rstd / (float)c;
    EACH_VECTOR(c, {
        vf xhat = LOAD(x) * rstd;
        vf d = LOAD(dy);
        vf out = rstd * (d * LOAD(w) - xhat * mean);
        STORE(dx, accumulate ? LOAD(dx) + out : out);
        if (dw)
            STORE(dw, v_fma(d, xhat, LOAD(dw)));
    });
}

static void k_layernorm(float *y, float *mean, float *rstd, const float *x, const float *w, const float *bias,
                        float eps, int c)
{
    vf s = {0};
    EACH_VECTOR(c, s += LOAD(x););
    float middle = v_sum(s) / (float)c;
    s = v_set(0);
    EACH_VECTOR(c, {
        vf d = LOAD(x) - middle;
        if (left < VW) // missing lanes are not -mean but nothing
            d = v_load_n((const float *)&d, left);
        s = v_fma(d, d, s);
    });
    float r = 1 / sqrtf(v_sum(s) / (float)c + eps);
    *mean = middle;
    *rstd = r;
    if (bias)
        EACH_VECTOR(c, STORE(y, v_fma((LOAD(x) - middle) * r, LOAD(w), LOAD(bias))););
    else
        EACH_VECTOR(c, STORE(y, (LOAD(x) - middle) * r * LOAD(w)););
}

// With xhat = (x - mean) * rstd: dx = rstd * (w dy - mean(w dy) - xhat * mean(w dy xhat)).
static void k_layernorm_backward(float *dx, float *dw, float *dbias, const float *dy, const float *x, const float *w,
                                 float mean, float rstd, int c, bool accumulate)
{
    vf s = {0}, moment = {0};
    EACH_VECTOR(c, {
        vf d = LOAD(dy) * LOAD(w);
        s += d;
        moment = v_fma(d, (LOAD(x) - mean) * rstd, moment);
    });
    float mean_d = v_sum(s) / (float)c, mean_dx = v_sum(moment) / (float)c;
    EACH_VECTOR(c, {
        vf xhat = (LOAD(x) - mean) * rstd;
        vf d = LOAD(dy);
        vf out = rstd * (d * LOAD(w) - mean_d - xhat * mean_dx);
        STORE(dx, accumulate ? LOAD(dx) + out : out);
        if (dw)
            STORE(dw, v_fma(d, xhat, LOAD(dw)));
        if (dbias)
            STORE(dbias, LOAD(dbias) + d);
    });
}

static void k_rope(float *x, const float *cos, const float *sin, int n_heads, int head_dim, bool inverse)
{
    int half = head_dim / 2;
    float sign = inverse ? -1 : 1;
    for (int h = 0; h < n_heads; h++, x += head_dim) {
        float *a = x, *b = x + half;
        EACH_VECTOR(half, {
            vf c = LOAD(cos);
            vf s = LOAD(sin) * sign;
            vf first = LOAD(a);
            vf second = LOAD(b);
            STORE(a, first * c - second * s);
            STORE(b, second * c + first * s);
        });
    }
}

// --- softmax

static float k_max(const float *x, size_t n)
{
    vf best = v_set(-INFINITY);
    EACH_VECTOR(n, {
        vf v = LOAD(x);
        if (left < VW) { // missing lanes must not count
            vf lanes = v_set(-INFINITY);
            memcpy(&lanes, &v, left * sizeof(float));
            v = lanes;
        }
        best = v_max(v, best);
    });
    return v_max_lane(best);
}

static float k_exp_sum(float *x, float shift, size_t n)
{
    vf s = {0};
    EACH_VECTOR(n, {
        vf e = v_exp(LOAD(x) - shift);
        STORE(x, e);
        if (left < VW)
            e = v_load_n((const float *)&e, left);
        s += e;
    });
    return v_sum(s);
}

static float k_exp_moment(const float *x, float shift, size_t n, float *moment)
{
    vf s = {0}, first = {0};
    EACH_VECTOR(n, {
        vf d = LOAD(x) - shift;
        vf e = v_exp(d);
        if (left < VW)
            e = v_load_n((const float *)&e, left);
        s += e;
        // exp(-inf) * -inf counts as zero
        first = v_fma(e, v_max(d, v_set(-200)), first);
    });
    *moment = v_sum(first);
    return v_sum(s);
}

static float k_exp_cross(const float *x, const float *y, float shift, size_t n, float *cross)
{
    vf s = {0}, first = {0};
    EACH_VECTOR(n, {
        vf v = LOAD(x);
        vf e = v_exp(v - shift);
        if (left < VW)
            e = v_load_n((const float *)&e, left);
        s += e;
        first = v_fma(e, v - LOAD(y), first);
    });
    *cross = v_sum(first);
    return v_sum(s);
}

static void k_exp_scaled(float *x, float shift, float factor, size_t n)
{
    EACH_VECTOR(n, STORE(x, factor * v_exp(LOAD(x) - shift)););
}

static void k_softmax_backward(float *dp, const float *p, float delta, float scale, size_t n)
{
    EACH_VECTOR(n, STORE(dp, LOAD(p) * (LOAD(dp) - delta) * scale););
}

enum { CHAINS = VW == 16 ? 24 : 12 }; // enough to hide the latency, few enough for the registers

static double k_fma_loop(long n)
{
    vf chain[CHAINS], factor = v_set(0.9999f), more = v_set(1e-4f);
    for (int i = 0; i < CHAINS; i++)
        chain[i] = v_set((float)i);
    for (long step = 0; step < n; step++) {
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++)
            chain[i] = v_fma(chain[i], factor, more);
    }
    for (int i = 1; i < CHAINS; i++)
        chain[0] += chain[i];
    volatile float result = v_sum(chain[0]); // so that the loop has a purpose
    (void)result;
    return 2.0 * VW * CHAINS * (double)n;
}

static void k_exp_array(float *y, const float *x, size_t n)
{
    EACH_VECTOR(n, STORE(y, v_exp(LOAD(x))););
}

static void k_tanh_array(float *y, const float *x, size_t n)
{
    EACH_VECTOR(n, STORE(y, v_tanh(LOAD(x))););
}

const struct cpu_kernels KERNELS = {
    .name = KERNELS_NAME,
#if VW > 4
    .gemm = k_gemm,
    .gemm_strip = k_gemm_strip,
    .gemm_packed = k_gemm_packed,
    .gemm_pieces = k_gemm_pieces,
    .gemm_pack = k_gemm_pack,
    .panel_columns = PANEL_VECTORS * VW,
    .gemm_packed_b = k_gemm_packed_b,
    .gemm_pack_b = k_gemm_pack_b,
#endif
    .dot = k_dot,
    .axpy = k_axpy,
    .add = k_add,
    .scale = k_scale,
    .widen = k_widen,
    .dequantize = k_dequantize,
    .round_bf16 = k_round_bf16,
    .sum_squares = k_sum_squares,
    .adamw = k_adamw,
    .act = k_act,
    .act_backward = k_act_backward,
    .gated = k_gated,
    .gated_backward = k_gated_backward,
    .soft_cap = k_soft_cap,
    .soft_cap_backward = k_soft_cap_backward,
    .rmsnorm = k_rmsnorm,
    .rmsnorm_backward = k_rmsnorm_backward,
    .layernorm = k_layernorm,
    .layernorm_backward = k_layernorm_backward,
    .rope = k_rope,
    .max = k_max,
    .exp_sum = k_exp_sum,
    .exp_moment = k_exp_moment,
    .exp_cross = k_exp_cross,
    .exp_scaled = k_exp_scaled,
    .softmax_backward = k_softmax_backward,
    .fma_loop = k_fma_loop,
    .exp_array = k_exp_array,
    .tanh_array = k_tanh_array,
};
