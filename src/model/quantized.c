#include "config.h"

#include "model/quantized.h"

#include <math.h>

// Which of n rising values is nearest to x; of two as near the lower.
static uint8_t nearest(const float *values, int n, float x)
{
    int low = 0, high = n - 1; // it is between these
    while (low < high) {
        const int middle = (low + high) / 2;
        if ((double)x > ((double)values[middle] + (double)values[middle + 1]) / 2)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint8_t)low;
}

static float largest(const float *w, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
    return most;
}

static size_t block_length(size_t n, size_t block)
{
    return n - block * QUANT_BLOCK < QUANT_BLOCK ? n - block * QUANT_BLOCK : QUANT_BLOCK;
}

static void quantize_int8(struct int8_group *to, const float *w, size_t n)
{
    for (size_t block = 0; block * QUANT_BLOCK < n; block++) {
        struct int8_group *g = to + block / QUANT_BLOCKS;
        const size_t at = block * QUANT_BLOCK, length = block_length(n, block);
        const float scale = largest(w + at, length) / 127;
        g->scales[block % QUANT_BLOCKS] = scale;
        for (size_t i = 0; i < length; i++) { // the quotient of tiny scales may be past the end
            const double x = scale > 0 ? (double)w[at + i] / (double)scale : 0;
            g->numbers[(at + i) % QUANT_GROUP] = (int8_t)rint(x > 127 ? 127 : x < -127 ? -127 : x);
        }
    }
}

// A group's scales, of which there are n.
static void quantize_scales(struct nf4_group *g, const float *w, size_t n_numbers, float mean)
{
    float scales[QUANT_BLOCKS] = {0};
    const size_t n = (n_numbers + QUANT_BLOCK - 1) / QUANT_BLOCK;
    for (size_t i = 0; i < n; i++)
        scales[i] = largest(w + i * QUANT_BLOCK, block_length(n_numbers, i)) - mean;
    g->mean = mean;
    g->most = largest(scales, n);
    for (size_t i = 0; i < n; i++)
        g->scales[i] = nearest(quant_map, 256, g->most > 0 ? scales[i] / g->most : 0);
}

static void quantize_nf4(struct nf4_group *to, const float *w, size_t n)
{
    double sum = 0;
    const size_t n_blocks = (n + QUANT_BLOCK - 1) / QUANT_BLOCK;
    for (size_t block = 0; block < n_blocks; block++)
        sum += (double)largest(w + block * QUANT_BLOCK, block_length(n, block));
    const float mean = n_blocks ? (float)(sum / (double)n_blocks) : 0;
    for (size_t at = 0; at < n; at += QUANT_GROUP)
        quantize_scales(to + at / QUANT_GROUP, w + at, n - at < QUANT_GROUP ? n - at : QUANT_GROUP, mean);
    for (size_t block = 0; block < n_blocks; block++) {
        const size_t at = block * QUANT_BLOCK, length = block_length(n, block);
        const float most = largest(w + at, length); // numbers are told by the exact one
        for (size_t i = 0; i < length; i++) {
            const uint8_t code = nearest(nf4_values, 16, most > 0 ? w[at + i] / most : 0);
            uint8_t *pair = &to[at / QUANT_GROUP].pairs[(at + i) % QUANT_GROUP / 2];
            *pair = (uint8_t)(i % 2 ? *pair | code : code << 4);
        }
    }
}

void quantize(void *to, enum dtype type, const float *w, size_t n)
{
    memset(to, 0, quantized_bytes(type, n)); // what is between the numbers has bits of its own, too
    if (type == DTYPE_NF4)
        quantize_nf4(to, w, n);
    else
        quantize_int8(to, w, n);
}

void dequantize(float *y, const void *from, enum dtype type, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++)
        if (type == DTYPE_NF4) {
            const struct nf4_group *g = nf4_group_of(from, i);
            y[i - first] = nf4_value(g, i) * nf4_scale(g, i);
        } else {
            const struct int8_group *g = int8_group_of(from, i);
            y[i - first] = int8_value(g, i) * int8_scale(g, i);
        }
}

enum dtype quantized_type(const char *name)
{
    return strcmp(name, "nf4") == 0 ? DTYPE_NF4 : strcmp(name, "int8") == 0 ? DTYPE_INT8 : DTYPE_F32;
}

const char *quantized_name(enum dtype type)
{
    return type == DTYPE_NF4 ? "nf4" : type == DTYPE_INT8 ? "int8" : "file";
}
