// How a launch runs: its blocks one after the other, the threads of each as fibers.
#include "cuda_host.h"
#include "cuda_host_memory.h"

#include <array>
#include <map>
#include <memory>
#include <sys/mman.h>
#include <vector>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK = 256 << 10, SHARED_MOST = 48 << 10 };

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
    const unsigned *line; // threads that run in turn, whole warps
    int n_line, next;     // of them; who is next
    bool some;            // ran since the line's beginning
    bool by_scheduler;    // the newest change came from it
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

// ---- taking turns ----

static void release(int first, int n, state at)
{
    for (int i = first; i < first + n; i++)
        if (device.fibers[i].at != at)
            return;
    for (int i = first; i < first + n; i++)
        device.fibers[i].at = READY;
}

// Who of the line can go on; at its end warps that have met are released and it begins again. NULL: nobody can.
static fiber *next_ready(void)
{
    for (;;) {
        while (device.next < device.n_line) {
            fiber *f = &device.fibers[device.line[device.next++]];
            if (f->at == READY) {
                device.some = true;
                return f;
            }
        }
        if (!device.some)
            return NULL;
        const int first = device.n_line == LANES ? (int)device.line[0] / LANES * LANES : 0;
        for (int i = 0; i < device.n_line; i += LANES)
            release(first + i, LANES, AT_WARP);
        device.next = 0;
        device.some = false;
    }
}

// Tells the sanitizer on which stack this is, and learns where the scheduler's lies.
static void arrived(void *fake_stack)
{
#ifdef __SANITIZE_ADDRESS__
    const void *left;
    size_t bytes;
    __sanitizer_finish_switch_fiber(fake_stack, &left, &bytes);
    if (device.by_scheduler) {
        device.scheduler_stack = left;
        device.scheduler_stack_bytes = bytes;
    }
#endif
}

// From the scheduler, or the fiber `from`, to the fiber `to`, or the scheduler (NULL). A lane that waits makes way for the
// next one itself: so the processor foresees where each goes on, which is where this one stopped.
static void change(fiber *from, fiber *to)
{
    cuda_host_now = to ? &to->thread : NULL;
#ifdef __SANITIZE_ADDRESS__
    device.by_scheduler = !from;
    __sanitizer_start_switch_fiber(from ? &from->fake_stack : &device.fake_stack, to ? to->stack : device.scheduler_stack,
                                   to ? (size_t)STACK : device.scheduler_stack_bytes);
#endif
    cuda_host_jump(from ? &from->top : &device.scheduler, to ? to->top : device.scheduler);
    arrived(from ? from->fake_stack : device.fake_stack);
}

static void leave(fiber *f, state at)
{
    f->at = at;
    fiber *to = next_ready();
    if (to != f)
        change(f, to);
}

// The fiber's first breath, which has nothing to come back from.
static void fiber_main(void)
{
    arrived(NULL);
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

// ---- blocks ----

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

// Runs everybody until nobody can go on: in the two directions a warp as far as it gets before the next one begins; when
// shuffled all threads in turn.
static void run_until_all_wait(const std::vector<unsigned> &order)
{
    const size_t group = the_order == ORDER_SHUFFLED ? order.size() : (size_t)LANES;
    device.n_line = (int)group;
    for (size_t first = 0; first < order.size(); first += group) {
        device.line = &order[first];
        device.next = 0;
        device.some = false;
        if (fiber *f = next_ready())
            change(NULL, f);
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

void cuda_host_run(const char *name, dim3 grid, dim3 block, size_t shared, const std::function<void()> &kernel)
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
