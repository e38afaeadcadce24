// The cpu backend and what it says of the machine.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "model/backend.h"

extern const struct backend_ops backend_cpu;

// First thing in main(): makes OpenBLAS use the kernels that this CPU can run. It reads OPENBLAS_CORETYPE
// when it is loaded, so the program is executed again with the variable set; returns when nothing is to do.
int cpu_blas_prepare(int argc, char **argv, struct err *e);

struct cpu_probe {
    char brand[64];
    int n_cores;          // that this process may use
    char level[16];       // of our own kernels: generic, avx2, avx512
    char features[128];   // of those that matter: "avx2 fma avx512f avx512_bf16 amx_bf16"
    char blas_core[32];   // OpenBLAS's kernels in use
    char blas_default[32]; // what it would have used on its own, "" when nobody changed it
    char blas_best[32];   // what fits this CPU, "" when unknown
    bool onednn;          // linked
    bool bf16;            // PRECISION_BF16 can be used
};
void cpu_probe(struct cpu_probe *p);

// For `attune-engine doctor`: the probe, measured speeds (under 2 s) and findings in words. Heap.
json_t *cpu_doctor(void);
