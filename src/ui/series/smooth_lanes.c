// Curves side by side: which instructions, and the loops for those that every machine has.
#include "config.h"

#define WIDE 2
#define SMOOTH_KERNELS smooth_kernels_plain
#include "ui/series/smooth_lanes_impl.h"

#include <stdlib.h>

#include "base/err.h"

static const struct smooth_kernels *kernels(void)
{
    static const struct smooth_kernels *chosen;
    if (chosen)
        return chosen;
    chosen = &smooth_kernels_plain;
#ifdef ATTUNE_X86_LEVELS
    const char *wanted = getenv("ATTUNE_CPU"); // the level that tests force, as for the engine
    if (!(wanted && strcmp(wanted, "generic") == 0) && __builtin_cpu_supports("avx2"))
        chosen = &smooth_kernels_avx2;
#endif
    return chosen;
}

static struct smooth_lanes lanes_of(struct smoother *const *s, const float *const *y, int n_curves)
{
    struct smooth_lanes l = {.n_curves = n_curves};
    BUG_IF(n_curves < 1 || n_curves > SMOOTH_LANES);
    for (int k = 0; k < SMOOTH_LANES; k++) {
        const int from = k < n_curves ? k : 0;
        l.y[k] = y[from];
        l.value[k] = s[from]->value;
        l.remain[k] = s[from]->remain;
        l.decay[k] = s[from]->last_decay;
    }
    return l;
}

void smoother_run(struct smoother *const *s, const float *const *y, int n_curves, int n_leaves, struct smooth_leaves *out)
{
    BUG_IF(n_leaves > SMOOTH_LEAVES);
    struct smooth_lanes l = lanes_of(s, y, n_curves);
    kernels()->run(&l, n_leaves, out);
    for (int k = 0; k < n_curves; k++) {
        s[k]->value = l.value[k];
        s[k]->remain = l.remain[k];
    }
}

void smoother_walk(struct smoother *const *s, const float *const *y, int n_curves, float out[SMOOTH_LEAF][SMOOTH_LANES])
{
    struct smooth_lanes l = lanes_of(s, y, n_curves);
    kernels()->walk(&l, out);
}
