// What the machine can do (the calibrator), and what recording a step costs.
#include "config.h"

#include "train/engine/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/str.h"
#include "store/run_db.h"
#include "train/run/recorder.h"

// ---- multiply-adds ----

enum { SPINS = 1 << 18, LANES_AVX512 = 16, LANES_AVX2 = 8, CHAINS = 12 };

struct spin {
    volatile float *sink;
};

#if defined(__x86_64__)
typedef float vec16 __attribute__((vector_size(64)));
typedef float vec8 __attribute__((vector_size(32)));

// Independent chains hide the latency of one multiply-add behind the others.
#define SPIN_BODY(vec, lanes)                                                                                          \
    vec sum[CHAINS], factor, step;                                                                                     \
    for (int l = 0; l < (lanes); l++) {                                                                                \
        factor[l] = 0.999f;                                                                                            \
        step[l] = 0.001f;                                                                                              \
    }                                                                                                                  \
    for (int c = 0; c < CHAINS; c++)                                                                                   \
        sum[c] = step * (float)(block + c + 1);                                                                        \
    for (int i = 0; i < SPINS; i++)                                                                                    \
        for (int c = 0; c < CHAINS; c++)                                                                               \
            sum[c] = sum[c] * factor + step;                                                                           \
    vec all = sum[0];                                                                                                  \
    for (int c = 1; c < CHAINS; c++)                                                                                   \
        all += sum[c];                                                                                                 \
    s->sink[thread * 16] = all[0];

__attribute__((target("avx512f"), optimize("O3", "fp-contract=fast"))) static void spin_avx512(void *arg, int block,
                                                                                               int thread)
{
    struct spin *s = arg;
    SPIN_BODY(vec16, LANES_AVX512)
}

__attribute__((target("avx2,fma"), optimize("O3", "fp-contract=fast"))) static void spin_avx2(void *arg, int block,
                                                                                              int thread)
{
    struct spin *s = arg;
    SPIN_BODY(vec8, LANES_AVX2)
}
#endif

static void spin_plain(void *arg, int block, int thread)
{
    struct spin *s = arg;
    float sum[CHAINS];
    for (int c = 0; c < CHAINS; c++)
        sum[c] = 0.001f * (float)(block + c + 1);
    for (int i = 0; i < SPINS; i++)
        for (int c = 0; c < CHAINS; c++)
            sum[c] = sum[c] * 0.999f + 0.001f;
    float all = 0;
    for (int c = 0; c < CHAINS; c++)
        all += sum[c];
    s->sink[thread * 16] = all;
}

struct calibrator {
    const char *name;
    pool_task spin;
    int lanes;
};

static struct calibrator calibrator(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return (struct calibrator){"f32 multiply-adds, AVX-512", spin_avx512, LANES_AVX512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return (struct calibrator){"f32 multiply-adds, AVX2", spin_avx2, LANES_AVX2};
#endif
    return (struct calibrator){"f32 multiply-adds", spin_plain, 1};
}

const char *bench_calibrator_name(void)
{
    return calibrator().name;
}

double bench_calibrate(int threads, double seconds)
{
    const struct calibrator c = calibrator();
    volatile float *sink = mem_alloc((size_t)threads * 16, sizeof *sink);
    struct spin s = {sink};
    struct pool *pool;
    double work = 0, began, now;
    if (pool_new(&pool, threads, NULL))
        return 0;
    pool_run(pool, threads, c.spin, &s); // wakes the threads and the vector units
    began = clock_seconds();
    do {
        pool_run(pool, threads, c.spin, &s);
        work += 2.0 * SPINS * CHAINS * c.lanes * threads;
        now = clock_seconds();
    } while (now - began < seconds);
    pool_free(pool);
    free((void *)sink);
    return work / (now - began);
}

// ---- recording ----

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

char *bench_folder(void)
{
    const char *base = getenv("TMPDIR");
    struct str path = {0};
    str_addf(&path, "%s/attune-bench-XXXXXX", base ? base : "/tmp");
    char *dir = str_take(&path);
    if (mkdtemp(dir))
        return dir;
    free(dir);
    return NULL;
}

// 48 metrics a step, a step a millisecond, into a real run.db; what a step waits is what is measured.
int bench_recording(double *p99, double *median, struct err *e)
{
    enum { STEPS = 2000, KEYS = 24 };
    static char names[2 * KEYS][24];
    struct metric_list lists[2] = {0};
    struct run_writer *writer;
    struct recorder *recorder;
    struct run_status status = {.state = RUN_RUNNING};
    char *dir = bench_folder();
    double *cost = mem_alloc(STEPS, sizeof *cost);
    if (!dir)
        return err_errno(e, "cannot make a temporary folder");
    for (int i = 0; i < 2 * KEYS; i++) {
        snprintf(names[i], sizeof names[i], "metric-%d", i);
        metric_add(&lists[i / KEYS], names[i], i);
    }
    run_status_self(&status);
    int code = run_writer_open(&writer, dir, e);
    if (!code)
        code = recorder_start(&recorder, writer, &status, dir, e);
    if (!code) {
        for (int i = 0; i < STEPS; i++) {
            const double began = clock_seconds();
            recorder_metrics(recorder, i, &lists[0]);
            recorder_metrics(recorder, i, &lists[1]);
            recorder_status(recorder, &status);
            cost[i] = clock_seconds() - began;
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        code = recorder_stop(recorder, e);
        qsort(cost, STEPS, sizeof *cost, by_value);
        *p99 = cost[STEPS * 99 / 100];
        *median = cost[STEPS / 2];
    }
    file_remove_tree(dir, NULL);
    free(dir);
    free(cost);
    return code;
}
