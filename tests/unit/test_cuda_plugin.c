// Finding and loading the cuda backend's plugin: each way in which there is none has its reason in words. Which of several
// GPUs a process takes.
#include "config.h"

#include "testing.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpu/cards.h"
#include "gpu/plugin.h"
#include "train/run/open_model.h"

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

// A plugin of these lines of C; its path, heap.
static char *make_plugin(const char *folder, const char *source)
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
    str_fini(&command);
    free(src), free(c);
    return so;
}

static void expect_reason_of(const char *folder, const char *source, const char *words)
{
    char *so = make_plugin(folder, source);
    expect_reason(so, words);
    unlink(so);
    free(so);
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

// ---- which GPU of several ----

// Opens a device in a process of its own, which has it until it is ended; what it says of it, in `said`.
static pid_t another_process(const char *device, char said[64])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that fails leaves nobody
        const struct backend_ops *ops;
        struct backend *b;
        struct err fault = {0};
        if (engine_open_backend(&ops, &b, device, "f32", 1, &fault))
            dprintf(ends[1], "%s", fault.text);
        else
            dprintf(ends[1], "%s", ops->device(b));
        close(ends[1]);
        pause();
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got = 1; got > 0 && n < 63; n += (size_t)(got > 0 ? got : 0))
        got = read(ends[0], said + n, 63 - n);
    said[n] = '\0';
    close(ends[0]);
    return pid;
}

static void end_process(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

// Three GPUs, the last of which cannot be used; `open` and what says of it are all that is asked of this plugin.
static const char three_gpus[] =
    "#include <stdio.h>\n#include <string.h>\n"
    "struct backend { char name[16]; };\n"
    "static struct backend made;\n"
    "static int n_devices(void) { return 3; }\n"
    "static int open_it(struct backend **b, const struct backend_options *o, struct err *e) {\n"
    "    if (o->device < 2) { snprintf(made.name, 16, \"cuda:%d\", o->device); *b = &made; return 0; }\n"
    "    if (e) { e->code = ERR_USAGE; snprintf(e->text, sizeof e->text, \"GPU %d is too old\", o->device); }\n"
    "    return ERR_USAGE; }\n"
    "static const char *device(const struct backend *b) { return b->name; }\n"
    "static void nothing(struct backend *b) { }\n"
    "static struct backend_ops ops;\n"
    "const struct backend_ops *attune_backend_cuda(void) {\n"
    "    void (*fill)(struct backend *) = nothing;\n"
    "    for (char *at = (char *)&ops.n_devices; at < (char *)(&ops + 1); at += sizeof fill) memcpy(at, &fill, sizeof fill);\n"
    "    ops.abi = BACKEND_ABI, ops.name = \"cuda\", ops.n_devices = n_devices, ops.open = open_it, ops.device = device;\n"
    "    return &ops; }\n";

static void each_process_takes_a_gpu_that_is_free(void **state)
{
    char *folder = test_folder(), *so = make_plugin(folder, three_gpus);
    char said[6][64];
    pid_t pids[6];
    setenv("ATTUNE_CUDA", so, 1);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    pids[0] = another_process("cuda:1", said[0]);
    pids[1] = another_process("auto", said[1]);  // the first is free
    pids[2] = another_process("cuda", said[2]);  // so is the third, but it cannot be used: any that can
    assert_string_equal(said[0], "cuda:1");
    assert_string_equal(said[1], "cuda:0");
    assert_string_equal(said[2], "cuda:0");
    pids[3] = another_process("cuda:1", said[3]); // nobody is refused what he names
    assert_string_equal(said[3], "cuda:1");
    end_process(pids[0]), end_process(pids[2]), end_process(pids[3]);
    pids[4] = another_process("auto", said[4]); // whoever has gone has given it back
    assert_string_equal(said[4], "cuda:1");
    pids[5] = another_process("cuda:2", said[5]);
    assert_non_null(strstr(said[5], "device cuda:2 cannot be used: GPU 2 is too old"));
    end_process(pids[1]), end_process(pids[4]), end_process(pids[5]);
    unsetenv("ATTUNE_CUDA");
    file_remove_tree(folder, NULL);
    free(so), free(folder);
}

// In this process, whose own lock would be seen as another's: the descriptor is what holds it.
static void gpus_are_taken_evenly_and_once_a_process(void **state)
{
    char *folder = test_folder();
    setenv("XDG_RUNTIME_DIR", folder, 1);
    assert_int_equal(card_take(4, -1), 0);
    assert_int_equal(card_take(4, -1), 0); // it has one
    assert_int_equal(card_take(4, 3), 3);
    assert_int_equal(card_taken(), 3);
    assert_int_equal(card_take(4, -1), 3);
    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    assert_int_equal(card_take(4, 2), 2); // without the file there is nothing to keep
    assert_int_equal(card_take(4, -1), 0);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    file_remove_tree(folder, NULL);
    free(folder);
}

static void devices_that_are_none_are_refused_in_words(void **state)
{
    static const struct {
        const char *device, *words;
    } cases[] = {{"cuda:x", "device cuda:x: behind cuda: stands the number of a GPU, counted from 0, as in cuda:1"},
                 {"cuda:-1", "counted from 0"}, {"cuda:", "counted from 0"}, {"cuda:1x", "counted from 0"},
                 {"cuda: 1", "counted from 0"}, {"cuda:99999", "counted from 0"}, {"cpu:1", "GPUs alone have numbers"},
                 {"tpu", "device tpu cannot be used: there is no backend of that name. Use --device auto or cpu"},
                 {"cudacudacudacudacuda", "there is no backend of that name"}};
    const struct backend_ops *ops;
    struct backend *b;
    struct err fault, passed_over;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(engine_open_backend(&ops, &b, cases[i].device, "f32", 1, &fault) < 0);
        if (!strstr(fault.text, cases[i].words))
            fail_msg("\"%s\" says nothing of \"%s\"", fault.text, cases[i].words);
    }
    setenv("ATTUNE_CUDA", "/nowhere/attune-cuda.so", 1);
    assert_ok(engine_open_device(&ops, &b, "auto", "f32", 1, &passed_over, e)); // the CPU, and why not a GPU
    assert_string_equal(ops->device(b), "cpu");
    assert_non_null(strstr(passed_over.text, "/nowhere/attune-cuda.so cannot be read"));
    ops->close(b);
    assert_ok(engine_open_device(&ops, &b, "cpu", "f32", 1, &passed_over, e));
    assert_int_equal(passed_over.code, 0);
    ops->close(b);
    unsetenv("ATTUNE_CUDA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_that_is_no_plugin_is_refused_in_words),
        cmocka_unit_test(the_cpu_is_there_and_other_names_are_not),
        cmocka_unit_test(devices_that_are_none_are_refused_in_words),
        cmocka_unit_test(each_process_takes_a_gpu_that_is_free),
        cmocka_unit_test(gpus_are_taken_evenly_and_once_a_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
