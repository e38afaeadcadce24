// Streams, copies and launches of the stand-in, and the fibers that are a block's threads.
#include "cuda_host.h"
#include "cuda_host_memory.h"

#include <array>
#include <map>
#include <memory>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { LANES = 32, MOST_THREADS = 1024, STACK = 256 << 10, SHARED_MOST = 48 << 10 };

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

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (kind != cudaMemcpyDeviceToHost)
        cuda_host_memory_check(to, bytes, "the target of a copy");
    if (kind != cudaMemcpyHostToDevice)
        cuda_host_memory_check(from, bytes, "the source of a copy");
    if (kind == cudaMemcpyHostToDevice)
        check_host(from, "copying from the host"), check_pinned(from, bytes);
    if (kind == cudaMemcpyDeviceToHost)
        check_host(to, "copying to the host"), check_pinned(to, bytes);
    if ((char *)to < (const char *)from + bytes && (const char *)from < (char *)to + bytes)
        cuda_host_fault("a copy of %zu bytes overlaps itself", bytes);
    stream->work.push_back([=] { memcpy(to, from, bytes); });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream)
{
    cuda_host_memory_check(p, bytes, "setting memory");
    stream->work.push_back([=] { memset(p, value, bytes); });
    return cudaSuccess;
}

// ---- jumping between stacks ----

extern "C" void cuda_host_jump(void **from, void *to); // stands on `to`, leaves where it was in *from
#ifndef __x86_64__
#error "cuda-on-host jumps between stacks in x86-64's way: ten lines are missing here for this processor"
#endif
asm(".text\n.globl cuda_host_jump\n.type cuda_host_jump,@function\ncuda_host_jump:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
    ".size cuda_host_jump,.-cuda_host_jump\n");

enum state { READY, AT_WARP, AT_BLOCK, DONE };

struct fiber {
    cuda_host_thread thread; // first: cuda_host_now points here
    state at;
    bool started;
    int index;
    unsigned n_shuffles; // full ones, to know which of two slots is in use
    char *stack;
    void *top;        // where it goes on
    void *fake_stack; // the sanitizer's
};

static struct {
    fiber fibers[MOST_THREADS];
    int n; // threads of the block
    const char *name;
    const std::function<void()> *kernel;
    void *scheduler, *fake_stack;
    const void *scheduler_stack;
    size_t scheduler_stack_bytes;
    std::vector<std::array<uint64_t, 2 * LANES>> slots; // of warps, for shuffles: twice, so that one wait is enough
    int claims; // of __syncthreads_or
    int n_places;
    std::map<int, std::unique_ptr<std::vector<char>>> shared; // by place
    std::vector<char> dyn_room;
} device;

struct cuda_host_thread *cuda_host_now;

static fiber *now(void)
{
    return (fiber *)cuda_host_now;
}

static void enter(fiber *f)
{
    cuda_host_now = &f->thread;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&device.fake_stack, f->stack, STACK);
#endif
    cuda_host_jump(&device.scheduler, f->top);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(device.fake_stack, NULL, NULL);
#endif
    cuda_host_now = NULL;
}

static void leave(fiber *f, state at)
{
    f->at = at;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&f->fake_stack, device.scheduler_stack, device.scheduler_stack_bytes);
#endif
    cuda_host_jump(&f->top, device.scheduler);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(f->fake_stack, &device.scheduler_stack, &device.scheduler_stack_bytes);
#endif
}

static void fiber_main(void)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &device.scheduler_stack, &device.scheduler_stack_bytes);
#endif
    for (;;) { // the stack serves the next block's thread
        (*device.kernel)();
        leave(now(), DONE);
    }
}

static void make_stack(fiber *f)
{
    char *stack = (char *)mmap(NULL, STACK + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        cuda_host_fault("no memory for a thread's stack");
    mprotect(stack, 4096, PROT_NONE);
    f->stack = stack + 4096;
    // Not all at the same place of a page: the lanes of a warp would push each other out of the cache.
    void **top = (void **)(f->stack + STACK - (f - device.fibers) % LANES * (4096 / LANES));
    *--top = NULL; // no caller; aligned as behind a call
    *--top = (void *)fiber_main;
    f->top = top - 6;
    f->started = true;
}

// ---- waiting ----

static void release(int first, int n, state at)
{
    for (int i = first; i < first + n; i++)
        if (device.fibers[i].at != at)
            return;
    for (int i = first; i < first + n; i++)
        device.fibers[i].at = READY;
}

void __syncthreads(void)
{
    leave(now(), AT_BLOCK);
}

int __syncthreads_or(int claim)
{
    leave(now(), AT_BLOCK); // what another asked before has been read
    device.claims = 0;
    leave(now(), AT_BLOCK);
    device.claims |= claim != 0;
    leave(now(), AT_BLOCK);
    return device.claims;
}

void __syncwarp(unsigned mask)
{
    if (mask != 0xffffffffu)
        cuda_host_fault("%s: a warp meets whole", device.name);
    leave(now(), AT_WARP);
}

int cuda_host_lane(void)
{
    return now()->index % LANES;
}

const uint64_t *cuda_host_gather(uint64_t mine)
{
    fiber *f = now();
    uint64_t *slots = device.slots[(size_t)(f->index / LANES)].data() + (f->n_shuffles++ % 2) * LANES;
    slots[f->index % LANES] = mine;
    leave(f, AT_WARP);
    return slots;
}

uint64_t cuda_host_shuffle(unsigned mask, uint64_t mine, int from)
{
    if (mask != 0xffffffffu || from < 0 || from >= LANES)
        cuda_host_fault("%s: a shuffle of part of a warp, or from lane %d", device.name, from);
    return cuda_host_gather(mine)[from];
}

unsigned __ballot_sync(unsigned mask, int claim)
{
    unsigned bits = 0;
    if (mask != 0xffffffffu)
        cuda_host_fault("%s: a ballot of part of a warp", device.name);
    const uint64_t *slots = cuda_host_gather(claim != 0);
    for (int i = 0; i < LANES; i++)
        bits |= (unsigned)slots[i] << i;
    return bits;
}

// ---- shared memory ----

int cuda_host_place(void)
{
    return device.n_places++;
}

void *cuda_host_shared(int place, size_t bytes)
{
    auto &room = device.shared[place];
    if (!room) {
        size_t all = bytes;
        for (const auto &s : device.shared)
            all += s.second ? s.second->size() : 0;
        if (all > SHARED_MOST)
            cuda_host_fault("%s: %zu bytes of shared arrays, a block has %d", device.name, all, SHARED_MOST);
        room = std::make_unique<std::vector<char>>(bytes, (char)0xff);
    }
    return room->data();
}

void *cuda_host_dyn_shared(void)
{
    return device.dyn_room.data();
}

// ---- launches ----

static enum cuda_host_order the_order;
static unsigned the_seed;

void cuda_host_order(enum cuda_host_order order, unsigned seed)
{
    the_order = order;
    the_seed = seed;
}

static std::vector<unsigned> order_of(unsigned n, unsigned *random)
{
    std::vector<unsigned> order(n);
    for (unsigned i = 0; i < n; i++)
        order[i] = the_order == ORDER_DOWN ? n - 1 - i : i;
    for (unsigned i = n; the_order == ORDER_SHUFFLED && i > 1; i--) {
        *random = *random * 1664525u + 1013904223u;
        std::swap(order[i - 1], order[(*random >> 8) % i]);
    }
    return order;
}

static bool run_lane(unsigned i)
{
    if (device.fibers[i].at != READY)
        return false;
    enter(&device.fibers[i]);
    return true;
}

// Runs the 32 lanes of a warp in this order as far as they get without the others.
static void run_warp(const unsigned *order)
{
    fiber *lanes = &device.fibers[order[0] / LANES * LANES];
    int n_wait;
    do {
        n_wait = 0;
        for (int i = 0; i < LANES; i++) {
            run_lane(order[i]);
            n_wait += device.fibers[order[i]].at == AT_WARP;
        }
        for (int i = 0; i < LANES && n_wait == LANES; i++)
            lanes[i].at = READY;
    } while (n_wait == LANES);
}

// Runs everybody until nobody can go on: in the two directions a warp as far as it gets before the next one begins; when
// shuffled all threads in turn.
static void run_until_all_wait(const std::vector<unsigned> &order)
{
    if (the_order != ORDER_SHUFFLED) {
        for (size_t first = 0; first < order.size(); first += LANES)
            run_warp(&order[first]);
        return;
    }
    for (bool some = true; some;) {
        some = false;
        for (const unsigned i : order)
            some |= run_lane(i);
        for (int warp = 0; warp < device.n; warp += LANES)
            release(warp, LANES, AT_WARP);
    }
}

static size_t n_barriers;

size_t cuda_host_barriers(void)
{
    return n_barriers;
}

static void run_block(const std::vector<unsigned> &order)
{
    for (auto &s : device.shared)
        memset(s.second->data(), 0xff, s.second->size());
    if (!device.dyn_room.empty())
        memset(device.dyn_room.data(), 0xff, device.dyn_room.size());
    for (;;) {
        run_until_all_wait(order);
        int n_done = 0, n_block = 0;
        for (int i = 0; i < device.n; i++) {
            n_done += device.fibers[i].at == DONE;
            n_block += device.fibers[i].at == AT_BLOCK;
        }
        if (n_done == device.n)
            return;
        if (n_block != device.n)
            cuda_host_fault(
                "%s: of %d threads %d wait at a barrier of the block, %d at one of their warp, and %d have ended",
                device.name, device.n, n_block, device.n - n_block - n_done, n_done);
        release(0, device.n, AT_BLOCK);
        n_barriers++;
    }
}

static dim3 place_of(unsigned i, dim3 size)
{
    return dim3(i % size.x, i / size.x % size.y, i / size.x / size.y);
}

static void run_kernel(const char *name, dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel)
{
    unsigned random = the_seed * 747796405u + 1;
    device.n = (int)(block.x * block.y * block.z);
    device.name = name;
    device.kernel = &kernel;
    device.shared.clear();
    device.dyn_room.assign(shared, (char)0xff);
    device.slots.resize((size_t)device.n / LANES);
    for (const unsigned b : order_of(grid.x * grid.y * grid.z, &random)) {
        for (int i = 0; i < device.n; i++) {
            fiber *f = &device.fibers[i];
            if (!f->started)
                make_stack(f);
            f->thread = {place_of((unsigned)i, block), place_of(b, grid), block, grid};
            f->index = i;
            f->at = READY;
            f->n_shuffles = 0;
        }
        run_block(order_of((unsigned)device.n, &random));
    }
}

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
    stream->work.push_back([=] { run_kernel(name, grid, block, shared, kernel); });
}
