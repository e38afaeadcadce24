// Linear layers. Products in f32 take f32 on both sides, products in bf16 bf16: what lies in another type is converted
// into scratch first, once a call; quantized weights piece by piece, and a few rows go through them as they lie.
#include "gpu/product.cuh"

// Weights as products take them: where they lie, or converted.
static const void *weights(struct backend *b, struct stored w, size_t n, enum dtype type)
{
    if (w.type == type)
        return w.at;
    void *converted = gpu_scratch(b, SCRATCH_W, n * dtype_bytes(type));
    if (converted)
        gpu_convert(b, converted, type, w, n);
    return converted;
}

static const void *activations(struct backend *b, enum scratch_slot slot, const float *x, size_t n, enum dtype type)
{
    if (type == DTYPE_F32)
        return x;
    if (const void *copy = gpu_held_copy(b, x, n))
        return copy;
    void *converted = gpu_scratch(b, slot, n * dtype_bytes(type));
    if (converted)
        gpu_convert(b, converted, type, stored_f32(x), n);
    return converted;
}

// p with b what w(o, i) has. A result that is held, and that all read rounded, is written so at once, but not by products
// with a bias, which the library would want rounded too, nor by those in pieces.
static void multiply_weights(struct backend *b, struct product p, struct stored w, int o, int i)
{
    const size_t n = (size_t)p.m * p.n;
    if (dtype_is_quantized(w.type)) {
        gpu_multiply_quantized(b, &p, w, i);
        return;
    }
    p.b.at = weights(b, w, (size_t)o * i, p.type);
    p.rounded = p.bias || p.beta != 0 ? NULL : gpu_place_alone(b, p.c, n);
    if (gpu_multiply(b, &p))
        gpu_twin(b, p.c, n); // it is there now
}

enum dtype gpu_product_type(const struct backend *b)
{
    return b->precision == PRECISION_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

void gpu_linear(struct backend *b, float *y, const float *x, struct stored w, const float *bias, int t, int i, int o,
                float alpha, float beta)
{
    const enum dtype type = gpu_product_type(b);
    const struct factor a = {activations(b, SCRATCH_X, x, (size_t)t * i, type), i, false};
    if (gpu_takes_few_rows(b, w, t, i)) {
        gpu_multiply_few_rows(b, y, (const uint16_t *)a.at, w, bias, t, i, o, alpha, beta);
        return;
    }
    multiply_weights(b, {t, o, i, type, a, {NULL, i, true}, y, o, bias, alpha, beta}, w, o, i);
}

// Products take weights as they lie: nothing is gained from another order.
size_t gpu_packed_bytes(struct backend *b, struct stored w, int i, int o)
{
    return 0;
}

void gpu_pack_weights(struct backend *b, void *packed, struct stored w, int i, int o)
{
    gpu_fail(b, ERR_FAIL, "weights are laid out for products, which do not ask for it");
}

void gpu_linear_dx(struct backend *b, float *dx, const float *dy, struct stored w, int t, int i, int o, float alpha,
                   float beta)
{
    const enum dtype type = gpu_product_type(b);
    const struct factor a = {activations(b, SCRATCH_X, dy, (size_t)t * o, type), o, false};
    multiply_weights(b, {t, i, o, type, a, {NULL, i, false}, dx, i, NULL, alpha, beta}, w, o, i);
}

void gpu_linear_dw(struct backend *b, float *dw, float *dbias, const float *dy, const float *x, int t, int i, int o,
                   float alpha)
{
    if (t <= 0)
        return;
    const enum dtype type = gpu_product_type(b);
    const struct factor a = {activations(b, SCRATCH_X, dy, (size_t)t * o, type), o, true};
    const struct factor rows = {activations(b, SCRATCH_W, x, (size_t)t * i, type), i, false};
    float *sums = dbias ? (float *)gpu_scratch(b, SCRATCH_SUMS, (size_t)o * sizeof *sums) : NULL;
    const struct product p = {o, i, t, type, a, rows, dw, i, NULL, alpha, 1, sums};
    if (gpu_multiply(b, &p))
        gpu_add_chunks(b, dbias, sums, 1, (size_t)o, o);
    else if (dbias)
        gpu_add_column_sums(b, dbias, stored{a.at, type, NULL}, t, o); // what the product reads is at hand
}
