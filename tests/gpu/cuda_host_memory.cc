// Device memory: pages of its own for every allocation, which ends at a page that nobody may touch, and which is shut
// while no kernel runs.
#include "cuda_host.h"
#include "cuda_host_memory.h"

#include <map>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILL = 1 << 20 };

struct allocation {
    char *base;
    size_t mapped; // the guard page comes behind
    size_t bytes;
};

static std::map<const char *, allocation> allocations; // by their first byte
static size_t used, limit;
static bool is_open;

void cuda_host_fault(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "cuda-on-host: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void cuda_host_limit(size_t bytes)
{
    limit = bytes ? used + bytes : 0;
}

size_t cuda_host_allocations(void)
{
    return allocations.size();
}

void cuda_host_memory_open(bool open)
{
    if (open != is_open)
        for (const auto &a : allocations)
            mprotect(a.second.base, a.second.mapped, open ? PROT_READ | PROT_WRITE : PROT_NONE);
    is_open = open;
}

void *cuda_host_memory_new(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), padded = (bytes + 15) / 16 * 16;
    const size_t mapped = (padded + page - 1) / page * page;
    if (limit && (bytes > limit || used > limit - bytes))
        return NULL;
    char *base = (char *)mmap(NULL, mapped + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    const size_t ends = mapped < FILL ? mapped : (size_t)FILL;
    memset(base, 0xff, ends); // NaN; not all of large ones, which would be most of a test's time
    memset(base + mapped - ends, 0xff, ends);
    mprotect(base + mapped, page, PROT_NONE);
    if (!is_open)
        mprotect(base, mapped, PROT_NONE);
    char *p = base + mapped - padded;
    allocations[p] = {base, mapped, bytes};
    used += bytes;
    return p;
}

void cuda_host_memory_delete(void *p)
{
    const auto a = allocations.find((const char *)p);
    if (a == allocations.end())
        cuda_host_fault("%p is freed, which is no device memory", p);
    munmap(a->second.base, a->second.mapped + (size_t)sysconf(_SC_PAGESIZE));
    used -= a->second.bytes;
    allocations.erase(a);
}

// The allocation that begins at p or before, when p is inside.
static const allocation *around(const char *p, size_t *left)
{
    auto a = allocations.upper_bound(p);
    if (a == allocations.begin())
        return NULL;
    --a;
    if (p > a->first + a->second.bytes)
        return NULL;
    *left = (size_t)(a->first + a->second.bytes - p);
    return &a->second;
}

bool cuda_host_memory_has(const void *p)
{
    size_t left;
    return around((const char *)p, &left) != NULL && left > 0;
}

void cuda_host_memory_check(const void *p, size_t bytes, const char *what)
{
    size_t left;
    if (!around((const char *)p, &left) || left < bytes)
        cuda_host_fault("%s: %zu bytes at %p are not inside of device memory", what, bytes, p);
}

// The stand-in's pool gives back at once what is freed.
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr what, void *value)
{
    if (what != cudaMemPoolAttrReservedMemCurrent && what != cudaMemPoolAttrUsedMemCurrent)
        return cudaErrorInvalidValue;
    *(uint64_t *)value = used;
    return cudaSuccess;
}

void cuda_host_memory_room(size_t *free_bytes, size_t *total)
{
    *total = limit ? limit : (size_t)64 << 30;
    *free_bytes = *total - used;
}
