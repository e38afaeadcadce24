// Errors are returned, complete and phrased for the person.
//
// A function that can fail takes a `struct err *` last and returns 0 or a negative ERR_ code. *e is
// untouched on success and complete on failure: what the person wanted, what went wrong, where (file:line
// of THEIR file), what to do. Never log and return. Only main() exits.
#pragma once

#include <stdarg.h>

enum err_code {
    ERR_FAIL = -1,         // something failed that fits no other code
    ERR_USAGE = -2,        // the command line or a setting is wrong
    ERR_INPUT = -3,        // a file or text from outside is damaged or not what it should be
    ERR_NOT_FOUND = -4,    // a file, run or name does not exist
    ERR_IO = -5,           // the system refused to read or write
    ERR_LIMIT = -6,        // not enough memory or disk, or a stated maximum was exceeded
    ERR_STATE = -7,        // not possible in the present state (the run has ended, ...)
    ERR_UNSUPPORTED = -8,  // valid, but outside of what Attune does
    ERR_NUMERIC = -9,      // a loss or gradient is not finite
    ERR_INTERRUPTED = -10, // a signal or the person stopped it
};

struct err {
    int code;
    char text[1200];
};

// Fills *e (which may be NULL) and returns `code`, so that `return err_set(e, ERR_INPUT, ...)` reads well.
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Like err_set, with the words for errno appended: "cannot read x.json: No such file or directory".
// The code is ERR_NOT_FOUND for ENOENT, ERR_LIMIT for ENOSPC, EDQUOT and ENOMEM, else ERR_IO.
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts context before the text that is there: "while loading model DIR: " + text. Returns e->code.
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The process exit status for an error code; --help lists them (the table in err.c).
int err_exit_status(int code);

// A fault of ours, not of the person: prints where, restores the terminal through the fatal hook, aborts.
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_IF(condition)                                                                          \
    do {                                                                                           \
        if (condition)                                                                             \
            BUG("%s", #condition);                                                                 \
    } while (0)
_Noreturn void bug_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Called before the program dies (BUG, out of memory): the console gives the terminal back here.
void fatal_hook_set(void (*hook)(void));
void fatal_hook_run(void);
