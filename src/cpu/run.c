// What every operation of the cpu backend stands on: blocks run over the pool, memory aligned to cache lines, scratch, the
// first failure.
#include "config.h"

#include "cpu/backend_cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "base/human.h"
#include "base/mem.h"

enum {
    CACHE_LINE = 64,
    HUGE_PAGE = 2 << 20,
    HUGE_FROM = 4 * HUGE_PAGE, // bytes from which memory asks for huge pages: products walk many rows at once
};

// Below this many elementary operations waking the pool costs more than it gains.
static const double WAKE_WORK = 150e3;

struct guarded {
    pool_task task;
    void *arg;
};

static void run_guarded(void *data, int block, int thread)
{
    const struct guarded *g = data;
#ifdef __SSE__
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040); // flush to zero, denormals are zero
    g->task(g->arg, block, thread);
    _mm_setcsr(mode);
#else
    g->task(g->arg, block, thread);
#endif
}

void cpu_run(struct backend *b, int n_blocks, double work, pool_task task, void *arg)
{
    if (b->failed)
        return;
    struct guarded g = {task, arg};
    if (n_blocks > 1 && work >= WAKE_WORK)
        pool_run(b->pool, n_blocks, run_guarded, &g);
    else
        for (int block = 0; block < n_blocks; block++)
            run_guarded(&g, block, 0);
}

void cpu_fail(struct backend *b, const struct err *fault)
{
    pthread_mutex_lock(&b->fault_lock);
    if (!b->failed)
        b->fault = *fault;
    b->failed = true;
    pthread_mutex_unlock(&b->fault_lock);
}

// Stands before every block.
struct block {
    void *base;
    size_t mapped; // bytes from the system; 0: from malloc
};
_Static_assert(sizeof(struct block) <= CACHE_LINE, "a block's head fits before it");

// Large ones come from the system, which gives zeros when they are touched: nobody writes them twice. NULL: no memory.
static void *take_block(size_t padded)
{
    struct block head = {0};
    char *p;
    if (padded >= HUGE_FROM) {
        head.mapped = padded + 2 * HUGE_PAGE;
        head.base = mmap(NULL, head.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (head.base == MAP_FAILED)
            return NULL;
        p = (char *)head.base + HUGE_PAGE;
        p += HUGE_PAGE - 1 - ((uintptr_t)p - 1) % HUGE_PAGE;
#ifdef MADV_HUGEPAGE
        madvise(p, padded / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); // a wish; the system may not have them
#endif
    } else {
        if (posix_memalign(&head.base, CACHE_LINE, padded + CACHE_LINE) != 0)
            return NULL;
        p = (char *)head.base + CACHE_LINE;
        memset(p, 0, padded);
    }
    memcpy(p - CACHE_LINE, &head, sizeof head);
    return p;
}

void cpu_memory_free(void *p)
{
    struct block head;
    if (!p)
        return;
    memcpy(&head, (char *)p - CACHE_LINE, sizeof head);
    if (head.mapped)
        munmap(head.base, head.mapped);
    else
        free(head.base);
}

void *cpu_memory(size_t bytes, const char *what, struct err *e)
{
    const size_t padded = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *p = padded < bytes || padded > SIZE_MAX / 2 ? NULL : take_block(padded);
    if (!p) {
        char need[32], have[32];
        err_set(e, ERR_LIMIT, "not enough memory for %s: needs %s, %s free", what,
                human_bytes(need, sizeof need, (double)bytes),
                human_bytes(have, sizeof have, (double)mem_available()));
    }
    return p;
}

float *cpu_scratch(struct backend *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (!b->scratch || n > b->scratch_floats) { // also for none: NULL means a failure
        cpu_memory_free(b->scratch);
        b->scratch_floats = 0;
        struct err fault;
        b->scratch = cpu_memory(n * sizeof(float), "the working memory of an operation", &fault);
        if (!b->scratch) {
            cpu_fail(b, &fault);
            return NULL;
        }
        b->scratch_floats = n;
        b->scratch_peak_bytes = n * sizeof(float);
    }
    return b->scratch;
}

size_t cpu_scratch_peak(const struct backend *b)
{
    return b->scratch_peak_bytes;
}
