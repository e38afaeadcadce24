// Finding and loading the cuda backend's plugin: each way in which there is none has its reason in words.
#include "config.h"

#include "testing.h"

#include <unistd.h>

#include "gpu/plugin.h"

static void expect_reason(const char *file, const char *words)
{
    struct err fault = {0};
    setenv("ATTUNE_CUDA", file, 1);
    assert_null(backend_load("cuda", &fault));
    if (!strstr(fault.text, words))
        fail_msg("\"%s\" says nothing of \"%s\"", fault.text, words);
    assert_int_not_equal(backend_try("cuda", &fault), 0);
    unsetenv("ATTUNE_CUDA");
}

// A plugin of these lines of C.
static void expect_reason_of(const char *folder, const char *source, const char *words)
{
    char *c = path_join(folder, "plugin.c"), *so = path_join(folder, "plugin.so");
    const char *cc = getenv("CC");
    struct str command = {0};
    FILE *f = fopen(c, "w");
    fprintf(f, "#include \"model/backend.h\"\n%s\n", source);
    fclose(f);
    char *src = test_source("src");
    str_addf(&command, "%s -shared -fPIC -I'%s' -o '%s' '%s'", cc && *cc ? cc : "cc", src, so, c);
    assert_int_equal(system(str_text(&command)), 0);
    expect_reason(so, words);
    str_fini(&command);
    unlink(c), unlink(so);
    free(src), free(c), free(so);
}

static void a_plugin_that_is_no_plugin_is_refused_in_words(void **state)
{
    char *folder = test_folder();
    expect_reason("/nowhere/attune-cuda.so", "ATTUNE_CUDA=/nowhere/attune-cuda.so cannot be read");
    expect_reason("/proc/self/status", "cannot be loaded");
    expect_reason_of(folder, "int nothing;", "is no plugin of Attune");
    expect_reason_of(folder,
                     "static const struct backend_ops ops = {.abi = BACKEND_ABI - 1, .name = \"cuda\"};\n"
                     "const struct backend_ops *attune_backend_cuda(void) { return &ops; }",
                     "belongs to another version of Attune");
    expect_reason_of(folder,
                     "static const struct backend_ops ops = {.abi = BACKEND_ABI, .name = \"cuda\"};\n"
                     "const struct backend_ops *attune_backend_cuda(void) { return &ops; }",
                     "is not finished");
    file_remove_tree(folder, NULL);
    free(folder);
}

static void the_cpu_is_there_and_other_names_are_not(void **state)
{
    struct err fault = {0};
    assert_ok(backend_try("cpu", e));
    assert_null(backend_load("tpu", &fault));
    assert_int_equal(fault.code, ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_that_is_no_plugin_is_refused_in_words),
        cmocka_unit_test(the_cpu_is_there_and_other_names_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
