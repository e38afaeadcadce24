#include "config.h"

#include "base/human.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static _Noreturn void out_of_memory(size_t n, size_t size)
{
    fatal_hook_run();
    fprintf(stderr, "attune: out of memory (%zu x %zu bytes)\n", n, size);
    exit(err_exit_status(ERR_LIMIT));
}

void *mem_alloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        out_of_memory(n, size);
    return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;
    void *q = mem_mul(n, size, &bytes) ? realloc(p, bytes ? bytes : 1) : NULL;
    if (!q)
        out_of_memory(n, size);
    return q;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t n)
{
    char *copy = mem_alloc(n + 1, 1);
    memcpy(copy, text, n);
    return copy;
}

bool mem_mul(size_t n, size_t size, size_t *out)
{
    return !__builtin_mul_overflow(n, size, out);
}

uint64_t mem_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f)
        return 0;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            break;
    fclose(f);
    return (uint64_t)kib * 1024;
}

void *mem_try_alloc(size_t n, size_t size, const char *what, struct err *e)
{
    size_t bytes;
    void *p = mem_mul(n, size, &bytes) ? calloc(bytes ? bytes : 1, 1) : NULL;
    if (!p) {
        char needed[32], there[32];
        human_bytes(needed, sizeof needed, (double)n * (double)size);
        human_bytes(there, sizeof there, (double)mem_available());
        err_set(e, ERR_LIMIT, "not enough memory for %s: needs %s, %s free", what, needed, there);
    }
    return p;
}

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

void *arena_alloc(struct arena *a, size_t size)
{
    size = (size + 15) & ~(size_t)15;
    if (!a->block || a->block->size - a->block->used < size) {
        size_t room = size > 16384 ? size : 16384;
        struct arena_block *block = mem_alloc(1, sizeof *block + room);
        block->size = room;
        block->next = a->block;
        a->block = block;
    }
    void *p = a->block->bytes + a->block->used;
    a->block->used += size;
    return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t n)
{
    char *copy = arena_alloc(a, n + 1);
    memcpy(copy, text, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

void arena_fini(struct arena *a)
{
    while (a->block) {
        struct arena_block *next = a->block->next;
        free(a->block);
        a->block = next;
    }
}
