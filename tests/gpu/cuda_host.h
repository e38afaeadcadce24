// The CUDA runtime for the host compiler: with this header the .cu files of src/gpu are plain C++ and run on the CPU,
// as the backend "cuda-on-host" of the tests. Only what they use is here.
//
// How it runs. A stream is a list of closures that run when somebody waits for it, so what forgets to wait reads old
// bytes. A launch runs its blocks one after the other. The threads of a block are fibers, each of which runs until it
// must wait for its warp or its block: the threads' private state needs no rewriting of kernels, and a kernel without
// barriers costs two jumps a thread. In which order blocks, warps and lanes run is chosen by the test (cuda_host_order):
// upwards, downwards, or all threads shuffled, and the results must have the same bits. A missing __syncthreads() shows
// as a reader that comes before its writer in one of the two directions, or a writer before the last reader.
//
// What else is watched, each with a message and an abort:
//   shared memory begins as NaN in every block, and each array ends where the sanitizer sees it;
//   device memory can be touched by kernels and copies alone, begins as NaN and ends (to 16 bytes) at a guard page;
//   copies name the right direction and stay inside of what was allocated; host memory of asynchronous ones is pinned;
//   a stream gets kernels and products of threads whose device it is on;
//   every thread of a block reaches each barrier, all lanes of a warp each shuffle; blocks are whole warps;
//   atomics exist for whole numbers only.
// What it cannot show: the order in which real hardware makes writes visible, real tensor cores and cuBLAS, speed.
#pragma once

#include <functional>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned xs = 1, unsigned ys = 1, unsigned zs = 1) : x(xs), y(ys), z(zs)
    {
    }
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

// ---- the runtime ----

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
enum cudaMemPoolAttr {
    cudaMemPoolAttrReleaseThreshold = 4,
    cudaMemPoolAttrReservedMemCurrent = 5,
    cudaMemPoolAttrUsedMemCurrent = 7,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
typedef struct cuda_host_stream *cudaStream_t;
typedef struct cuda_host_event *cudaEvent_t;
typedef struct cuda_host_pool *cudaMemPool_t;
typedef struct cuda_host_graph *cudaGraph_t;
typedef struct cuda_host_graph *cudaGraphExec_t;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
struct cudaDeviceProp {
    char name[256];
    int major, minor, multiProcessorCount;
};

const char *cudaGetErrorString(cudaError_t code);
cudaError_t cudaGetLastError(void);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr what, void *value);
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr what, void *value);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total);
cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t stream);
template <class type>
cudaError_t cudaMallocAsync(type **p, size_t bytes, cudaStream_t stream)
{
    return cudaMallocAsync((void **)p, bytes, stream);
}
cudaError_t cudaFreeAsync(void *p, cudaStream_t stream);
cudaError_t cudaMallocHost(void **p, size_t bytes);
cudaError_t cudaFreeHost(void *p);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
// A graph is the list of what was queued while it was captured, with the arguments of then.
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
template <class kernel>
cudaError_t cudaFuncSetAttribute(kernel *, cudaFuncAttribute, int bytes) // shared memory beyond 48 KiB is asked for
{
    return bytes <= 227 * 1024 ? cudaSuccess : cudaErrorInvalidValue;
}

// ---- what tests say ----

enum cuda_host_order { ORDER_UP, ORDER_DOWN, ORDER_SHUFFLED, N_ORDERS };
extern "C" void cuda_host_order(enum cuda_host_order order, unsigned seed);
extern "C" void cuda_host_limit(size_t bytes);        // of device memory beside what is taken; 0: as much as there is
extern "C" void cuda_host_driver(int version, int n_devices, int major); // what the driver says; 0: there is none
extern "C" size_t cuda_host_allocations(void);        // that live
extern "C" size_t cuda_host_barriers(void);           // that blocks have met at so far: how much work they did

// Launches until now of kernels whose name, or a type among whose arguments, contains `part`; their blocks.
extern "C" size_t cuda_host_launches(const char *part, size_t *n_blocks);

extern "C" size_t cuda_host_waits(void);   // of the host for what is queued, until now
extern "C" size_t cuda_host_replays(void); // of graphs, until now
extern "C" size_t cuda_host_uploads(size_t *bytes); // copies to the device, until now; *bytes: together, where that is asked

// ---- inside of kernels ----

struct cuda_host_thread {
    dim3 thread, block, block_dim, grid_dim;
};
extern struct cuda_host_thread *cuda_host_now;
#define threadIdx (cuda_host_now->thread)
#define blockIdx (cuda_host_now->block)
#define blockDim (cuda_host_now->block_dim)
#define gridDim (cuda_host_now->grid_dim)
#define warpSize 32

void __syncthreads(void);
int __syncthreads_or(int claim);
void __syncwarp(unsigned mask = 0xffffffffu);
// Lane `from` of the warp's value; both are 8 bytes at most.
uint64_t cuda_host_shuffle(unsigned mask, uint64_t mine, int from);
// What every lane of the warp gave, until the next call but one.
const uint64_t *cuda_host_gather(uint64_t mine);
int cuda_host_lane(void);

template <class number>
static inline number cuda_host_shuffled(unsigned mask, number x, int from)
{
    static_assert(sizeof x <= 8);
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof x);
    bits = cuda_host_shuffle(mask, bits, from);
    memcpy(&x, &bits, sizeof x);
    return x;
}
template <class number>
static inline number __shfl_sync(unsigned mask, number x, int from)
{
    return cuda_host_shuffled(mask, x, from & 31);
}
template <class number>
static inline number __shfl_xor_sync(unsigned mask, number x, int bits)
{
    return cuda_host_shuffled(mask, x, cuda_host_lane() ^ bits);
}
template <class number>
static inline number __shfl_down_sync(unsigned mask, number x, int distance)
{
    const int from = cuda_host_lane() + distance;
    return cuda_host_shuffled(mask, x, from < 32 ? from : cuda_host_lane());
}
template <class number>
static inline number __shfl_up_sync(unsigned mask, number x, int distance)
{
    const int from = cuda_host_lane() - distance;
    return cuda_host_shuffled(mask, x, from >= 0 ? from : cuda_host_lane());
}
unsigned __ballot_sync(unsigned mask, int claim);
static inline int __any_sync(unsigned mask, int claim)
{
    return __ballot_sync(mask, claim) != 0;
}

template <class number>
static inline number atomicAdd(number *p, number x)
{
    static_assert(std::is_integral<number>::value, "sums of floats depend on the order of the threads");
    const number before = *p;
    *p = before + x;
    return before;
}
template <class number>
static inline number atomicMax(number *p, number x)
{
    static_assert(std::is_integral<number>::value);
    const number before = *p;
    *p = before < x ? x : before;
    return before;
}

static inline float __uint_as_float(unsigned bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline unsigned __float_as_uint(float x)
{
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float rsqrtf(float x)
{
    return 1 / sqrtf(x);
}
static inline int __popc(unsigned bits)
{
    return __builtin_popcount(bits);
}
static inline int __ffs(int bits)
{
    return __builtin_ffs(bits);
}

// ---- shared memory and launches ----

// The block's array of this place in the kernel; every place has a number of its own.
void *cuda_host_shared(int place, size_t bytes);
void *cuda_host_dyn_shared(void);
int cuda_host_place(void);
#define SHARED(type, name, dimensions)                                                                                 \
    static const int name##_place = cuda_host_place();                                                                 \
    type(&name) dimensions = *(type(*) dimensions)cuda_host_shared(name##_place, sizeof(type dimensions))
#define DYN_SHARED(type, name) type *name = (type *)cuda_host_dyn_shared()

void cuda_host_launch(const char *name, const char *types, dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                      std::function<void()> kernel);

template <class... parameters>
struct cuda_host_launcher {
    void (*kernel)(parameters...);
    const char *name;
    dim3 grid, block;
    size_t shared;
    cudaStream_t stream;
    void operator()(parameters... values) const // by value, as a launch takes them
    {
        void (*const run)(parameters...) = kernel;
        cuda_host_launch(name, __PRETTY_FUNCTION__, grid, block, shared, stream, [run, values...] { run(values...); });
    }
};
template <class... parameters>
cuda_host_launcher<parameters...> cuda_host_launcher_of(void (*kernel)(parameters...), const char *name, dim3 grid,
                                                        dim3 block, size_t shared, cudaStream_t stream)
{
    return {kernel, name, grid, block, shared, stream};
}
#define LAUNCH(kernel, grid, block, shared, stream) cuda_host_launcher_of(kernel, #kernel, grid, block, shared, stream)
