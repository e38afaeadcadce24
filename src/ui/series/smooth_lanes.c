// Averages of several curves side by side, two to a vector register. All x86-64 processors have what is used here; where
// there is no SSE2, the same is done in plain C.
#include "config.h"

#include "ui/series/smooth.h"

#include <math.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/err.h"

enum { PAIRS = SMOOTH_LANES / 2 };
typedef double pair __attribute__((vector_size(2 * sizeof(double))));
typedef int64_t pair_mask __attribute__((vector_size(2 * sizeof(double))));

static inline pair lesser(pair a, pair b)
{
#ifdef __SSE2__
    return _mm_min_pd(a, b);
#else
    return (pair){a[0] < b[0] ? a[0] : b[0], a[1] < b[1] ? a[1] : b[1]};
#endif
}

static inline pair greater(pair a, pair b)
{
#ifdef __SSE2__
    return _mm_max_pd(a, b);
#else
    return (pair){a[0] > b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]};
#endif
}

// Four points of four curves: out[i] has point i of curves 0 and 1, and of 2 and 3.
static inline void four_points(const float *const *y, int at, pair out[4][2])
{
#ifdef __SSE2__
    __m128 a = _mm_loadu_ps(y[0] + at), b = _mm_loadu_ps(y[1] + at), c = _mm_loadu_ps(y[2] + at), d = _mm_loadu_ps(y[3] + at);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    const __m128 rows[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        out[i][0] = _mm_cvtps_pd(rows[i]);
        out[i][1] = _mm_cvtps_pd(_mm_movehl_ps(rows[i], rows[i]));
    }
#else
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++)
            out[i][k] = (pair){y[2 * k][at + i], y[2 * k + 1][at + i]};
#endif
}

struct lanes {
    pair value[PAIRS], remain[PAIRS], decay[PAIRS], low[PAIRS], high[PAIRS];
};

// The part of a point in its average, as smoother_add has it.
static inline pair share(struct lanes *l, int k)
{
    l->remain[k] *= l->decay[k];
    l->remain[k] = (pair)((pair_mask)l->remain[k] & (pair_mask)(l->remain[k] >= 1e-18));
    return (1 - l->decay[k]) / (1 - l->remain[k]);
}

static inline void take(struct lanes *l, int k, pair y, pair part)
{
    l->value[k] += part * (y - l->value[k]);
    l->low[k] = lesser(l->value[k], l->low[k]);
    l->high[k] = greater(l->value[k], l->high[k]);
}

// While something is left of what was before the first point.
static void run_young(struct lanes *l, const float *const *y, int n)
{
    for (int at = 0; at < n; at += 4)
        for (int half = 0; half < PAIRS; half += 2) {
            pair points[4][2];
            four_points(y + 2 * half, at, points);
            for (int i = 0; i < 4; i++)
                for (int k = 0; k < 2; k++)
                    take(l, half + k, points[i][k], share(l, half + k));
        }
}

// Then the share is the same for all.
static void run_old(struct lanes *all, const float *const *y, int n)
{
    struct lanes l = *all; // in registers
    pair part[PAIRS];
    for (int k = 0; k < PAIRS; k++)
        part[k] = 1 - l.decay[k];
    for (int at = 0; at < n; at += 4)
#pragma GCC unroll 2
        for (int half = 0; half < PAIRS; half += 2) {
            pair points[4][2];
            four_points(y + 2 * half, at, points);
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
                for (int k = 0; k < 2; k++)
                    take(&l, half + k, points[i][k], part[half + k]);
        }
    *all = l;
}

void smoother_run(struct smoother *const *s, const float *const *y, int n_curves, int n, float *low, float *high)
{
    struct lanes l;
    const float *points[SMOOTH_LANES];
    bool is_young = false;
    BUG_IF(n_curves < 1 || n_curves > SMOOTH_LANES || n % 4 != 0);
    for (int k = 0; k < SMOOTH_LANES; k++) { // lanes that nobody needs do what the first one does
        const int from = k < n_curves ? k : 0;
        points[k] = y[from];
        l.value[k / 2][k % 2] = s[from]->value;
        l.remain[k / 2][k % 2] = s[from]->remain;
        l.decay[k / 2][k % 2] = s[from]->last_decay;
        l.low[k / 2][k % 2] = INFINITY;
        l.high[k / 2][k % 2] = -INFINITY;
        is_young = is_young || s[from]->remain > 0;
    }
    if (is_young)
        run_young(&l, points, n);
    else
        run_old(&l, points, n);
    for (int k = 0; k < n_curves; k++) {
        s[k]->value = l.value[k / 2][k % 2];
        s[k]->remain = l.remain[k / 2][k % 2];
        low[k] = (float)l.low[k / 2][k % 2];
        high[k] = (float)l.high[k / 2][k % 2];
    }
}
