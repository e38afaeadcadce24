// The cuda backend's table, and opening a device with the reason in words where that is not possible.
#include "gpu/product.cuh"

#include <stdio.h>
#include <stdlib.h>

enum { LEAST_MAJOR = 8 }; // compute capability that the kernels are compiled for

static void cuda_close(struct backend *b)
{
    if (!b)
        return;
    gpu_here(b);
    gpu_recordings_close(b);
    gpu_products_close(b);
    gpu_memory_close(b);
    if (b->stream)
        cudaStreamDestroy(b->stream);
    free(b);
}

static int cuda_n_devices(void)
{
    int n = 0;
    return cudaGetDeviceCount(&n) == cudaSuccess ? n : 0;
}

// A device that the kernels can run on, or why there is none.
static int find_device(struct cudaDeviceProp *p, int device, struct err *e)
{
    int n = 0, driver = 0, runtime = 0;
    const cudaError_t code = cudaGetDeviceCount(&n);
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    if (driver == 0)
        return gpu_err(e, ERR_UNSUPPORTED, "there is no NVIDIA driver on this machine (nvidia-smi would show one)");
    if (code == cudaErrorInsufficientDriver)
        return gpu_err(e, ERR_UNSUPPORTED, "the NVIDIA driver is too old: it knows CUDA %d.%d, Attune's kernels need %d.%d; "
                       "install a newer driver", driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
    if (code == cudaErrorNoDevice || (code == cudaSuccess && n == 0))
        return gpu_err(e, ERR_UNSUPPORTED, "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES set?)");
    if (code != cudaSuccess)
        return gpu_err(e, ERR_UNSUPPORTED, "the NVIDIA driver does not answer: %s", cudaGetErrorString(code));
    if (device < 0 || device >= n)
        return gpu_err(e, ERR_USAGE, "there is no GPU %d: %s %d, counted from 0", device,
                       getenv("CUDA_VISIBLE_DEVICES") ? "CUDA_VISIBLE_DEVICES shows" : "this machine has", n);
    if (cudaGetDeviceProperties(p, device) != cudaSuccess)
        return gpu_err(e, ERR_UNSUPPORTED, "GPU %d does not answer: %s", device, cudaGetErrorString(cudaGetLastError()));
    if (p->major < LEAST_MAJOR)
        return gpu_err(e, ERR_UNSUPPORTED,
                       "%s is too old: it has compute capability %d.%d, Attune needs %d.0 (Ampere) or later", p->name,
                       p->major, p->minor, LEAST_MAJOR);
    return 0;
}

// Freed memory stays with the pool, so that the next step gets it without asking the driver.
static cudaError_t keep_pool(int device)
{
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    const cudaError_t code = cudaDeviceGetDefaultMemPool(&pool, device);
    return code != cudaSuccess ? code : cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all);
}

static int cuda_open(struct backend **out, const struct backend_options *options, struct err *e)
{
    struct cudaDeviceProp properties;
    int code = find_device(&properties, options->device, e);
    if (code)
        return code;
    struct backend *b = (struct backend *)calloc(1, sizeof *b);
    if (!b)
        return gpu_err(e, ERR_LIMIT, "not enough memory to open a GPU");
    b->device = options->device;
    b->precision = options->precision;
    b->n_multiprocessors = properties.multiProcessorCount;
    snprintf(b->arithmetic, sizeof b->arithmetic, "cuda sm_%d%d %s", properties.major, properties.minor,
             precision_name(b->precision));
    snprintf(b->name, sizeof b->name, "cuda:%d, %s", b->device, properties.name);
    gpu_here(b);
    cudaError_t status = cudaSetDevice(b->device); // makes its context, or says why there can be none
    if (status == cudaSuccess)
        status = cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking);
    if (status == cudaSuccess)
        status = keep_pool(b->device);
    if (status != cudaSuccess)
        code = gpu_err(e, ERR_UNSUPPORTED, "GPU %d (%s) cannot be used: %s", b->device, properties.name,
                       cudaGetErrorString(status));
    if (!code)
        code = gpu_stages_open(b, e);
    if (!code)
        code = gpu_products_open(b, e);
    if (code) {
        cuda_close(b);
        return code;
    }
    *out = b;
    return 0;
}

static const char *cuda_arithmetic(const struct backend *b)
{
    return b->arithmetic;
}

static const char *cuda_device(const struct backend *b)
{
    return b->name;
}

// The library chooses another way to multiply for another number of rows, and attention_decode() rounds once for each
// part of a cache that it cuts, where attention() goes on from tile to tile.
static bool cuda_decodes_as_it_trains(const struct backend *b)
{
    return false;
}

static enum dtype cuda_weights_type(const struct backend *b)
{
    return b->precision == PRECISION_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

static const void *cuda_map(struct backend *b, const void *host, size_t bytes)
{
    return NULL;
}

static void cuda_weights_changed(struct backend *b)
{
}

extern "C" const struct backend_ops backend_cuda;
const struct backend_ops backend_cuda = {
    .abi = BACKEND_ABI,
    .name = "cuda",
    .n_devices = cuda_n_devices,
    .open = cuda_open,
    .close = cuda_close,
    .device = cuda_device,
    .arithmetic = cuda_arithmetic,
    .decodes_as_it_trains = cuda_decodes_as_it_trains,
    .weights_type = cuda_weights_type,
    .sync = gpu_sync,
    .alloc = gpu_alloc,
    .free = gpu_free,
    .memory_free = gpu_memory_free,
    .map = cuda_map,
    .upload = gpu_upload,
    .download = gpu_download,
    .copy = gpu_copy,
    .zero = gpu_zero,
    .convert = gpu_convert,
    .round_to = gpu_round_to,
    .weights_changed = cuda_weights_changed,
    .hold = gpu_hold,
    .recall = gpu_recall,
    .release = gpu_release,
    .records = gpu_records,
    .replay = gpu_replay,
    .recorded = gpu_recorded,
    .packed_bytes = gpu_packed_bytes,
    .pack_weights = gpu_pack_weights,
    .linear = gpu_linear,
    .linear_dx = gpu_linear_dx,
    .linear_dw = gpu_linear_dw,
    .embed = gpu_embed,
    .embed_backward = gpu_embed_backward,
    .rmsnorm = gpu_rmsnorm,
    .rmsnorm_backward = gpu_rmsnorm_backward,
    .layernorm = gpu_layernorm,
    .layernorm_backward = gpu_layernorm_backward,
    .rope = gpu_rope,
    .attention = gpu_attention,
    .attention_backward = gpu_attention_backward,
    .attention_decode = gpu_attention_decode,
    .act = gpu_act,
    .act_backward = gpu_act_backward,
    .gated = gpu_gated,
    .gated_backward = gpu_gated_backward,
    .soft_cap = gpu_soft_cap,
    .add = gpu_add,
    .scale = gpu_scale,
    .gather_rows = gpu_gather_rows,
    .put_rows = gpu_put_rows,
    .mix_rows = gpu_mix_rows,
    .scatter_add_rows = gpu_scatter_add_rows,
    .head = gpu_head,
    .head_keeps = gpu_head_keeps,
    .head_backward = gpu_head_backward,
    .sample = gpu_sample,
    .sum_squares = gpu_sum_squares,
    .shrink = gpu_shrink,
    .adamw = gpu_adamw,
};

// What the engine asks the plugin for; it compares abi before it reads anything else.
extern "C" __attribute__((visibility("default"))) const struct backend_ops *attune_backend_cuda(void);
const struct backend_ops *attune_backend_cuda(void)
{
    return &backend_cuda;
}
