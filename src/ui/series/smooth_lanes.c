// Curves side by side: which instructions, and the loops for those that every machine has.
#include "config.h"

#define WIDE 2
#define SMOOTH_KERNEL smooth_kernel_plain
#include "ui/series/smooth_lanes_impl.h"

#include <stdlib.h>

#include "base/err.h"

static smooth_kernel *kernel(void)
{
    static smooth_kernel *chosen;
    if (chosen)
        return chosen;
    chosen = smooth_kernel_plain;
#ifdef ATTUNE_X86_LEVELS
    const char *wanted = getenv("ATTUNE_CPU"); // the level that tests force, as for the engine
    if (!(wanted && strcmp(wanted, "generic") == 0) && __builtin_cpu_supports("avx2"))
        chosen = smooth_kernel_avx2;
#endif
    return chosen;
}

void smoother_run(struct smoother *const *s, const float *const *y, int n_curves, int n_leaves, struct smooth_leaves *out)
{
    struct smooth_lanes l = {.n_curves = n_curves};
    BUG_IF(n_curves < 1 || n_curves > SMOOTH_LANES || n_leaves > SMOOTH_LEAVES);
    for (int k = 0; k < SMOOTH_LANES; k++) {
        const int from = k < n_curves ? k : 0;
        l.y[k] = y[from];
        l.value[k] = s[from]->value;
        l.remain[k] = s[from]->remain;
        l.decay[k] = s[from]->last_decay;
    }
    kernel()(&l, n_leaves, out);
    for (int k = 0; k < n_curves; k++) {
        s[k]->value = l.value[k];
        s[k]->remain = l.remain[k];
    }
}
