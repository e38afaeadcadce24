// Which compiled level of the kernels this CPU can run, and how many cores there are to use.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool can_run(const struct cpu_kernels *k)
{
#ifdef ATTUNE_X86_LEVELS
    __builtin_cpu_init(); // also checks that the system saves the registers (XCR0)
    if (k == &cpu_kernels_avx512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (k == &cpu_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &cpu_kernels_generic;
}

int cpu_level(const struct cpu_kernels **out, struct err *e)
{
    static const struct cpu_kernels *const best_first[] = {
#ifdef ATTUNE_X86_LEVELS
        &cpu_kernels_avx512, &cpu_kernels_avx2,
#endif
        &cpu_kernels_generic};
    const char *wanted = getenv("ATTUNE_CPU");
    for (size_t i = 0; i < sizeof best_first / sizeof *best_first; i++) {
        const struct cpu_kernels *k = best_first[i];
        if (wanted && *wanted && strcmp(wanted, k->name) != 0)
            continue;
        if (can_run(k)) {
            *out = k;
            return 0;
        }
    }
    return err_set(e, ERR_USAGE, "ATTUNE_CPU=%s: this CPU or this build cannot run that; unset it, or use generic",
                   wanted);
}

// cgroup v2's "quota period" in microseconds, or v1's pair of files; 0 without a limit.
static double cgroup_quota(void)
{
    double quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (f) {
        if (fscanf(f, "%lf %lf", &quota, &period) != 2)
            quota = 0;
        fclose(f);
    } else if ((f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r"))) {
        if (fscanf(f, "%lf", &quota) != 1)
            quota = 0;
        fclose(f);
        f = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r");
        if (f) {
            if (fscanf(f, "%lf", &period) != 1)
                period = 0;
            fclose(f);
        }
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

int cpu_cores(void)
{
    int n = 0;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
    if (n <= 0)
        n = (int)sysconf(_SC_NPROCESSORS_ONLN);
    double quota = cgroup_quota();
    if (quota > 0 && quota < n)
        n = (int)(quota + 0.999);
    return n < 1 ? 1 : n > 256 ? 256 : n;
}
