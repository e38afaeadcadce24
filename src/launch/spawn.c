#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/spawn.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

static char *search_path(const char *name)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t n = strcspn(path, ":");
        struct str file = {0};
        str_addn(&file, path, n);
        str_addf(&file, "/%s", name);
        if (n > 0 && access(str_text(&file), X_OK) == 0)
            return str_take(&file);
        str_fini(&file);
        path += n + (path[n] == ':');
    }
    return NULL;
}

char *engine_path(struct err *e)
{
    const char *given = getenv("ATTUNE_ENGINE");
    if (given && *given) {
        char *absolute = realpath(given, NULL); // the engine is started in another folder
        if (!absolute)
            err_errno(e, "cannot find the engine that $ATTUNE_ENGINE names, %s", given);
        return absolute;
    }
    char *beside = path_beside_program("attune-engine");
    if (beside && access(beside, X_OK) == 0)
        return beside;
    char *found = search_path("attune-engine");
    if (!found)
        err_set(e, ERR_NOT_FOUND, "there is no attune-engine at %s or in $PATH; reinstall Attune, or set $ATTUNE_ENGINE",
                beside ? beside : "the place of this program");
    free(beside);
    return found;
}

// After fork, until exec: nothing but calls that are safe in a child of a program with threads.
static _Noreturn void become(const char *const *argv, const int fds[3], const char *dir, int report)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    static const int restored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCHLD, SIGWINCH};
    for (size_t i = 0; i < sizeof restored / sizeof *restored; i++)
        signal(restored[i], SIG_DFL);
    // The given descriptors may be among 0..2 themselves: out of the way first.
    int safe[3];
    bool ok = true;
    for (int i = 0; i < 3; i++)
        ok &= (safe[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10)) >= 0;
    for (int i = 0; ok && i < 3; i++)
        ok &= dup2(safe[i], i) >= 0;
    if (ok && (!dir || chdir(dir) == 0))
        execv(argv[0], (char *const *)argv);
    int number = errno;
    while (write(report, &number, sizeof number) < 0 && errno == EINTR)
        ;
    _exit(127);
}

static ssize_t read_all(int fd, void *out, size_t size)
{
    size_t n = 0;
    while (n < size) {
        ssize_t got = read(fd, (char *)out + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int spawn(const char *const *argv, const int fds[3], const char *dir, bool detach, int *pid, struct err *e)
{
    // exec_pipe closes by itself when exec succeeds and brings errno when not; pid_pipe brings the grandchild's pid.
    int exec_pipe[2], pid_pipe[2], number = 0;
    if (pipe2(exec_pipe, O_CLOEXEC) != 0)
        return err_errno(e, "cannot start %s", argv[0]);
    if (pipe2(pid_pipe, O_CLOEXEC) != 0) {
        close(exec_pipe[0]);
        close(exec_pipe[1]);
        return err_errno(e, "cannot start %s", argv[0]);
    }
    pid_t child = fork();
    if (child == 0) {
        if (!detach)
            become(argv, fds, dir, exec_pipe[1]);
        setsid();
        pid_t grandchild = fork();
        if (grandchild == 0)
            become(argv, fds, dir, exec_pipe[1]);
        ssize_t n = write(pid_pipe[1], &grandchild, sizeof grandchild);
        _exit(grandchild > 0 && n == sizeof grandchild ? 0 : 1);
    }
    int fork_errno = errno;
    close(exec_pipe[1]);
    close(pid_pipe[1]);
    int code = 0;
    if (child < 0) {
        errno = fork_errno;
        code = err_errno(e, "cannot start %s", argv[0]);
    } else {
        pid_t running = child;
        if (detach) {
            if (read_all(pid_pipe[0], &running, sizeof running) != sizeof running || running <= 0)
                code = err_set(e, ERR_LIMIT, "cannot start %s: the system allows no more processes", argv[0]);
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                ;
        }
        if (!code && read_all(exec_pipe[0], &number, sizeof number) == sizeof number) {
            errno = number;
            code = err_errno(e, "cannot start %s", argv[0]);
            if (!detach)
                while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
                    ;
        }
        *pid = (int)running;
    }
    close(exec_pipe[0]);
    close(pid_pipe[0]);
    return code;
}

char *spawn_error_text(int fd, long from)
{
    enum { MAX = 900 };
    char text[MAX + 1];
    off_t end = lseek(fd, 0, SEEK_END);
    off_t start = end - MAX > from ? end - MAX : from;
    ssize_t n = end > start ? pread(fd, text, (size_t)(end - start), start) : 0;
    text[n > 0 ? n : 0] = 0;
    char *first = text;
    if (start > from && strchr(text, '\n')) // begins in the middle of a line
        first = strchr(text, '\n') + 1;
    size_t length = strlen(first);
    while (length > 0 && strchr("\n\r \t", first[length - 1]))
        first[--length] = 0;
    static const char *const names[] = {"attune-engine: ", "attune: "};
    for (size_t i = 0; i < 2; i++)
        if (text_starts(first, names[i])) {
            first += strlen(names[i]);
            break;
        }
    return mem_strdup(first);
}

int spawn_code_of_status(int status)
{
    for (int code = ERR_USAGE; code >= ERR_INTERRUPTED; code--)
        if (err_exit_status(code) == status)
            return code;
    return ERR_FAIL;
}
