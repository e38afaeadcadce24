// Streams, copies and launches of the stand-in.
#include "cuda_host.h"
#include "cuda_host_memory.h"

#include <map>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <vector>

// ---- streams ----

struct cuda_host_event {
    cudaStream_t stream; // it was recorded on; NULL: never
    bool reached;
};

static std::map<const char *, size_t> pinned;
static cudaError_t last_error;
static int driver_version = 13000, n_devices = 1, device_major = 9;
static thread_local int current_device; // of the thread

void cuda_host_driver(int version, int devices, int major)
{
    driver_version = version;
    n_devices = devices;
    device_major = major;
}

// As the engine's plugin, which no test program can tell.
static void __attribute__((constructor)) read_n_devices(void)
{
    const char *n = getenv("ATTUNE_CUDA_HOST_DEVICES");
    n_devices = n ? atoi(n) : n_devices;
}

void cuda_host_stream_check(cudaStream_t stream, const char *what)
{
    if (stream->device != current_device)
        cuda_host_fault("%s: the stream is on device %d, the thread on %d", what, stream->device, current_device);
}

const char *cudaGetErrorString(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation       ? "out of memory"
           : code == cudaErrorInvalidConfiguration ? "invalid configuration"
           : code == cudaSuccess                   ? "no error"
                                                   : "an error of the stand-in";
}

cudaError_t cudaGetLastError(void)
{
    const cudaError_t code = last_error;
    last_error = cudaSuccess;
    return code;
}

cudaError_t cudaGetDeviceCount(int *n)
{
    *n = n_devices;
    return driver_version < 13000 ? cudaErrorInsufficientDriver : n_devices ? cudaSuccess : cudaErrorNoDevice;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = driver_version;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = 13000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    memset(p, 0, sizeof *p);
    snprintf(p->name, sizeof p->name, "host %d", device);
    p->major = device_major;
    p->multiProcessorCount = 4;
    return device < n_devices ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaSetDevice(int device)
{
    if (device < 0 || device >= n_devices)
        return cudaErrorInvalidValue;
    current_device = device;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int)
{
    *pool = NULL;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *)
{
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = new cuda_host_stream{current_device, {}};
    return cudaSuccess;
}

static size_t n_waits, n_replays;

size_t cuda_host_waits(void)
{
    return n_waits;
}

size_t cuda_host_replays(void)
{
    return n_replays;
}

struct cuda_host_graph {
    std::vector<std::function<void()>> work;
};

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    stream->before.swap(stream->work);
    stream->captures = true;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = new cuda_host_graph;
    (*graph)->work.swap(stream->work);
    stream->before.swap(stream->work);
    stream->captures = false;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new cuda_host_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    n_replays++;
    cuda_host_stream_check(stream, "a graph");
    stream->work.insert(stream->work.end(), exec->work.begin(), exec->work.end());
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (stream->captures)
        cuda_host_fault("the host waits for a stream whose work is captured");
    n_waits++;
    std::vector<std::function<void()>> work;
    work.swap(stream->work);
    cuda_host_memory_open(true);
    for (const auto &f : work)
        f();
    cuda_host_memory_open(false);
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    cudaStreamSynchronize(stream);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    *event = new cuda_host_event{NULL, true};
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    event->stream = stream;
    event->reached = false;
    stream->work.push_back([event] { event->reached = true; });
    return cudaSuccess;
}

// Only what was queued before the record has to be done; all that is queued is.
cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    return !event->reached ? cudaStreamSynchronize(event->stream) : cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

// ---- memory ----

// Cards differ: each further one is half as large.
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    cuda_host_memory_room(free_bytes, total);
    *free_bytes >>= current_device;
    *total >>= current_device;
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t stream)
{
    if (stream->captures)
        cuda_host_fault("memory is asked for while work is captured");
    *p = cuda_host_memory_new(bytes);
    if (!*p)
        last_error = cudaErrorMemoryAllocation;
    return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t stream)
{
    if (stream->captures)
        cuda_host_fault("memory is given back while work is captured");
    stream->work.push_back([p] { cuda_host_memory_delete(p); });
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
    *p = malloc(bytes);
    pinned[(char *)*p] = bytes;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p)
{
    pinned.erase((char *)p);
    free(p);
    return cudaSuccess;
}

static void check_pinned(const void *p, size_t bytes)
{
    auto a = pinned.upper_bound((const char *)p);
    if (a == pinned.begin() || (--a, (const char *)p + bytes > a->first + a->second))
        cuda_host_fault("an asynchronous copy of %zu bytes uses host memory at %p that is not pinned", bytes, p);
}

static void check_host(const void *p, const char *what)
{
    if (cuda_host_memory_has(p))
        cuda_host_fault("%s: %p is device memory", what, p);
}

static size_t n_uploads, upload_bytes;

size_t cuda_host_uploads(size_t *bytes)
{
    if (bytes)
        *bytes = upload_bytes;
    return n_uploads;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (kind != cudaMemcpyDeviceToHost)
        cuda_host_memory_check(to, bytes, "the target of a copy");
    if (kind != cudaMemcpyHostToDevice)
        cuda_host_memory_check(from, bytes, "the source of a copy");
    if (kind == cudaMemcpyHostToDevice)
        check_host(from, "copying from the host"), check_pinned(from, bytes), n_uploads++, upload_bytes += bytes;
    if (kind == cudaMemcpyDeviceToHost)
        check_host(to, "copying to the host"), check_pinned(to, bytes);
    if ((char *)to < (const char *)from + bytes && (const char *)from < (char *)to + bytes)
        cuda_host_fault("a copy of %zu bytes overlaps itself", bytes);
    stream->work.push_back([=] { memcpy(to, from, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    cuda_host_stream_check(stream, "setting memory"); // it may be a kernel
    cuda_host_memory_check(p, bytes, "setting memory");
    stream->work.push_back([=] { memset(p, value, bytes); });
    return cudaSuccess;
}

// ---- launches ----

struct counts {
    size_t launches, blocks;
};
static std::map<std::string, counts> launched; // by name and types

size_t cuda_host_launches(const char *part, size_t *n_blocks)
{
    counts sum = {0, 0};
    for (const auto &l : launched)
        if (l.first.find(part) != std::string::npos) {
            sum.launches += l.second.launches;
            sum.blocks += l.second.blocks;
        }
    if (n_blocks)
        *n_blocks = sum.blocks;
    return sum.launches;
}

void cuda_host_launch(const char *name, const char *types, dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                      std::function<void()> kernel)
{
    const size_t n = (size_t)block.x * block.y * block.z;
    if (n == 0 || n > MOST_THREADS || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > INT32_MAX || grid.y > 65535 ||
        grid.z > 65535 || shared > 227 * 1024) {
        last_error = cudaErrorInvalidConfiguration;
        return;
    }
    if (n % LANES)
        cuda_host_fault("%s: a block of %zu threads is not whole warps", name, n);
    counts &c = launched[std::string(name) + " " + types];
    c.launches++;
    c.blocks += (size_t)grid.x * grid.y * grid.z;
    cuda_host_stream_check(stream, name);
    stream->work.push_back([=] { cuda_host_run(name, grid, block, shared, kernel); });
}
