#include "config.h"

#include "ui/series/smooth_window.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

#define GAUSSIAN_REACH 4 // standard deviations: a weight of 3e-4

void smooth_window_init(struct smooth_window *w, enum smooth_kind kind, double width)
{
    const bool is_gaussian = kind == SMOOTH_GAUSSIAN;
    *w = (struct smooth_window){.kind = kind, .width = width};
    w->reach = (int64_t)floor(is_gaussian ? GAUSSIAN_REACH * width : width / 2);
    if (!is_gaussian)
        return;
    w->kernel = mem_alloc((size_t)w->reach + 1, sizeof *w->kernel);
    for (int64_t d = 0; d <= w->reach; d++)
        w->kernel[d] = exp(-0.5 * ((double)d / width) * ((double)d / width));
}

void smooth_window_fini(struct smooth_window *w)
{
    free(w->kernel);
    free(w->at);
    *w = (struct smooth_window){0};
}

static void take(struct windowed *at, double weight, double value)
{
    at->mass += weight;
    at->mean += weight / at->mass * (value - at->mean);
}

uint32_t smooth_window_add(struct smooth_window *w, const struct steps *steps, const float *values)
{
    if (w->n >= w->cap) {
        w->cap += w->cap / 4 + 64;
        w->at = mem_realloc(w->at, w->cap, sizeof *w->at);
    }
    const uint32_t i = w->n++;
    const int64_t step = steps_at(steps, i);
    const bool is_finite = isfinite(values[i]);
    uint32_t k = i;
    w->at[i] = (struct windowed){0};
    if (is_finite)
        take(&w->at[i], 1, values[i]);
    for (; k > 0 && step - steps_at(steps, k - 1) <= w->reach; k--) {
        const double weight = w->kernel ? w->kernel[step - steps_at(steps, k - 1)] : 1;
        if (is_finite)
            take(&w->at[k - 1], weight, values[i]);
        if (isfinite(values[k - 1]))
            take(&w->at[i], weight, values[k - 1]);
    }
    while (w->n_final < w->n && step + 1 - steps_at(steps, w->n_final) > w->reach)
        w->n_final++;
    return i - k;
}

float smooth_window_value(const struct smooth_window *w, uint32_t i)
{
    return w->at[i].mass > 0 ? (float)w->at[i].mean : NAN;
}

size_t smooth_window_bytes(const struct smooth_window *w)
{
    return w->cap * sizeof *w->at + (w->kernel ? ((size_t)w->reach + 1) * sizeof *w->kernel : 0);
}
