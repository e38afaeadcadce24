// DESIGN. A block's operands are rounded into its thread's scratch (a few percent of the time of the product),
// then one oneDNN matmul primitive runs on the calling thread alone. Primitives are made once per shape and kept.
// oneDNN would start its OpenMP threads in every caller: each pool thread limits its own to one.
// The API is that of oneDNN 2.x; nothing of it leaves this file.
#include "config.h"

#include "cpu/bf16.h"

#include <stdlib.h>

#if defined(HAVE_ONEDNN) && defined(ATTUNE_X86_LEVELS)
#include <cpuid.h>
#include <dlfcn.h>
#include <dnnl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    LARGE = 1 << 20, // multiply-adds: below this rounding and calling cost more than AMX gains
    ARCH_REQUEST_STATE = 0x1023, // arch_prctl ARCH_REQ_XCOMP_PERM
    TILE_DATA = 18,
    WIDENED = 256, // numbers that are widened at once, to be rounded
};

struct shape_key {
    int m, n, k, ldb, ldc; // ldb: of b where it lies, which is bf16 already
    bool trans_a, trans_b, accumulate;
};
struct product {
    struct shape_key key;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t a, b, c, scratchpad;
    int n_users;   // threads that run it now; guarded by the lock, as is:
    uint64_t used; // when it was last asked for, by the count of askings
};
struct thread_scratch {
    void *memory;
    size_t bytes;
};
struct bf16 {
    const struct cpu_kernels *k;
    dnnl_engine_t engine;
    int n_threads;
    dnnl_stream_t *streams;          // (n_threads)
    struct thread_scratch *scratch;  // (n_threads)
    pthread_mutex_t lock;
    struct product **products;       // guarded by lock; a product's primitive does not change
    int n_products, cap_products;
    uint64_t n_asked;
};

const char *bf16_refusal(void)
{
    unsigned a, b, c, d;
    const bool amx = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & (1u << 22)) && (d & (1u << 24));
    const bool dot = __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 5)); // avx512_bf16
    if (amx && syscall(SYS_arch_prctl, ARCH_REQUEST_STATE, TILE_DATA) == 0)
        return NULL;
    if (dot && __builtin_cpu_supports("avx512f"))
        return NULL;
    return amx ? "the system does not let programs use AMX" : "this CPU has no products of bf16 (AMX, avx512_bf16)";
}

int bf16_open(struct bf16 **out, const struct cpu_kernels *k, int n_threads, struct err *e)
{
    struct bf16 *h = mem_alloc(1, sizeof *h);
    h->k = k;
    h->n_threads = n_threads;
    h->streams = mem_alloc((size_t)n_threads, sizeof *h->streams);
    h->scratch = mem_alloc((size_t)n_threads, sizeof *h->scratch);
    pthread_mutex_init(&h->lock, NULL);
    dnnl_status_t status = dnnl_engine_create(&h->engine, dnnl_cpu, 0);
    for (int i = 0; i < n_threads && status == dnnl_success; i++)
        status = dnnl_stream_create(&h->streams[i], h->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        bf16_close(h);
        return err_set(e, ERR_FAIL, "cannot start oneDNN for bf16 products (status %d); use precision f32", status);
    }
    *out = h;
    return 0;
}

void bf16_close(struct bf16 *h)
{
    if (!h)
        return;
    for (int i = 0; i < h->n_products; i++) {
        dnnl_primitive_destroy(h->products[i]->primitive);
        free(h->products[i]);
    }
    for (int i = 0; i < h->n_threads; i++) {
        if (h->streams[i])
            dnnl_stream_destroy(h->streams[i]);
        free(h->scratch[i].memory);
    }
    if (h->engine)
        dnnl_engine_destroy(h->engine);
    pthread_mutex_destroy(&h->lock);
    free(h->products);
    free(h->streams);
    free(h->scratch);
    free(h);
}

bool bf16_is_large(const struct gemm *g)
{
    return g->m >= 16 && g->n >= 32 && g->k >= 32 && (double)g->m * g->n * g->k >= LARGE;
}

static dnnl_status_t describe(dnnl_memory_desc_t *d, int rows, int columns, bool turned, int ld, dnnl_data_type_t type)
{
    const dnnl_dims_t dims = {rows, columns}, plain = {ld, 1}, other = {1, ld};
    return dnnl_memory_desc_init_by_strides(d, 2, dims, type, turned ? other : plain);
}

static dnnl_status_t make_product(struct bf16 *h, struct product *p)
{
    const struct shape_key *key = &p->key;
    dnnl_status_t status = describe(&p->a, key->m, key->k, key->trans_a, key->trans_a ? key->m : key->k, dnnl_bf16);
    if (!status)
        status = describe(&p->b, key->k, key->n, key->trans_b, key->ldb, dnnl_bf16);
    if (!status)
        status = describe(&p->c, key->m, key->n, false, key->ldc, dnnl_f32);
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t post = NULL;
    dnnl_primitive_desc_t made = NULL;
    if (!status)
        status = dnnl_matmul_desc_init(&matmul, &p->a, &p->b, NULL, &p->c);
    if (!status)
        status = dnnl_primitive_attr_create(&attr);
    if (!status)
        status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (!status && key->accumulate && !(status = dnnl_post_ops_create(&post)) &&
        !(status = dnnl_post_ops_append_sum(post, 1)))
        status = dnnl_primitive_attr_set_post_ops(attr, post);
    if (!status)
        status = dnnl_primitive_desc_create(&made, &matmul, attr, h->engine, NULL);
    if (!status) {
        p->scratchpad = *dnnl_primitive_desc_query_md(made, dnnl_query_scratchpad_md, 0);
        status = dnnl_primitive_create(&p->primitive, made);
    }
    if (made)
        dnnl_primitive_desc_destroy(made);
    if (post)
        dnnl_post_ops_destroy(post);
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    return status;
}

static bool same_key(const struct shape_key *a, const struct shape_key *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->ldb == b->ldb && a->ldc == b->ldc &&
           a->trans_a == b->trans_a && a->trans_b == b->trans_b && a->accumulate == b->accumulate;
}

// Batches come in as many lengths as there are, so primitives of past shapes go when BF16_MAX_SHAPES are kept: the
// one least recently asked for that no thread runs.
static void drop_oldest(struct bf16 *h)
{
    int oldest = -1;
    for (int i = 0; i < h->n_products; i++)
        if (h->products[i]->n_users == 0 && (oldest < 0 || h->products[i]->used < h->products[oldest]->used))
            oldest = i;
    if (oldest < 0)
        return; // more threads than shapes: keep one more
    dnnl_primitive_destroy(h->products[oldest]->primitive);
    free(h->products[oldest]);
    h->products[oldest] = h->products[--h->n_products];
}

// The caller gives it back with release_product.
static struct product *find_product(struct bf16 *h, const struct shape_key *key, dnnl_status_t *status)
{
    struct product *found = NULL;
    pthread_mutex_lock(&h->lock);
    for (int i = h->n_products - 1; i >= 0 && !found; i--)
        if (same_key(&h->products[i]->key, key))
            found = h->products[i];
    if (!found) {
        struct product *p = mem_alloc(1, sizeof *p);
        p->key = *key;
        *status = make_product(h, p);
        if (*status == dnnl_success) {
            if (h->n_products >= BF16_MAX_SHAPES)
                drop_oldest(h);
            MEM_GROW(h->products, h->n_products, h->cap_products);
            h->products[h->n_products++] = p;
            found = p;
        } else {
            free(p);
        }
    }
    if (found) {
        found->n_users++;
        found->used = h->n_asked++;
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

static void release_product(struct bf16 *h, struct product *p)
{
    pthread_mutex_lock(&h->lock);
    p->n_users--;
    pthread_mutex_unlock(&h->lock);
}

int bf16_n_shapes(struct bf16 *h)
{
    pthread_mutex_lock(&h->lock);
    int n = h->n_products;
    pthread_mutex_unlock(&h->lock);
    return n;
}

static size_t padded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void *thread_memory(struct thread_scratch *s, size_t bytes)
{
    if (bytes > s->bytes) {
        free(s->memory);
        s->bytes = 0;
        s->memory = aligned_alloc(64, bytes);
        if (s->memory)
            s->bytes = bytes;
    }
    return s->memory;
}

// (rows, columns) of stride ld, dense and rounded.
static void round_matrix(const struct cpu_kernels *k, uint16_t *to, const float *from, int rows, int columns, int ld,
                         float factor)
{
    for (int r = 0; r < rows; r++)
        k->round_bf16(to + (size_t)r * (size_t)columns, from + (size_t)r * (size_t)ld, factor, (size_t)columns);
}

static void use_one_thread(void)
{
    static _Thread_local bool done;
    if (done)
        return;
    void (*set_threads)(int) = (void (*)(int))(uintptr_t)dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads)
        set_threads(1);
    done = true;
}

static dnnl_status_t execute(struct bf16 *h, const struct product *p, void *a, void *b, float *c, void *scratchpad,
                             int thread)
{
    const dnnl_memory_desc_t *descs[4] = {&p->a, &p->b, &p->c, &p->scratchpad};
    void *const data[4] = {a, b, c, scratchpad};
    dnnl_exec_arg_t args[4] = {{DNNL_ARG_SRC, NULL}, {DNNL_ARG_WEIGHTS, NULL}, {DNNL_ARG_DST, NULL},
                               {DNNL_ARG_SCRATCHPAD, NULL}};
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < 4 && !status; i++)
        status = dnnl_memory_create(&args[i].memory, descs[i], h->engine, data[i]);
    if (!status)
        status = dnnl_primitive_execute(p->primitive, h->streams[thread], 4, args);
    if (!status)
        status = dnnl_stream_wait(h->streams[thread]);
    for (int i = 0; i < 4; i++)
        if (args[i].memory)
            dnnl_memory_destroy(args[i].memory);
    return status;
}

// b of another type, dense and rounded.
static void round_b(const struct cpu_kernels *k, uint16_t *to, const struct gemm *g)
{
    const int lines = g->trans_b ? g->n : g->k, length = g->trans_b ? g->k : g->n;
    float wide[WIDENED];
    if (g->b_type == DTYPE_F32) {
        round_matrix(k, to, g->b, lines, length, g->ldb, 1);
        return;
    }
    for (int r = 0; r < lines; r++)
        for (int i = 0, n; i < length; i += n) {
            n = length - i < WIDENED ? length - i : WIDENED;
            gemm_widen_b(k, wide, g, (size_t)r * (size_t)g->ldb + (size_t)i, (size_t)n);
            k->round_bf16(to + (size_t)r * (size_t)length + i, wide, 1, (size_t)n);
        }
}

static int run_product(struct bf16 *h, const struct product *p, const struct gemm *g, int thread, struct err *e)
{
    const bool as_it_is = g->b_type == DTYPE_BF16;
    size_t a_bytes = padded((size_t)g->m * (size_t)g->k * 2);
    size_t b_bytes = as_it_is ? 0 : padded((size_t)g->k * (size_t)g->n * 2);
    size_t pad_bytes = padded(dnnl_memory_desc_get_size(&p->scratchpad) + 64);
    char *memory = thread_memory(&h->scratch[thread], a_bytes + b_bytes + pad_bytes);
    if (!memory)
        return err_set(e, ERR_LIMIT, "not enough memory for a bf16 product: needs %zu bytes",
                       a_bytes + b_bytes + pad_bytes);
    uint16_t *a = (uint16_t *)(void *)memory, *b = (uint16_t *)(void *)(memory + a_bytes);
    round_matrix(h->k, a, g->a, g->trans_a ? g->k : g->m, g->trans_a ? g->m : g->k, g->lda, g->alpha);
    if (!as_it_is)
        round_b(h->k, b, g);
    if (g->beta != 0 && g->beta != 1)
        for (int r = 0; r < g->m; r++)
            h->k->scale(g->c + (size_t)r * (size_t)g->ldc, g->beta, (size_t)g->n);
    void *b_data = as_it_is ? (void *)(uintptr_t)g->b : b; // it is only read
    dnnl_status_t status = execute(h, p, a, b_data, g->c, memory + a_bytes + b_bytes, thread);
    if (status != dnnl_success)
        return err_set(e, ERR_FAIL, "a bf16 product failed in oneDNN (status %d); use precision f32", status);
    return 0;
}

int bf16_gemm(struct bf16 *h, const struct gemm *g, int thread, struct err *e)
{
    use_one_thread();
    const int dense = g->trans_b ? g->k : g->n;
    const struct shape_key key = {g->m,   g->n,       g->k,       g->b_type == DTYPE_BF16 ? g->ldb : dense,
                                  g->ldc, g->trans_a, g->trans_b, g->beta != 0};
    dnnl_status_t status = dnnl_success;
    struct product *p = find_product(h, &key, &status);
    if (!p)
        return err_set(e, ERR_FAIL, "oneDNN cannot multiply (%d,%d) by (%d,%d) in bf16 (status %d); use precision f32",
                       g->m, g->k, g->k, g->n, status);
    int code = run_product(h, p, g, thread, e);
    release_product(h, p);
    return code;
}

#else

const char *bf16_refusal(void)
{
    return "this build has no oneDNN, or this is no x86 CPU";
}

int bf16_open(struct bf16 **out, const struct cpu_kernels *k, int n_threads, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "bf16 products need a build with oneDNN");
}

void bf16_close(struct bf16 *h)
{
}

bool bf16_is_large(const struct gemm *g)
{
    return false;
}

int bf16_gemm(struct bf16 *h, const struct gemm *g, int thread, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "bf16 products need a build with oneDNN");
}

int bf16_n_shapes(struct bf16 *h)
{
    return 0;
}

#endif
