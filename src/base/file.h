// Files: whole reads with a stated maximum, atomic writes (NAME.tmp, fsync, rename, fsync the folder), paths.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// The whole file, NUL-terminated, on the heap; *n_bytes without the NUL. Gzip is unpacked when the file
// starts with its magic. Fails beyond `max` bytes (unpacked), and where it unpacks to more than a text does (64 MiB, and a
// hundred times its size).
int file_read(const char *path, size_t max, char **bytes, size_t *n_bytes, struct err *e);

// Replaces `path` by these bytes: after a crash either the old or the new content is there, whole. A device or a pipe is not
// replaced: the bytes go into it.
int file_write(const char *path, const void *bytes, size_t n_bytes, struct err *e);

// The same in pieces: open, write..., then commit or abort (abort leaves the old file as it was).
// `out` may be used by any writer in between through file_out_write.
struct file_out;
int file_out_open(struct file_out **out, const char *path, struct err *e);
int file_out_write(struct file_out *out, const void *bytes, size_t n_bytes, struct err *e);
int file_out_commit(struct file_out *out, struct err *e); // frees *out, also on failure
void file_out_abort(struct file_out *out);                // NULL is fine

// Makes a rename inside `dir` durable.
int file_sync_dir(const char *dir, struct err *e);
int file_make_dirs(const char *path, struct err *e); // like mkdir -p
int file_remove_tree(const char *path, struct err *e);
bool file_exists(const char *path);
bool file_is_dir(const char *path);
bool file_is_regular(const char *path); // no folder, pipe or device
int64_t file_size(const char *path); // -1 when there is none

// "dir/name" on the heap; `name` alone when it is absolute or dir is "" or ".".
char *path_join(const char *dir, const char *name);
const char *path_base(const char *path);        // the part after the last slash
char *path_dir(const char *path);               // the part before it, "." without one
// The running program: what main said of itself, when that names an executable file, else what the kernel says. They
// differ when it was started through a loader (ld.so PROGRAM ...), which then is what the kernel knows.
void path_program_set(const char *argv0);
const char *path_program(void);
char *path_beside_program(const char *relative); // from the folder of the running program
// A file of the program's own data ("models/..."): $ATTUNE_SHARE, beside the build, then the installed place.
char *path_share(const char *name);

// Fault injection for tests (ATTUNE_FAULT_WRITE=n: the n-th write of this process fails as on a full disk).
void file_fault_init(void);
