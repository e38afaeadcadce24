// What every operation of the cuda backend stands on: memory from the device's pool, copies through pinned pieces,
// scratch, the first failure.
#include "gpu/backend_cuda.cuh"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct err *e, int code, const char *format, va_list args)
{
    e->code = code;
    vsnprintf(e->text, sizeof e->text, format, args);
}

// The plugin has no part of the engine in it, so it fills errors itself.
int gpu_err(struct err *e, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (e)
        set_text(e, code, format, args);
    va_end(args);
    return code;
}

void gpu_fail(struct backend *b, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!b->failed)
        set_text(&b->fault, code, format, args);
    va_end(args);
    b->failed = true;
}

bool gpu_check(struct backend *b, cudaError_t code, const char *what)
{
    if (code != cudaSuccess)
        gpu_fail(b, code == cudaErrorMemoryAllocation ? ERR_LIMIT : ERR_FAIL, "CUDA: %s failed: %s", what,
                 cudaGetErrorString(code));
    return !b->failed;
}

// Waits for all that is queued. The pieces that uploads went through are free then.
static bool wait(struct backend *b, const char *what)
{
    if (b->queued && gpu_check(b, cudaStreamSynchronize(b->stream), what))
        b->stage_used = 0;
    b->queued = false;
    return !b->failed;
}

// What cannot be part of a recording, for it would be the same at every replay.
static bool is_recorded(struct backend *b, const char *what)
{
    if (gpu_is_recording(b))
        gpu_fail(b, ERR_FAIL, "%s while calls are recorded, which would be the same at every replay", what);
    return gpu_is_recording(b);
}

int gpu_sync(struct backend *b, struct err *e)
{
    wait(b, "an operation");
    if (b->fault.code == 0)
        return b->failed ? gpu_err(e, ERR_STATE, "the backend stopped after an earlier failure") : 0;
    const int code = b->fault.code;
    if (e)
        *e = b->fault;
    b->fault.code = 0;
    return code;
}

void gpu_here(const struct backend *b)
{
    static thread_local int here = 0; // where every thread begins
    if (here != b->device && cudaSetDevice(b->device) == cudaSuccess)
        here = b->device;
}

// ---- memory ----

static int no_memory(struct err *e, size_t bytes, const char *what)
{
    const double gib = 1024.0 * 1024 * 1024;
    size_t free_bytes = 0, total = 0;
    cudaMemGetInfo(&free_bytes, &total);
    return gpu_err(e, ERR_LIMIT, "not enough GPU memory for %s: needs %.2f GiB, %.2f of %.2f GiB free", what,
                   (double)bytes / gib, (double)free_bytes / gib, (double)total / gib);
}

void *gpu_alloc(struct backend *b, size_t bytes, const char *what, struct err *e)
{
    void *p = NULL;
    if (gpu_is_recording(b)) {
        gpu_err(e, ERR_FAIL, "memory for %s is asked for while calls are recorded", what);
        return NULL;
    }
    gpu_here(b);
    if (bytes == 0)
        bytes = 1;
    cudaError_t code = cudaMallocAsync(&p, bytes, b->stream);
    b->queued = true;
    if (code == cudaSuccess)
        code = cudaMemsetAsync(p, 0, bytes, b->stream);
    if (code == cudaSuccess)
        return p;
    if (p)
        cudaFreeAsync(p, b->stream);
    (void)cudaGetLastError(); // it is told here, not by the next operation
    if (code == cudaErrorMemoryAllocation)
        no_memory(e, bytes, what);
    else
        gpu_err(e, ERR_FAIL, "cannot get GPU memory for %s: %s", what, cudaGetErrorString(code));
    return NULL;
}

void gpu_free(struct backend *b, void *p)
{
    if (!p || is_recorded(b, "memory is given back"))
        return;
    gpu_here(b);
    gpu_forget_recordings(b);
    gpu_check(b, cudaFreeAsync(p, b->stream), "giving memory back");
}

// What the device has left, and what the pool has but nobody uses. The runtime answers for the thread's device.
uint64_t gpu_memory_free(struct backend *b)
{
    size_t free_bytes = 0, total = 0;
    uint64_t reserved = 0, used = 0;
    cudaMemPool_t pool;
    gpu_here(b);
    if (cudaMemGetInfo(&free_bytes, &total) != cudaSuccess || cudaDeviceGetDefaultMemPool(&pool, b->device) != cudaSuccess ||
        cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved) != cudaSuccess ||
        cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used) != cudaSuccess) {
        (void)cudaGetLastError();
        return 0;
    }
    return free_bytes + (reserved - used);
}

void *gpu_scratch(struct backend *b, enum scratch_slot slot, size_t bytes)
{
    if (b->failed)
        return NULL;
    gpu_here(b);
    if (b->scratch[slot] && b->scratch_bytes[slot] >= bytes)
        return b->scratch[slot];
    if (is_recorded(b, "working memory grows"))
        return NULL;
    gpu_forget_recordings(b); // what was seen may choose among more room now, and is seen once more before it is recorded
    gpu_free(b, b->scratch[slot]); // after what is queued with it
    b->scratch_bytes[slot] = 0;
    const cudaError_t code = cudaMallocAsync(&b->scratch[slot], bytes ? bytes : 1, b->stream);
    if (code != cudaSuccess) {
        struct err fault;
        (void)cudaGetLastError();
        b->scratch[slot] = NULL;
        no_memory(&fault, bytes, "the working memory of an operation");
        gpu_fail(b, ERR_LIMIT, "%s", fault.text);
        return NULL;
    }
    b->scratch_bytes[slot] = bytes ? bytes : 1;
    return b->scratch[slot];
}

// ---- copies ----

int gpu_stages_open(struct backend *b, struct err *e)
{
    for (int i = 0; i < N_STAGES; i++) {
        cudaError_t code = cudaMallocHost((void **)&b->stages[i], STAGE_BYTES);
        if (code == cudaSuccess)
            code = cudaEventCreateWithFlags(&b->stage_read[i], cudaEventDisableTiming);
        if (code != cudaSuccess)
            return gpu_err(e, ERR_LIMIT, "cannot get pinned memory for copies to the GPU: %s", cudaGetErrorString(code));
    }
    return 0;
}

void gpu_memory_close(struct backend *b)
{
    for (int i = 0; i < N_SCRATCH; i++)
        gpu_free(b, b->scratch[i]);
    if (b->stream)
        cudaStreamSynchronize(b->stream);
    for (int i = 0; i < N_STAGES; i++) {
        if (b->stage_read[i])
            cudaEventDestroy(b->stage_read[i]);
        cudaFreeHost(b->stages[i]);
    }
}

// Room for some of the next `wanted` bytes in the piece in use. A piece that is full is left to the device; the next one has
// been read before it is written to.
static char *stage_room(struct backend *b, size_t wanted, size_t *n)
{
    if (b->stage_used == STAGE_BYTES) {
        gpu_check(b, cudaEventRecord(b->stage_read[b->stage], b->stream), "a copy to the GPU");
        b->stage = (b->stage + 1) % N_STAGES;
        b->stage_used = 0;
        if (!gpu_check(b, cudaEventSynchronize(b->stage_read[b->stage]), "a copy to the GPU"))
            return NULL;
    }
    char *at = b->stages[b->stage] + b->stage_used;
    *n = wanted < STAGE_BYTES - b->stage_used ? wanted : STAGE_BYTES - b->stage_used;
    b->stage_used += (*n + 15) / 16 * 16;
    return at;
}

// The host's bytes may change as soon as this returns: a pinned piece has them. Small uploads share a piece, so that those
// of a step wait for nothing.
void gpu_upload(struct backend *b, void *to, const void *host, size_t bytes)
{
    if (is_recorded(b, "an upload"))
        return;
    for (size_t at = 0, n; at < bytes && !b->failed; at += n) {
        char *room = stage_room(b, bytes - at, &n);
        if (!room)
            return;
        memcpy(room, (const char *)host + at, n);
        b->queued = true;
        gpu_check(b, cudaMemcpyAsync((char *)to + at, room, n, cudaMemcpyHostToDevice, b->stream), "a copy to the GPU");
    }
}

// Through the piece in use, from its beginning: what it had for the device has been copied by then.
void gpu_download(struct backend *b, void *host, const void *from, size_t bytes)
{
    if (is_recorded(b, "a download"))
        return;
    for (size_t at = 0, n; at < bytes && !b->failed; at += n) {
        char *room = b->stages[b->stage];
        n = bytes - at < STAGE_BYTES ? bytes - at : (size_t)STAGE_BYTES;
        b->queued = true;
        gpu_check(b, cudaMemcpyAsync(room, (const char *)from + at, n, cudaMemcpyDeviceToHost, b->stream),
                  "a copy from the GPU");
        if (wait(b, "a copy from the GPU"))
            memcpy((char *)host + at, room, n);
    }
}

void gpu_copy(struct backend *b, void *to, const void *from, size_t bytes)
{
    const bool overlap = (char *)to < (const char *)from + bytes && (const char *)from < (char *)to + bytes;
    if (b->failed || bytes == 0)
        return;
    const void *source = from;
    b->queued = true;
    if (overlap) { // the runtime leaves open what such a copy does
        void *between = gpu_scratch(b, SCRATCH_X, bytes);
        if (!between)
            return;
        gpu_check(b, cudaMemcpyAsync(between, from, bytes, cudaMemcpyDeviceToDevice, b->stream), "a copy on the GPU");
        source = between;
    }
    gpu_check(b, cudaMemcpyAsync(to, source, bytes, cudaMemcpyDeviceToDevice, b->stream), "a copy on the GPU");
}

void gpu_zero(struct backend *b, void *p, size_t bytes)
{
    b->queued = true;
    gpu_here(b);
    if (!b->failed && bytes)
        gpu_check(b, cudaMemsetAsync(p, 0, bytes, b->stream), "zeroing");
}
