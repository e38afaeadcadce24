// Starting attune-engine, for the files of this folder.
#pragma once

#include <stdbool.h>

#include "base/err.h"

char *engine_path(struct err *e); // heap; NULL with *e when there is no engine

// Runs argv[0] (a path) with the given descriptors as 0, 1, 2; `dir` NULL: stay. *pid is the child's.
// `detach`: in a session of its own and not our child (so that it is never a zombie of ours); it then outlives us.
int spawn(const char *const *argv, const int fds[3], const char *dir, bool detach, int *pid, struct err *e);

// The text behind fd (from its start), without the program's name before it and blanks at its end, at most `max`
// bytes of its end; heap.
char *spawn_error_text(int fd, long from);

// The ERR_ code that makes err_exit_status give this status.
int spawn_code_of_status(int status);
