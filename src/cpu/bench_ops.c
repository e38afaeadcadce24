// `make bench-ops`: speed of the backend's operations as a share of the multiply-add calibrator, which runs in
// turn with them. Arguments: threads (default 1), rounds (default 7), a word that names must contain.
#include "config.h"

#include "cpu/backend_cpu.h"
#include "cpu/cpu.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

enum { MAX_ROUNDS = 99, ARENA = 64 << 20, FMA_STEPS = 60000 };

// With one thread its own time counts, so that other programs disturb less; with more, the wall's.
static double seconds(int n_threads)
{
    struct timespec t;
    clock_gettime(n_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct run {
    struct backend *b;
    float *memory; // ARENA floats, filled
};
struct shape {
    int t, i, o;
};
struct timing {
    char name[64];
    double flops; // 0: report bytes
    double bytes;
    void (*call)(struct run *r, const struct shape *s);
    struct shape shape;
};

static float *part(struct run *r, size_t at)
{
    if (at >= ARENA)
        BUG("the benchmark's memory is too small");
    return r->memory + at;
}

static void call_linear(struct run *r, const struct shape *s)
{
    size_t x = (size_t)s->t * (size_t)s->i, w = (size_t)s->i * (size_t)s->o;
    backend_cpu.linear(r->b, part(r, x + w), part(r, 0), stored_f32(part(r, x)), NULL, s->t, s->i, s->o, 1, 0);
}

static void call_dx(struct run *r, const struct shape *s)
{
    size_t dy = (size_t)s->t * (size_t)s->o, w = (size_t)s->i * (size_t)s->o;
    backend_cpu.linear_dx(r->b, part(r, dy + w), part(r, 0), stored_f32(part(r, dy)), s->t, s->i, s->o, 1, 0);
}

static void call_dw(struct run *r, const struct shape *s)
{
    size_t dy = (size_t)s->t * (size_t)s->o, x = (size_t)s->t * (size_t)s->i;
    backend_cpu.linear_dw(r->b, part(r, dy + x), NULL, part(r, 0), part(r, dy), s->t, s->i, s->o, 1e-9f);
}

static void call_blas(struct run *r, const struct shape *s) // OpenBLAS, one thread, the forward product
{
    size_t x = (size_t)s->t * (size_t)s->i, w = (size_t)s->i * (size_t)s->o;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s->t, s->o, s->i, 1, part(r, 0), s->i, part(r, x), s->i, 0,
                part(r, x + w), s->o);
}

// Attention of one text of t tokens, i heads of o.
static void call_attention(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i * (size_t)s->o;
    struct attn_segment segment = {0, s->t, 0, 0};
    struct attn_shape a = {s->i, s->i, s->o, 0.1f, 0};
    backend_cpu.attention(r->b, part(r, 3 * n), part(r, 4 * n), part(r, 0), part(r, n), part(r, 2 * n), &segment, 1,
                          s->t, s->t, &a);
}

static void call_attention_backward(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i * (size_t)s->o;
    struct attn_segment segment = {0, s->t, 0, 0};
    struct attn_shape a = {s->i, s->i, s->o, 0.1f, 0};
    backend_cpu.attention_backward(r->b, part(r, 5 * n), part(r, 6 * n), part(r, 7 * n), part(r, 8 * n),
                                   part(r, 3 * n), part(r, 4 * n), part(r, 0), part(r, n), part(r, 2 * n), &segment, 1,
                                   s->t, s->t, &a);
}

static int32_t bench_targets[8192];

// What is read of the head beside log-probabilities, and sent back.
enum extra { PLAIN, SQUARES, RIVALS, KL };

static struct head_in head_of(struct run *r, const struct shape *s, enum extra extra)
{
    size_t x = (size_t)s->t * (size_t)s->i;
    struct head_in in = {.x = part(r, 0), .w = stored_f32(part(r, x)), .targets = bench_targets, .n = s->t, .c = s->i,
                         .v = s->o,
                         .inv_temperature = 1};
    if (extra == KL) { // the rows moved on by a few make another model of the same weights
        in.ref_x = part(r, 5);
        in.ref_w = in.w;
    }
    in.n_rivals = 5;
    in.draws = part(r, 0);
    return in;
}

static void head_with(struct run *r, const struct shape *s, enum extra extra)
{
    size_t x = (size_t)s->t * (size_t)s->i, w = (size_t)s->i * (size_t)s->o;
    float *numbers = part(r, x + w);
    const struct head_in in = head_of(r, s, extra);
    struct head_out out = {.logprobs = numbers, .lse = numbers + 8192};
    if (extra == SQUARES)
        out.sum_squares = numbers + 2 * 8192;
    if (extra == RIVALS) {
        out.rivals = (int32_t *)(void *)(numbers + 3 * 8192);
        out.gaps = numbers + 4 * 8192;
    }
    if (extra == KL) {
        out.kl = numbers + 5 * 8192;
        out.ref_lse = numbers + 6 * 8192;
    }
    backend_cpu.head(r->b, &out, &in);
}

static void call_head(struct run *r, const struct shape *s)
{
    head_with(r, s, PLAIN);
}

static void call_head_squares(struct run *r, const struct shape *s)
{
    head_with(r, s, SQUARES);
}

static void call_head_rivals(struct run *r, const struct shape *s)
{
    head_with(r, s, RIVALS);
}

static void call_head_kl(struct run *r, const struct shape *s)
{
    head_with(r, s, KL);
}

static void head_backward_with(struct run *r, const struct shape *s, enum extra extra)
{
    size_t x = (size_t)s->t * (size_t)s->i, w = (size_t)s->i * (size_t)s->o;
    const struct head_in in = head_of(r, s, extra);
    float *lse = part(r, 2 * x + 2 * w), *coef = lse + 8192;
    for (int i = 0; i < s->t; i++) {
        lse[i] = 20;
        coef[i] = 1e-9f;
    }
    backend_cpu.head_backward(r->b, part(r, x + w), part(r, 2 * x + w), &in,
                              &(struct head_slopes){.lse = lse, .logprob = coef, .kl = extra == KL ? coef : NULL,
                                                    .ref_lse = lse});
}

static void call_head_backward(struct run *r, const struct shape *s)
{
    head_backward_with(r, s, PLAIN);
}

static void call_head_backward_kl(struct run *r, const struct shape *s)
{
    head_backward_with(r, s, KL);
}

static void call_swiglu(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i;
    backend_cpu.gated(r->b, part(r, 2 * n), part(r, 0), part(r, n), n, ACT_SILU);
}

static void call_gelu(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i;
    backend_cpu.act(r->b, part(r, n), part(r, 0), n, ACT_GELU_TANH);
}

static void call_adamw(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i;
    static const struct adamw step = {1e-9f, 0.9f, 0.95f, 1e-8f, 0, 1, 1, 1};
    backend_cpu.adamw(r->b, part(r, 0), part(r, n), part(r, 2 * n), part(r, 3 * n), n, &step);
}

static void call_rmsnorm(struct run *r, const struct shape *s)
{
    size_t n = (size_t)s->t * (size_t)s->i;
    backend_cpu.rmsnorm(r->b, part(r, n), part(r, 2 * n), part(r, 0), part(r, 0), 1e-5f, s->t, s->i);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_one(struct run *r, const struct timing *t, int rounds, int n_threads)
{
    double fma[MAX_ROUNDS], op[MAX_ROUNDS];
    double work = t->flops > 0 ? t->flops : t->bytes * 4;
    int calls = (int)(6e8 / work) + 1;
    t->call(r, &t->shape);
    for (int i = 0; i < rounds; i++) {
        double start = seconds(n_threads), flops = r->b->k->fma_loop(FMA_STEPS);
        fma[i] = flops / (seconds(n_threads) - start);
        start = seconds(n_threads);
        for (int k = 0; k < calls; k++)
            t->call(r, &t->shape);
        op[i] = calls / (seconds(n_threads) - start);
    }
    qsort(fma, (size_t)rounds, sizeof *fma, ascending);
    qsort(op, (size_t)rounds, sizeof *op, ascending);
    double rate = op[rounds / 2], peak = fma[rounds / 2] * n_threads;
    if (t->flops > 0)
        printf("%-28s %5d %5d %6d %10.1f us %7.1f GFLOP/s %5.1f %% of %.0f\n", t->name, t->shape.t, t->shape.i,
               t->shape.o, 1e6 / rate, rate * t->flops * 1e-9, 100 * rate * t->flops / peak, peak * 1e-9);
    else
        printf("%-28s %5d %5d %6d %10.1f us %7.1f GB/s\n", t->name, t->shape.t, t->shape.i, t->shape.o, 1e6 / rate,
               rate * t->bytes * 1e-9);
    fflush(stdout);
}

static void time_products(struct run *r, int rounds, int n_threads, const char *only)
{
    static const struct shape shapes[] = {{256, 64, 64},    {256, 64, 172},   {512, 288, 288},   {512, 288, 768},
                                          {512, 768, 288},  {256, 768, 768},  {256, 768, 2304},  {256, 768, 3072},
                                          {256, 3072, 768}, {1024, 3072, 768}, {2048, 768, 3072}, {16, 768, 3072}};
    static const struct {
        const char *name;
        void (*call)(struct run *r, const struct shape *s);
    } kinds[] = {{"linear", call_linear}, {"linear_dx", call_dx}, {"linear_dw", call_dw}, {"(OpenBLAS)", call_blas}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t k = 0; k < 4; k++) {
            struct timing t = {.call = kinds[k].call, .shape = shapes[s],
                               .flops = 2.0 * shapes[s].t * shapes[s].i * shapes[s].o};
            snprintf(t.name, sizeof t.name, "%s", kinds[k].name);
            if (strstr(t.name, only))
                time_one(r, &t, rounds, n_threads);
        }
}

int main(int argc, char **argv)
{
    struct err fault = {0};
    struct run r = {0};
    int n_threads = argc > 1 ? atoi(argv[1]) : 1, rounds = argc > 2 ? atoi(argv[2]) : 7;
    const char *only = argc > 3 ? argv[3] : "";
    if (rounds < 1 || rounds > MAX_ROUNDS || n_threads < 1) {
        fprintf(stderr, "usage: bench_ops [THREADS [ROUNDS [WORD]]]\n");
        return 2;
    }
    if (cpu_blas_prepare(argc, argv, &fault) != 0 ||
        backend_cpu.open(&r.b, &(struct backend_options){.n_threads = n_threads}, &fault) != 0 ||
        !(r.memory = backend_cpu.alloc(r.b, ARENA * sizeof(float), "the benchmark", &fault))) {
        fprintf(stderr, "%s\n", fault.text);
        return 1;
    }
    for (size_t i = 0; i < ARENA; i++)
        r.memory[i] = (float)(i * 7 % 31) * 0.01f - 0.15f;
    for (int i = 0; i < 8192; i++)
        bench_targets[i] = i % 500;
    printf("%s kernels, OpenBLAS %s, %d threads, medians of %d rounds\n", r.b->k->name, openblas_get_corename(),
           n_threads, rounds);
    time_products(&r, rounds, n_threads, only);
    const struct timing others[] = {
        {"attention t,heads,dim", 2.0 * 256 * 256 * 12 * 64, 0, call_attention, {256, 12, 64}},
        {"attention t,heads,dim", 2.0 * 256 * 256 * 6 * 48, 0, call_attention, {256, 6, 48}},
        {"attention t,heads,dim", 2.0 * 128 * 128 * 8 * 8, 0, call_attention, {128, 8, 8}},
        {"attention_backward", 5.0 * 256 * 256 * 12 * 64, 0, call_attention_backward, {256, 12, 64}},
        {"attention_backward", 5.0 * 256 * 256 * 6 * 48, 0, call_attention_backward, {256, 6, 48}},
        {"attention_backward", 5.0 * 128 * 128 * 8 * 8, 0, call_attention_backward, {128, 8, 8}},
        {"head", 2.0 * 512 * 288 * 32000, 0, call_head, {512, 288, 32000}},
        {"head", 2.0 * 256 * 64 * 512, 0, call_head, {256, 64, 512}},
        {"head, sum of squares", 2.0 * 512 * 288 * 32000, 0, call_head_squares, {512, 288, 32000}},
        {"head, rivals of 5", 2.0 * 512 * 288 * 32000, 0, call_head_rivals, {512, 288, 32000}},
        {"head, kl", 4.0 * 512 * 288 * 32000, 0, call_head_kl, {512, 288, 32000}},
        {"head_backward", 6.0 * 512 * 288 * 32000, 0, call_head_backward, {512, 288, 32000}},
        {"head_backward", 6.0 * 256 * 64 * 512, 0, call_head_backward, {256, 64, 512}},
        {"head_backward, kl", 8.0 * 512 * 288 * 32000, 0, call_head_backward_kl, {512, 288, 32000}},
        {"swiglu", 0, 12.0 * 512 * 768, call_swiglu, {512, 768, 0}},
        {"act gelu_tanh", 0, 8.0 * 256 * 3072, call_gelu, {256, 3072, 0}},
        {"rmsnorm", 0, 8.0 * 512 * 288, call_rmsnorm, {512, 288, 0}},
        {"adamw", 0, 28.0 * 4096 * 3000, call_adamw, {4096, 3000, 0}},
        {"adamw", 0, 28.0 * 260 * 1000, call_adamw, {260, 1000, 0}},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(others[i].name, only))
            time_one(&r, &others[i], rounds, n_threads);
    backend_cpu.free(r.b, r.memory);
    backend_cpu.close(r.b);
    return 0;
}
