// The cpu backend's table. Operations run at once on the caller and the pool; "device memory" is ordinary memory aligned to
// cache lines.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cpu/cpu.h"

static void cpu_close(struct backend *b)
{
    if (!b)
        return;
    cpu_samplers_free(b);
    pool_free(b->pool);
    bf16_close(b->bf16);
    pthread_mutex_destroy(&b->fault_lock);
    cpu_memory_free(b->scratch);
    cpu_memory_free(b->gemm_scratch);
    free(b);
}

static int cpu_n_devices(void)
{
    return 1;
}

static const char *cpu_device(const struct backend *b)
{
    return "cpu";
}

static int cpu_open(struct backend **out, const struct backend_options *options, struct err *e)
{
    if (options->precision == PRECISION_TF32)
        return err_set(e, ERR_UNSUPPORTED, "precision tf32 is a format of NVIDIA GPUs; on the CPU take f32, or bf16");
    struct backend *b = mem_alloc(1, sizeof *b);
    b->precision = options->precision;
    b->n_threads = options->n_threads > 0 ? options->n_threads : cpu_cores();
    pthread_mutex_init(&b->fault_lock, NULL);
    int code = cpu_level(&b->k, e);
    // Where no library multiplies bf16 fast, our own products widen it: half the memory, in the time of f32.
    if (!code && b->precision == PRECISION_BF16 && strcmp(b->k->name, "avx512") == 0 && !bf16_refusal())
        code = bf16_open(&b->bf16, b->k, b->n_threads, e);
    if (!code)
        code = pool_new(&b->pool, b->n_threads, e);
    if (!code) {
        size_t bytes = (size_t)b->n_threads * GEMM_SCRATCH * sizeof(float);
        b->gemm_scratch = cpu_memory(bytes, "packed matrices", e);
        code = b->gemm_scratch ? 0 : ERR_LIMIT;
    }
    if (code) {
        cpu_close(b);
        return code;
    }
    // Products that the kernels do not make are OpenBLAS's, which has its own kernels for each CPU.
    snprintf(b->arithmetic, sizeof b->arithmetic, "%s %s%s%s%s", b->k->name, precision_name(b->precision),
             b->bf16 ? " oneDNN" : "", b->k->gemm ? "" : " OpenBLAS ", b->k->gemm ? "" : openblas_get_corename());
    openblas_set_num_threads(1); // the pool's threads call it, each for its own block
    *out = b;
    return 0;
}

static const char *cpu_arithmetic(const struct backend *b)
{
    return b->arithmetic;
}

// Elements of our own products do not depend on the batch. In bf16 a forward that keeps its activations rounds them before
// attention, a decoded row does not.
static bool cpu_decodes_as_it_trains(const struct backend *b)
{
    return b->k->gemm && b->precision == PRECISION_F32;
}

static enum dtype cpu_weights_type(const struct backend *b)
{
    return b->precision == PRECISION_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

static int cpu_sync(struct backend *b, struct err *e)
{
    if (b->fault.code == 0)
        return b->failed ? err_set(e, ERR_STATE, "the backend stopped after an earlier failure") : 0;
    if (e)
        *e = b->fault;
    int code = b->fault.code;
    b->fault.code = 0;
    return code;
}

static void *cpu_alloc(struct backend *b, size_t bytes, const char *what, struct err *e)
{
    return cpu_memory(bytes, what, e);
}

static void cpu_free(struct backend *b, void *p)
{
    cpu_memory_free(p);
}

static uint64_t cpu_free_bytes(struct backend *b)
{
    return mem_available();
}

static const void *cpu_map(struct backend *b, const void *host, size_t bytes)
{
    return host;
}

struct bytes_job {
    char *to;
    const char *from; // NULL: zeros
    size_t n;
};

enum { COPY_BLOCK = 1 << 20 };

static void bytes_task(void *data, int block, int thread)
{
    const struct bytes_job *j = data;
    size_t at = (size_t)block * COPY_BLOCK, n = j->n - at < COPY_BLOCK ? j->n - at : COPY_BLOCK;
    if (j->from)
        memcpy(j->to + at, j->from + at, n);
    else
        memset(j->to + at, 0, n);
}

static void move_bytes(struct backend *b, void *to, const void *from, size_t bytes)
{
    struct bytes_job job = {to, from, bytes};
    cpu_run(b, cpu_blocks(bytes, COPY_BLOCK), (double)bytes / 16, bytes_task, &job);
}

static void cpu_copy(struct backend *b, void *to, const void *from, size_t bytes)
{
    bool overlap = (char *)to < (const char *)from + bytes && (const char *)from < (char *)to + bytes;
    if (b->failed || bytes == 0)
        return;
    if (overlap)
        memmove(to, from, bytes);
    else
        move_bytes(b, to, from, bytes);
}

static void cpu_zero(struct backend *b, void *p, size_t bytes)
{
    move_bytes(b, p, NULL, bytes);
}

// Products round what they read as they pack it.
static void cpu_hold(struct backend *b, const float *x, size_t n, bool rounded, void *copy)
{
}

static void cpu_recall(struct backend *b, float *x, const void *copy, size_t n)
{
    cpu_convert(b, x, DTYPE_F32, (struct stored){copy, DTYPE_BF16, NULL}, n);
}

static void cpu_release(struct backend *b, const float *x)
{
}

// A call costs nothing here that a recording would save.
static bool cpu_records(const struct backend *b)
{
    return false;
}

static bool cpu_replay(struct backend *b, const void *key, size_t n_key)
{
    return false;
}

static void cpu_recorded(struct backend *b)
{
}

static void cpu_weights_changed(struct backend *b)
{
}

const struct backend_ops backend_cpu = {
    .abi = BACKEND_ABI,
    .name = "cpu",
    .n_devices = cpu_n_devices,
    .open = cpu_open,
    .close = cpu_close,
    .device = cpu_device,
    .arithmetic = cpu_arithmetic,
    .decodes_as_it_trains = cpu_decodes_as_it_trains,
    .weights_type = cpu_weights_type,
    .sync = cpu_sync,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .memory_free = cpu_free_bytes,
    .map = cpu_map,
    .upload = cpu_copy,
    .download = cpu_copy,
    .copy = cpu_copy,
    .zero = cpu_zero,
    .convert = cpu_convert,
    .round_to = cpu_round_to,
    .weights_changed = cpu_weights_changed,
    .hold = cpu_hold,
    .recall = cpu_recall,
    .release = cpu_release,
    .records = cpu_records,
    .replay = cpu_replay,
    .recorded = cpu_recorded,
    .packed_bytes = cpu_packed_bytes,
    .pack_weights = cpu_pack_weights,
    .linear = cpu_linear,
    .linear_dx = cpu_linear_dx,
    .linear_dw = cpu_linear_dw,
    .embed = cpu_embed,
    .embed_backward = cpu_embed_backward,
    .rmsnorm = cpu_rmsnorm,
    .rmsnorm_backward = cpu_rmsnorm_backward,
    .layernorm = cpu_layernorm,
    .layernorm_backward = cpu_layernorm_backward,
    .rope = cpu_rope,
    .attention = cpu_attention,
    .attention_backward = cpu_attention_backward,
    .attention_decode = cpu_attention_decode,
    .act = cpu_act,
    .act_backward = cpu_act_backward,
    .gated = cpu_gated,
    .gated_backward = cpu_gated_backward,
    .soft_cap = cpu_soft_cap,
    .add = cpu_add,
    .scale = cpu_scale,
    .gather_rows = cpu_gather_rows,
    .put_rows = cpu_put_rows,
    .mix_rows = cpu_mix_rows,
    .scatter_add_rows = cpu_scatter_add_rows,
    .head = cpu_head,
    .head_keeps = cpu_head_keeps,
    .head_backward = cpu_head_backward,
    .sample = cpu_sample,
    .sum_squares = cpu_sum_squares,
    .shrink = cpu_shrink,
    .adamw = cpu_adamw,
};
