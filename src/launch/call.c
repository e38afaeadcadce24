// Asking the engine something: a call that ends with one JSON value, and a child that talks line by line.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/spawn.h"

void (*engine_said)(const char *text);

enum { MAX_ANSWER_BYTES = 64 << 20 };

int engine_child_start(struct engine_child *c, const char *const *args, struct err *e)
{
    char *path = engine_path(e);
    if (!path)
        return e ? e->code : ERR_NOT_FOUND;
    size_t n = 0;
    while (args[n])
        n++;
    const char **argv = mem_alloc(n + 2, sizeof *argv);
    argv[0] = path;
    memcpy(argv + 1, args, n * sizeof *argv);
    int in[2] = {-1, -1}, out[2] = {-1, -1}, code = 0;
    *c = (struct engine_child){.pid = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    // A file in memory never makes the engine wait, however much it says.
    c->err_fd = memfd_create("engine-errors", MFD_CLOEXEC);
    if (c->err_fd < 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        code = err_errno(e, "cannot start %s", path);
    if (!code) {
        const int fds[3] = {in[0], out[1], c->err_fd};
        code = spawn(argv, fds, NULL, false, &c->pid, e);
    }
    if (in[0] >= 0)
        close(in[0]);
    if (out[1] >= 0)
        close(out[1]);
    c->in_fd = in[1];
    c->out_fd = out[0];
    if (code) {
        int left[] = {in[1], out[0], c->err_fd};
        for (int i = 0; i < 3; i++)
            if (left[i] >= 0)
                close(left[i]);
        *c = (struct engine_child){.pid = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    }
    free(argv);
    free(path);
    return code;
}

// Two seconds to leave by itself after SIGTERM, then SIGKILL.
static void end_process(int pid, int *status)
{
    kill(pid, SIGTERM);
    for (int i = 0; i < 200; i++) {
        if (waitpid(pid, status, WNOHANG) != 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}

int engine_child_end(struct engine_child *c, bool kill_it, struct err *e)
{
    int status = 0, code = 0;
    if (c->pid < 0)
        return 0;
    if (c->in_fd >= 0)
        close(c->in_fd);
    if (kill_it)
        end_process(c->pid, &status);
    else
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
            ;
    char *text = spawn_error_text(c->err_fd, 0);
    if (kill_it)
        code = 0;
    else if (WIFSIGNALED(status))
        code = err_set(e, ERR_FAIL, "attune-engine was ended by signal %d (%s)%s%s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)), *text ? ": " : "", text);
    else if (WEXITSTATUS(status) != 0)
        code = err_set(e, spawn_code_of_status(WEXITSTATUS(status)), "%s",
                       *text ? text : "attune-engine failed without saying why");
    if (!kill_it && !code && *text && engine_said)
        engine_said(text);
    free(text);
    if (c->out_fd >= 0)
        close(c->out_fd);
    close(c->err_fd);
    *c = (struct engine_child){.pid = -1, .in_fd = -1, .out_fd = -1, .err_fd = -1};
    return code;
}

// A child that has ended already is not our end: its own words are the error.
ssize_t engine_child_write(const struct engine_child *c, const char *input, size_t n)
{
    sigset_t pipe_signal, before;
    struct timespec none = {0};
    ssize_t taken;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    do
        taken = write(c->in_fd, input, n);
    while (taken < 0 && errno == EINTR);
    const int number = errno;
    sigtimedwait(&pipe_signal, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = number;
    return taken;
}

void engine_child_say(const struct engine_child *c, const char *input, size_t n)
{
    for (ssize_t taken; n > 0 && (taken = engine_child_write(c, input, n)) >= 0; n -= (size_t)taken)
        input += taken;
}

int engine_call_with(const char *const *args, const char *input, size_t n_bytes, json_t **out, struct err *e)
{
    struct engine_child child;
    struct str answer = {.max = MAX_ANSWER_BYTES};
    int code = engine_child_start(&child, args, e);
    if (code)
        return code;
    engine_child_say(&child, input, n_bytes);
    close(child.in_fd);
    child.in_fd = -1;
    char bytes[16384];
    ssize_t n;
    while ((n = read(child.out_fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            str_addn(&answer, bytes, (size_t)n); // what is too much is read and dropped: the engine can end
    code = engine_child_end(&child, false, e);
    if (!code && answer.truncated)
        code = err_set(e, ERR_LIMIT, "the answer of attune-engine %s is larger than 64 MiB", args[0]);
    if (!code) {
        struct str where = {0};
        str_addf(&where, "answer of attune-engine %s", args[0]);
        code = json_parse(str_text(&answer), answer.len, str_text(&where), out, e);
        str_fini(&where);
    }
    str_fini(&answer);
    return code;
}

int engine_call(const char *const *args, json_t **out, struct err *e)
{
    return engine_call_with(args, NULL, 0, out, e);
}
