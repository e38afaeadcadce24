// Memory. Small things whose size no file decides come from mem_*, which end the program with a clear
// message when there is nothing left. What input sizes comes from mem_try_*, which fail with an error that
// says how much was needed. All return zeroed memory except mem_realloc and mem_grow.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

void *mem_alloc(size_t n, size_t size); // zeroed (n, size); never NULL
void *mem_realloc(void *p, size_t n, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t n);

// Zeroed (n, size) for `what` ("the activations"), or NULL with *e set: "needs 7.2 GiB, 3.1 GiB free".
void *mem_try_alloc(size_t n, size_t size, const char *what, struct err *e);

// n * size into *out; false on overflow.
bool mem_mul(size_t n, size_t size, size_t *out);

// Bytes of memory that the system could still give (MemAvailable), or 0 where unknown.
uint64_t mem_available(void);

// Makes room for one more element in a growing array: MEM_GROW(items, n_items, cap_items).
#define MEM_GROW(array, n, cap)                                                                    \
    do {                                                                                           \
        if ((size_t)(n) >= (size_t)(cap)) {                                                        \
            (cap) = (cap) ? (cap)*2 : 16;                                                          \
            (array) = mem_realloc((array), (size_t)(cap), sizeof *(array));                        \
        }                                                                                          \
    } while (0)

// An arena: many small things with one lifespan, freed together.
struct arena {
    struct arena_block *block;
};
void *arena_alloc(struct arena *a, size_t size); // zeroed, aligned to 16
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t n);
void arena_fini(struct arena *a);
