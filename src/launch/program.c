// The program that runs, started once more to do one command: what takes long and belongs to the commands alone.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/mem.h"
#include "launch/spawn.h"

int program_call(const char *const *args, struct err *e)
{
    size_t n = 0;
    int pid = -1, status = 0;
    while (args[n])
        n++;
    const char **argv = mem_alloc(n + 2, sizeof *argv);
    argv[0] = path_program();
    memcpy(argv + 1, args, n * sizeof *argv);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), said = memfd_create("program-errors", MFD_CLOEXEC);
    int code = nothing < 0 || said < 0 ? err_errno(e, "cannot start %s", argv[0]) : 0;
    if (!code)
        code = spawn(argv, (int[3]){nothing, nothing, said}, NULL, false, &pid, e);
    if (!code) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        char *text = spawn_error_text(said, 0);
        if (!WIFEXITED(status))
            code = err_set(e, ERR_FAIL, "attune %s was ended by a signal", args[0]);
        else if (WEXITSTATUS(status) != 0)
            code = err_set(e, spawn_code_of_status(WEXITSTATUS(status)), "%s",
                           *text ? text : "it failed without saying why");
        free(text);
    }
    if (nothing >= 0)
        close(nothing);
    if (said >= 0)
        close(said);
    free(argv);
    return code;
}
