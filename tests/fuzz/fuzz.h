// What fuzz targets share.
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

// Fails loudly when a target finds a broken promise.
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// A file of these bytes in a folder of this process's own, which goes with it; `name` inside of it.
const char *fuzz_file(const char *name, const uint8_t *data, size_t n);
const char *fuzz_folder(void);
