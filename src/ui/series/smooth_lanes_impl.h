// The loops of smooth_lanes.h in vectors of WIDE doubles, four of them at a time. The including file defines WIDE (2 or 4)
// and SMOOTH_KERNELS; the compiler options of that file decide the instructions.
#pragma once

#include "ui/series/smooth_lanes.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#if WIDE == 4
#include <immintrin.h>
#elif defined __SSE2__
#include <emmintrin.h>
#endif

enum { ABREAST = 4, AT_ONCE = ABREAST * WIDE, AHEAD = 4 }; // vectors, curves, leaves
typedef double wide __attribute__((vector_size(WIDE * sizeof(double))));
typedef float narrow __attribute__((vector_size(WIDE * sizeof(float))));
typedef int64_t wide_mask __attribute__((vector_size(WIDE * sizeof(double))));

#define LANES_INLINE static inline __attribute__((always_inline))

LANES_INLINE wide lesser(wide a, wide b)
{
#if WIDE == 4
    return _mm256_min_pd(a, b);
#elif defined __SSE2__
    return _mm_min_pd(a, b);
#else
    return (wide){a[0] < b[0] ? a[0] : b[0], a[1] < b[1] ? a[1] : b[1]};
#endif
}

LANES_INLINE wide greater(wide a, wide b)
{
#if WIDE == 4
    return _mm256_max_pd(a, b);
#elif defined __SSE2__
    return _mm_max_pd(a, b);
#else
    return (wide){a[0] > b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]};
#endif
}

// Four points of all curves abreast: out[i] has point i of them.
LANES_INLINE void four_points(const float *const *y, int at, wide out[4][ABREAST])
{
#if WIDE == 4 || defined __SSE2__
#pragma GCC unroll 4
    for (int k = 0; k < AT_ONCE; k += 4) {
        __m128 rows[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            rows[i] = _mm_loadu_ps(y[k + i] + at);
        _MM_TRANSPOSE4_PS(rows[0], rows[1], rows[2], rows[3]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
#if WIDE == 4
            out[i][k / 4] = _mm256_cvtps_pd(rows[i]);
#else
            out[i][k / 2] = _mm_cvtps_pd(rows[i]);
            out[i][k / 2 + 1] = _mm_cvtps_pd(_mm_movehl_ps(rows[i], rows[i]));
#endif
        }
    }
#else
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < AT_ONCE; k++)
            out[i][k / WIDE][k % WIDE] = y[k][at + i];
#endif
}

struct abreast {
    wide value[ABREAST], remain[ABREAST], decay[ABREAST], low[ABREAST], high[ABREAST];
};

// The part of a point in its average, as smoother_add has it.
LANES_INLINE wide share(struct abreast *l, int k)
{
    l->remain[k] *= l->decay[k];
    l->remain[k] = (wide)((wide_mask)l->remain[k] & (wide_mask)(l->remain[k] >= 1e-18));
    return (1 - l->decay[k]) / (1 - l->remain[k]);
}

LANES_INLINE void take(struct abreast *l, int k, wide y, wide part)
{
    l->value[k] += part * (y - l->value[k]);
    l->low[k] = lesser(l->value[k], l->low[k]);
    l->high[k] = greater(l->value[k], l->high[k]);
}

// While something is left of what was before the first point.
static void run_young(struct abreast *l, const float *const *y, int at)
{
    for (const int end = at + SMOOTH_LEAF; at < end; at += 4) {
        wide points[4][ABREAST];
        four_points(y, at, points);
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < ABREAST; k++)
                take(l, k, points[i][k], share(l, k));
    }
}

// Then the share is the same for all.
LANES_INLINE void run_old(struct abreast *all, const float *const *y, int at)
{
    struct abreast l; // in registers
    wide part[ABREAST];
    for (int k = 0; k < ABREAST; k++) {
        l.value[k] = all->value[k];
        l.low[k] = all->low[k];
        l.high[k] = all->high[k];
        part[k] = 1 - all->decay[k];
    }
    for (const int end = at + SMOOTH_LEAF; at < end; at += 4) {
        wide points[4][ABREAST];
        four_points(y, at, points);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
            for (int k = 0; k < ABREAST; k++)
                take(&l, k, points[i][k], part[k]);
    }
    for (int k = 0; k < ABREAST; k++) {
        all->value[k] = l.value[k];
        all->low[k] = l.low[k];
        all->high[k] = l.high[k];
    }
}

LANES_INLINE bool is_young(const struct abreast *l)
{
    wide all = l->remain[0];
    for (int k = 1; k < ABREAST; k++)
        all = greater(all, l->remain[k]);
    bool any = false;
    for (int k = 0; k < WIDE; k++)
        any = any || all[k] > 0;
    return any;
}

// Curves `first` on.
static void run_some(struct smooth_lanes *all, int first, int n_leaves, struct smooth_leaves *out)
{
    struct abreast l;
    memcpy(l.value, all->value + first, sizeof l.value);
    memcpy(l.remain, all->remain + first, sizeof l.remain);
    memcpy(l.decay, all->decay + first, sizeof l.decay);
    for (int leaf = 0; leaf < n_leaves; leaf++) {
        memcpy(out->value[leaf] + first, l.value, sizeof l.value);
        memcpy(out->remain[leaf] + first, l.remain, sizeof l.remain);
        for (int k = 0; k < ABREAST; k++) {
            l.low[k] = INFINITY - (wide){0};
            l.high[k] = -l.low[k];
        }
        for (int k = 0; k < AT_ONCE; k++) { // more streams than a processor foresees by itself
            __builtin_prefetch(all->y[first + k] + (leaf + AHEAD) * SMOOTH_LEAF);
            __builtin_prefetch(all->y[first + k] + (leaf + AHEAD) * SMOOTH_LEAF + SMOOTH_LEAF / 2);
        }
        if (is_young(&l))
            run_young(&l, all->y + first, leaf * SMOOTH_LEAF);
        else
            run_old(&l, all->y + first, leaf * SMOOTH_LEAF);
        for (int k = 0; k < ABREAST; k++) {
            const narrow low = __builtin_convertvector(l.low[k], narrow), high = __builtin_convertvector(l.high[k], narrow);
            memcpy(out->low[leaf] + first + WIDE * k, &low, sizeof low);
            memcpy(out->high[leaf] + first + WIDE * k, &high, sizeof high);
        }
    }
    memcpy(all->value + first, l.value, sizeof l.value);
    memcpy(all->remain + first, l.remain, sizeof l.remain);
}

static void run(struct smooth_lanes *l, int n_leaves, struct smooth_leaves *out)
{
    for (int first = 0; first < l->n_curves; first += AT_ONCE)
        run_some(l, first, n_leaves, out);
}

static void walk(struct smooth_lanes *all, float out[SMOOTH_LEAF][SMOOTH_LANES])
{
    for (int first = 0; first < all->n_curves; first += AT_ONCE) {
        struct abreast l = {0};
        memcpy(l.value, all->value + first, sizeof l.value);
        memcpy(l.remain, all->remain + first, sizeof l.remain);
        memcpy(l.decay, all->decay + first, sizeof l.decay);
        const bool young = is_young(&l);
        for (int at = 0; at < SMOOTH_LEAF; at += 4) {
            wide points[4][ABREAST];
            four_points(all->y + first, at, points);
            for (int i = 0; i < 4; i++)
                for (int k = 0; k < ABREAST; k++) {
                    take(&l, k, points[i][k], young ? share(&l, k) : 1 - l.decay[k]);
                    const narrow value = __builtin_convertvector(l.value[k], narrow);
                    memcpy(out[at + i] + first + WIDE * k, &value, sizeof value);
                }
        }
    }
}

const struct smooth_kernels SMOOTH_KERNELS = {run, walk};
