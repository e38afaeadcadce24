// What the machine offers and which kernels OpenBLAS chose. Debian's OpenBLAS knows the CPUs of its day by
// model number and takes younger ones for a "Prescott" of 2004, at a quarter of the speed.
#include "config.h"

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

#include <cblas.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/file.h"
#include "base/str.h"

// Set before the program executes itself again, to the core name that OpenBLAS had chosen alone.
static const char GUARD[] = "ATTUNE_BLAS_WAS";

// Core names from slow to fast, for comparison; others (of other architectures) have no rank.
static int core_rank(const char *core)
{
    static const char *const slow_to_fast[] = {
        "Prescott", "Core2",   "Penryn",   "Dunnington", "Atom",      "Nehalem",    "Athlon",   "Opteron",
        "Barcelona", "Bobcat", "Sandybridge", "Bulldozer", "Piledriver", "Steamroller", "Excavator",
        "Haswell",  "Zen",     "SkylakeX", "Cooperlake", "Sapphirerapids"};
    for (int i = 0; i < (int)(sizeof slow_to_fast / sizeof *slow_to_fast); i++)
        if (strcasecmp(core, slow_to_fast[i]) == 0)
            return i;
    return -1;
}

static const char *best_core(void)
{
#ifdef ATTUNE_X86_LEVELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
#endif
    return "";
}

int cpu_blas_prepare(int argc, char **argv, struct err *e)
{
    const char *core = openblas_get_corename(), *best = best_core();
    int have = core_rank(core), could = core_rank(best);
    if (getenv("OPENBLAS_CORETYPE") || getenv(GUARD) || have < 0 || could < 0 || have >= could)
        return 0;
    // Haswell and Zen run the same instructions
    if (could == core_rank("Zen") && have == core_rank("Haswell"))
        return 0;
    if (setenv(GUARD, core, 1) != 0 || setenv("OPENBLAS_CORETYPE", best, 1) != 0)
        return err_errno(e, "cannot start with OpenBLAS's kernels for %s", best);
    execv(path_program(), argv);
    // where that cannot be the program goes on, only slower; doctor says so
    unsetenv("OPENBLAS_CORETYPE");
    return 0;
}

static void read_brand(char *out, size_t size)
{
    text_copy(out, size, "unknown");
#if defined(__x86_64__)
    unsigned regs[12], top = __get_cpuid_max(0x80000000u, NULL);
    if (top < 0x80000004u)
        return;
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, &regs[4 * i], &regs[4 * i + 1], &regs[4 * i + 2], &regs[4 * i + 3]);
    char brand[sizeof regs + 1] = {0};
    memcpy(brand, regs, sizeof regs);
    const char *start = brand;
    while (*start == ' ')
        start++;
    text_copy(out, size, start);
    for (size_t n = strlen(out); n > 0 && out[n - 1] == ' '; n--)
        out[n - 1] = 0;
#endif
}

static void read_features(char *out, size_t size)
{
    struct str s = {0};
#ifdef ATTUNE_X86_LEVELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        str_addf(&s, " avx2");
    if (__builtin_cpu_supports("fma"))
        str_addf(&s, " fma");
    if (__builtin_cpu_supports("avx512f"))
        str_addf(&s, " avx512f");
    unsigned a, b, c, d;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5)) && __builtin_cpu_supports("avx512f"))
        str_addf(&s, " avx512_bf16");
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 22)))
        str_addf(&s, " amx_bf16");
#endif
    text_copy(out, size, s.len ? str_text(&s) + 1 : "");
    str_fini(&s);
}

void cpu_probe(struct cpu_probe *p)
{
    *p = (struct cpu_probe){.n_cores = cpu_cores()};
    read_brand(p->brand, sizeof p->brand);
    read_features(p->features, sizeof p->features);
    const struct cpu_kernels *k;
    text_copy(p->level, sizeof p->level, cpu_level(&k, NULL) == 0 ? k->name : "");
    text_copy(p->blas_core, sizeof p->blas_core, openblas_get_corename());
    text_copy(p->blas_best, sizeof p->blas_best, best_core());
    const char *was = getenv(GUARD);
    text_copy(p->blas_default, sizeof p->blas_default, was ? was : "");
#ifdef HAVE_ONEDNN
    p->onednn = true;
#endif
    p->bf16 = bf16_refusal() == NULL;
}
