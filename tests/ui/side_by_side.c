#include "config.h"

#include "ui/side_by_side.h"

#include <sys/wait.h>
#include <unistd.h>

enum { MOST_TESTS = 32 };

struct part {
    pid_t pid; // 0: not begun, or over
    FILE *said;
    bool failed;
};

static void begin(struct part *p, const struct CMUnitTest *test, CMFixtureFunction set_up, CMFixtureFunction tear_down)
{
    p->said = tmpfile();
    fflush(stdout); // else the child would say it once more
    fflush(stderr);
    p->pid = p->said ? fork() : -1;
    if (p->pid < 0) {
        perror("a test cannot begin");
        exit(1);
    }
    if (p->pid > 0)
        return;
    dup2(fileno(p->said), STDOUT_FILENO);
    dup2(fileno(p->said), STDERR_FILENO);
    exit(_cmocka_run_group_tests(test->name, test, 1, set_up, tear_down) != 0);
}

static void end_one(struct part *parts, size_t n)
{
    int status = 0;
    const pid_t pid = wait(&status);
    for (size_t i = 0; i < n && pid > 0; i++)
        if (parts[i].pid == pid) {
            parts[i].pid = 0;
            parts[i].failed = status != 0;
        }
}

static void show(struct part *p, const char *name)
{
    char bytes[4096];
    rewind(p->said);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, p->said)) > 0;)
        fwrite(bytes, 1, n, stdout);
    fclose(p->said);
    if (p->failed) // also of a process that said nothing of its end
        printf("[  FAILED  ] %s\n", name);
    fflush(stdout);
}

int run_side_by_side(int n_at_once, const struct CMUnitTest *tests, size_t n_tests, CMFixtureFunction set_up,
                     CMFixtureFunction tear_down)
{
    struct part parts[MOST_TESTS] = {0};
    int n_failed = 0;
    if (n_tests > MOST_TESTS) {
        fprintf(stderr, "at most %d tests go side by side\n", MOST_TESTS);
        return 1;
    }
    for (size_t i = 0; i < n_tests; i++) {
        if (i >= (size_t)n_at_once)
            end_one(parts, n_tests);
        begin(&parts[i], &tests[i], set_up, tear_down);
    }
    for (size_t i = 0; i < n_tests && i < (size_t)n_at_once; i++)
        end_one(parts, n_tests);
    for (size_t i = 0; i < n_tests; i++) {
        show(&parts[i], tests[i].name);
        n_failed += parts[i].failed;
    }
    return n_failed;
}
