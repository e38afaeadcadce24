#include "config.h"

#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void (*fatal_hook)(void);

void fatal_hook_set(void (*hook)(void))
{
    fatal_hook = hook;
}

void fatal_hook_run(void)
{
    void (*hook)(void) = fatal_hook;
    fatal_hook = NULL; // a hook that fails itself must not run twice
    if (hook)
        hook();
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        e->code = code;
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
    }
    return code;
}

static int code_of_errno(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
        return ERR_LIMIT;
    case EINTR:
        return ERR_INTERRUPTED;
    default:
        return ERR_IO;
    }
}

int err_errno(struct err *e, const char *format, ...)
{
    int number = errno;
    int code = code_of_errno(number);
    if (e) {
        va_list args;
        va_start(args, format);
        e->code = code;
        int n = vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof e->text)
            snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerror(number));
    }
    return code;
}

int err_prefix(struct err *e, const char *format, ...)
{
    if (!e)
        return ERR_FAIL;
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof e->text)
        snprintf(e->text + n, sizeof e->text - (size_t)n, "%s", old);
    return e->code;
}

int err_exit_status(int code)
{
    switch (code) {
    case 0:
        return 0;
    case ERR_USAGE:
        return 2;
    case ERR_INPUT:
        return 3;
    case ERR_NOT_FOUND:
        return 4;
    case ERR_IO:
        return 5;
    case ERR_LIMIT:
        return 6;
    case ERR_STATE:
        return 7;
    case ERR_UNSUPPORTED:
        return 8;
    case ERR_NUMERIC:
        return 9;
    case ERR_INTERRUPTED:
        return 130;
    default:
        return 1;
    }
}

_Noreturn void bug_at(const char *file, int line, const char *format, ...)
{
    fatal_hook_run();
    fprintf(stderr, "attune: this is a fault in Attune itself, at %s:%d: ", file, line);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
