// The main of fuzz targets where there is no libFuzzer: runs the committed corpus (tests/fuzz/corpus/NAME for
// fuzz_NAME) and a fixed number of damaged copies of each file; arguments are files or folders to run instead.
// With libFuzzer: clang -fsanitize=fuzzer,address,undefined, without this file, and the corpus as argument.
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "fuzz.h"

enum { DAMAGED_COPIES = 150 };

static long n_runs;

static void run(const void *bytes, size_t n)
{
    unsigned char *copy = malloc(n ? n : 1); // of exactly this size: a sanitizer sees each byte too far
    if (!copy)
        abort();
    if (n)
        memcpy(copy, bytes, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    n_runs++;
}

// One to four of: a byte changed, a stretch doubled, removed, or the end cut off.
static void run_damaged(const char *bytes, size_t n, uint32_t seed)
{
    struct rng r = rng_make(seed, RNG_TEST, 1);
    char *copy = mem_alloc(16 * n + 16, 1);
    memcpy(copy, bytes, n);
    for (uint64_t left = 1 + rng_below(&r, 4); left && n; left--) {
        size_t at = (size_t)rng_below(&r, n), length = 1 + (size_t)rng_below(&r, n - at < 40 ? n - at : 40);
        switch (rng_below(&r, 4)) {
        case 0:
            copy[at] = (char)(rng_below(&r, 2) ? rng_u32(&r) : (uint32_t) "{}[]\",:0179-\\%e"[rng_below(&r, 15)]);
            break;
        case 1:
            memmove(copy + at + length, copy + at, n - at);
            n += length;
            break;
        case 2:
            memmove(copy + at, copy + at + length, n - at - length);
            n -= length;
            break;
        case 3: n = rng_below(&r, 8) ? n : at; break;
        }
    }
    run(copy, n);
    free(copy);
}

static void run_file(const char *path)
{
    char *bytes;
    size_t n;
    struct err fault;
    if (file_read(path, 64 << 20, &bytes, &n, &fault)) {
        fprintf(stderr, "%s\n", fault.text);
        exit(1);
    }
    run(bytes, n);
    for (uint32_t i = 0; i < DAMAGED_COPIES; i++)
        run_damaged(bytes, n, i);
    free(bytes);
}

static void run_path(const char *path)
{
    if (!file_is_dir(path)) {
        run_file(path);
        return;
    }
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            char *inner = path_join(path, names[i]->d_name);
            run_path(inner);
            free(inner);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    if (argc < 2) {
        const char *source = getenv("ATTUNE_SRCDIR"), *name = strstr(path_base(argv[0]), "fuzz_");
        char *dir = path_join(source ? source : ".", "tests/fuzz/corpus");
        char *corpus = path_join(dir, name ? name + strlen("fuzz_") : "");
        run_path(corpus);
        free(corpus);
        free(dir);
    }
    printf("%s: %ld inputs\n", path_base(argv[0]), n_runs);
    return n_runs ? 0 : 1; // an empty corpus proves nothing
}
