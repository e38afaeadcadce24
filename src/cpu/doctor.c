// What `doctor` says of the processor: the probe, speeds measured in about a second, and what to do about
// what is slow.
#include "config.h"

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

enum { ROUNDS = 5, SIDE = 512, FMA_STEPS = 100000 };

struct speeds { // GFLOP/s
    double fma;     // one thread, nothing but multiply-adds in registers
    double product; // one thread, a SIDE x SIDE x SIDE product
    double product_all; // every thread
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, ascending);
    return values[ROUNDS / 2];
}

static double time_product(struct backend *b, float *memory, int m)
{
    float *x = memory, *w = x + (size_t)m * SIDE, *y = w + SIDE * SIDE;
    double start = clock_seconds();
    cpu_linear(b, y, x, stored_f32(w), NULL, m, SIDE, SIDE, 1, 0);
    return 2.0 * m * SIDE * SIDE / (clock_seconds() - start) * 1e-9;
}

// The three are measured in turn, ROUNDS times, so that a busy moment hits all alike.
static int measure(struct speeds *s, int n_cores, struct err *e)
{
    struct backend *one = NULL, *all = NULL;
    int rows = SIDE * n_cores;
    size_t n = 2 * (size_t)rows * SIDE + SIDE * SIDE;
    float *memory = NULL;
    double fma[ROUNDS], product[ROUNDS], product_all[ROUNDS];
    int code = backend_cpu.open(&one, &(struct backend_options){.n_threads = 1}, e);
    if (!code)
        code = backend_cpu.open(&all, &(struct backend_options){.n_threads = n_cores}, e);
    if (code)
        goto out;
    memory = mem_alloc(n, sizeof *memory);
    for (size_t i = 0; i < n; i++)
        memory[i] = (float)(i % 17) * 0.01f;
    time_product(one, memory, SIDE); // pages and caches
    time_product(all, memory, rows);
    for (int i = 0; i < ROUNDS; i++) {
        double start = clock_seconds(), flops = one->k->fma_loop(FMA_STEPS);
        fma[i] = flops / (clock_seconds() - start) * 1e-9;
        product[i] = time_product(one, memory, SIDE);
        product_all[i] = time_product(all, memory, rows);
    }
    *s = (struct speeds){median(fma), median(product), median(product_all)};
out:
    free(memory);
    if (one)
        backend_cpu.close(one);
    if (all)
        backend_cpu.close(all);
    return code;
}

static void add_finding(json_t *findings, const char *what, const char *advice)
{
    json_array_append_new(findings, json_pack("{s:s, s:s}", "what", what, "do", advice));
}

static void find_faults(json_t *findings, const struct cpu_probe *p, const struct speeds *s)
{
    char text[400];
    if (p->blas_default[0]) {
        snprintf(text, sizeof text,
                 "OpenBLAS does not know this CPU and would have used its kernels for %s; the engine started again "
                 "with %s",
                 p->blas_default, p->blas_core);
        add_finding(findings, text, "nothing: it is cured");
    } else if (p->blas_best[0] && strcmp(p->blas_best, p->blas_core) != 0 && getenv("OPENBLAS_CORETYPE")) {
        snprintf(text, sizeof text, "OpenBLAS uses its kernels for %s because OPENBLAS_CORETYPE=%s is set; this CPU "
                 "can run those for %s", p->blas_core, getenv("OPENBLAS_CORETYPE"), p->blas_best);
        add_finding(findings, text, "unset OPENBLAS_CORETYPE");
    }
    if (getenv("ATTUNE_CPU") && *getenv("ATTUNE_CPU"))
        add_finding(findings, "ATTUNE_CPU is set: it holds the engine to that level of vector instructions",
                    "unset ATTUNE_CPU");
    if (s->fma > 0 && s->product < 0.5 * s->fma) {
        snprintf(text, sizeof text, "matrix products reach %.0f of %.0f GFLOP/s on one core", s->product, s->fma);
        add_finding(findings, text, "look for other programs that keep the cores busy, then run doctor again");
    }
    if (p->n_cores > 1 && s->product_all < 0.6 * p->n_cores * s->product) {
        snprintf(text, sizeof text, "%d cores together make %.0f GFLOP/s, one alone %.0f", p->n_cores, s->product_all,
                 s->product);
        add_finding(findings, text, "the cores are shared with other programs, or are two threads of one core: "
                                    "try the option for the number of threads");
    }
    if (strstr(p->features, "amx_bf16") && !p->bf16)
        add_finding(findings, p->onednn ? "this CPU has AMX, but the system does not let programs use it"
                                        : "this CPU has AMX for bf16, but this build has no oneDNN",
                    p->onednn ? "a newer kernel or another setting of the virtual machine"
                              : "install libdnnl-dev and build again for bf16 products");
}

json_t *cpu_doctor(void)
{
    struct cpu_probe p;
    cpu_probe(&p);
    struct speeds s = {0};
    struct err fault = {0};
    int code = measure(&s, p.n_cores, &fault);
    json_t *findings = json_array();
    if (code)
        add_finding(findings, fault.text, "cure this first");
    else
        find_faults(findings, &p, &s);
    return json_pack("{s:s, s:i, s:s, s:s, s:{s:s, s:s, s:s}, s:b, s:b, s:{s:f, s:f, s:f}, s:o}", "brand", p.brand,
                     "cores", p.n_cores, "kernels", p.level, "features", p.features, "blas", "core", p.blas_core,
                     "default", p.blas_default, "best", p.blas_best, "onednn", p.onednn, "bf16", p.bf16, "gflops",
                     "fma_1", s.fma, "sgemm_1", s.product, "sgemm_all", s.product_all, "findings", findings);
}
