// The log-sum-exp of a row's logits, or of a set of them, by chunks of the vocabulary. Head and sampler both make it so:
// what a sampler said of a token is, bit for bit, what the head says of the same logits.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <math.h>

struct log_sum cpu_sum_chunk(const struct cpu_kernels *k, float *logits, int n)
{
    struct log_sum s = {k->max(logits, (size_t)n), 0};
    s.sum = k->exp_sum(logits, s.top, (size_t)n);
    return s;
}

struct log_sum cpu_moment_chunk(const struct cpu_kernels *k, const float *logits, int n, float *moment)
{
    struct log_sum s = {k->max(logits, (size_t)n), 0};
    s.sum = k->exp_moment(logits, s.top, (size_t)n, moment);
    return s;
}

double cpu_moment(const struct log_sum *s, float moment, double top)
{
    const double weight = exp(s->top - top);
    return weight > 0 ? weight * (moment + (s->top - top) * s->sum) : 0;
}

float cpu_entropy(double sum, double moment)
{
    return (float)(log(sum) - moment / sum);
}

double cpu_log_sum(const struct log_sum *chunks, size_t step, int n, double *top, double *sum)
{
    const char *at = (const char *)chunks;
    *top = -INFINITY;
    *sum = 0;
    for (int c = 0; c < n; c++) {
        const struct log_sum *s = (const struct log_sum *)(const void *)(at + (size_t)c * step);
        *top = s->top > *top ? s->top : *top;
    }
    for (int c = 0; c < n; c++) {
        const struct log_sum *s = (const struct log_sum *)(const void *)(at + (size_t)c * step);
        *sum += exp(s->top - *top) * s->sum;
    }
    return *top + log(*sum);
}

// The first place of ids[0..n) with an id that is not below `least`.
static int first_from(const int32_t *ids, int n, int least)
{
    int low = 0;
    while (low < n) {
        const int middle = low + (n - low) / 2;
        if (ids[middle] < least)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

int cpu_set_part(const int32_t *ids, int n, int first, int n_tokens, const int32_t **part)
{
    const int begin = first_from(ids, n, first);
    *part = ids + begin;
    return first_from(ids + begin, n - begin, first + n_tokens);
}
