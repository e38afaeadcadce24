// What every test program includes: cmocka, a temporary folder, and the optional assets.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

// $ATTUNE_TEST_CASES: which cases are run, as a pattern of their names with * and ?; for one case by hand, and for mutants.
__attribute__((constructor)) static void test_cases_from_environment(void)
{
    const char *pattern = getenv("ATTUNE_TEST_CASES");
    if (pattern)
        cmocka_set_test_filter(pattern);
}

// Fails the test with the error's own text. The call names its error `e`; the test's own must be called otherwise.
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        struct err assert_err = {0};                                                               \
        struct err *e = &assert_err;                                                               \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, assert_err.text);                                            \
    } while (0)

static inline void assert_close(double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound))
        fail_msg("got %.9g, want %.9g within %g", got, want, bound);
}

// A file of the source tree ("tests/golden/x.json"); heap.
static inline char *test_source(const char *name)
{
    const char *dir = getenv("ATTUNE_SRCDIR");
    return path_join(dir ? dir : ".", name);
}

// A file of the build tree ("attune-engine"); heap.
static inline char *test_build(const char *name)
{
    const char *dir = getenv("ATTUNE_BUILDDIR");
    return path_join(dir ? dir : ".", name);
}

// A real model, tokenizer or data file from outside of the project: $ATTUNE_ASSETS, else ../shared/assets
// beside the source tree. NULL, with a message, when it is not there: the test must then skip().
static inline char *test_asset(const char *name)
{
    const char *dir = getenv("ATTUNE_ASSETS");
    char *base = dir ? path_join(dir, "") : test_source("../shared/assets");
    char *path = path_join(base, name);
    free(base);
    if (file_exists(path))
        return path;
    print_message("          asset %s is not here (set ATTUNE_ASSETS): skipped\n", name);
    free(path);
    return NULL;
}

// A fresh folder under $TMPDIR; heap. Remove with file_remove_tree.
static inline char *test_folder(void)
{
    const char *base = getenv("TMPDIR");
    struct str s = {0};
    str_addf(&s, "%s/attune-test-XXXXXX", base ? base : "/tmp");
    char *path = str_take(&s);
    if (!mkdtemp(path))
        fail_msg("cannot make a folder in %s", path);
    return path;
}
