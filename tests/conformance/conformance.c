// Device memory for the checks, comparison and hashing.
#include "config.h"

#include "conformance.h"

const int bench_sizes[N_SIZES] = {0, 1, 3, 31, 32, 33, 255, 257};

static float noise(uint32_t seed, uint32_t i)
{
    uint32_t x = i * 2654435761u + seed * 40503u + 12345u;
    x ^= x >> 16;
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    x *= 0xc2b2ae35u;
    x ^= x >> 16;
    return (float)((double)x / 4294967295.0 * 2 - 1);
}

float *bench_zeros(struct bench *t, size_t n)
{
    struct err fault = {0};
    float *p = t->ops->alloc(t->b, n * sizeof *p, "a test's array", &fault);
    if (!p)
        fail_msg("%s", fault.text);
    return p;
}

float *bench_random(struct bench *t, size_t n, float size, uint32_t seed)
{
    float *host = calloc(n + 1, sizeof *host), *p = bench_zeros(t, n);
    for (size_t i = 0; i < n; i++)
        host[i] = size * noise(seed, (uint32_t)i);
    t->ops->upload(t->b, p, host, n * sizeof *p);
    free(host);
    return p;
}

int32_t *bench_ints(struct bench *t, const int32_t *host, size_t n)
{
    int32_t *p = (int32_t *)(void *)bench_zeros(t, n);
    t->ops->upload(t->b, p, host, n * sizeof *p);
    return p;
}

float *bench_read(struct bench *t, const float *device, size_t n)
{
    float *host = calloc(n + 1, sizeof *host);
    t->ops->download(t->b, host, device, n * sizeof *host);
    assert_ok(t->ops->sync(t->b, e));
    return host;
}

void bench_free(struct bench *t, int n, ...)
{
    va_list args;
    va_start(args, n);
    for (int i = 0; i < n; i++)
        t->ops->free(t->b, va_arg(args, void *));
    va_end(args);
}

void bench_expect(struct bench *t, const char *what, const float *got, const double *want, size_t n, double bound)
{
    float *host = bench_read(t, got, n);
    for (size_t i = 0; i < n; i++)
        if (!(fabs(host[i] - want[i]) <= bound * (1 + fabs(want[i]))))
            fail_msg("%s[%zu of %zu]: got %.9g, want %.9g, bound %g", what, i, n, (double)host[i], want[i], bound);
    free(host);
}

uint64_t bench_hash(struct bench *t, const float *device, size_t n)
{
    float *host = bench_read(t, device, n);
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < n * sizeof *host; i++)
        hash = (hash ^ ((unsigned char *)host)[i]) * 1099511628211u;
    free(host);
    return hash;
}
