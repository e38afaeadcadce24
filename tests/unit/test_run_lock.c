// The lock of a run: one writer at a time, and one that was killed is waited for while its files are open still.
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "store/run_db.h"

static void a_second_writer_is_refused(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL, *second = NULL;
    struct err fault = {0};
    char pid[32];
    assert_ok(run_writer_open(&w, dir, e));
    assert_int_equal(run_writer_open(&second, dir, &fault), ERR_STATE);
    snprintf(pid, sizeof pid, "process %d", (int)getpid());
    assert_non_null(strstr(fault.text, pid));
    run_writer_close(w);
    assert_ok(run_writer_open(&w, dir, e));
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// What waits for a lock sleeps here, and meanwhile the one that has it may go.
static struct {
    int n;         // naps
    bool are_free; // and take no time
    int let_go_fd; // the first one writes there; negative: none
} naps = {.let_go_fd = -1};

int nanosleep(const struct timespec *time, struct timespec *left)
{
    if (naps.n++ == 0 && naps.let_go_fd >= 0 && write(naps.let_go_fd, "x", 1) != 1)
        abort();
    return naps.are_free ? 0 : (int)syscall(SYS_nanosleep, time, left);
}

static void *end_when_told(void *fd)
{
    char byte;
    _exit(read(*(int *)fd, &byte, 1) == 1 ? 0 : 1);
}

// A writer as it is some moments after kill -9: its first thread is gone, another has its files still, until it is told.
static pid_t dying_writer(const char *dir, int *let_go_fd)
{
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        struct run_writer *w = NULL;
        struct run_status s = {.state = RUN_RUNNING, .heartbeat_ms = clock_wall_ms()};
        run_status_self(&s);
        close(told[1]);
        if (run_writer_open(&w, dir, NULL) != 0 || run_writer_status(w, &s, NULL) != 0 ||
            pthread_create(&thread, NULL, end_when_told, &told[0]) != 0)
            _exit(1);
        syscall(SYS_exit, 0); // of this thread alone
    }
    close(told[0]);
    *let_go_fd = told[1];
    struct run_status got = {0};
    for (int i = 0; i < 2000 && got.state != RUN_DEAD; i++) {
        struct run_reader *r = NULL;
        usleep(10000);
        if (run_reader_open(&r, dir, NULL) == 0)
            run_reader_status(r, &got, NULL);
        run_reader_close(r);
    }
    assert_int_equal(got.state, RUN_DEAD);
    return pid;
}

static void a_dying_writer_is_waited_for(void **state)
{
    char *dir = test_folder();
    struct run_writer *w = NULL;
    int let_go_fd, status;
    pid_t pid = dying_writer(dir, &let_go_fd);
    naps.n = 0;
    naps.let_go_fd = let_go_fd;
    assert_ok(run_writer_open(&w, dir, e));
    naps.let_go_fd = -1;
    assert_true(naps.n > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(let_go_fd);
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

static void one_that_does_not_die_is_named(void **state)
{
    char *dir = test_folder(), text[64];
    struct run_writer *w = NULL;
    struct err fault = {0};
    int let_go_fd;
    pid_t pid = dying_writer(dir, &let_go_fd);
    naps.n = 0;
    naps.are_free = true;
    assert_int_equal(run_writer_open(&w, dir, &fault), ERR_STATE);
    naps.are_free = false;
    assert_int_equal(naps.n, 3000); // half a minute
    snprintf(text, sizeof text, "is still locked: process %d, which trained it, is gone", (int)pid);
    assert_non_null(strstr(fault.text, text));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(let_go_fd);
    assert_ok(run_writer_open(&w, dir, e));
    run_writer_close(w);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_writer_is_refused),
        cmocka_unit_test(a_dying_writer_is_waited_for),
        cmocka_unit_test(one_that_does_not_die_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
