// What a program asks of the disk, in order: the test's own fsync, fdatasync and rename stand before libc's, note what they
// were called for and do it. One file of a test program may include this.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "testing.h"

static struct disk_event {
    enum { DISK_SYNC, DISK_RENAME } kind;
    char path[400], to[400]; // to: of a rename
    int64_t size;            // of the file when it was synced
} disk_events[4000];
static int n_disk_events;
static const char *disk_refuses;        // a sync of a file whose path ends so fails; NULL: none
static const char *disk_refuses_rename; // a rename to such a path fails

static void disk_trace_begin(void)
{
    n_disk_events = 0;
    disk_refuses = disk_refuses_rename = NULL;
}

static bool disk_note_sync(int fd)
{
    char link[40];
    struct stat st;
    struct disk_event *x = &disk_events[n_disk_events];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, x->path, sizeof x->path - 1);
    x->path[n > 0 ? n : 0] = '\0';
    x->kind = DISK_SYNC;
    x->size = fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
    if (disk_refuses && text_ends(x->path, disk_refuses)) {
        errno = EIO;
        return false;
    }
    n_disk_events += n_disk_events + 1 < (int)(sizeof disk_events / sizeof *disk_events);
    return true;
}

int fsync(int fd)
{
    return disk_note_sync(fd) ? (int)syscall(SYS_fsync, fd) : -1;
}

int fdatasync(int fd)
{
    return disk_note_sync(fd) ? (int)syscall(SYS_fdatasync, fd) : -1;
}

int rename(const char *from, const char *to)
{
    struct disk_event *x = &disk_events[n_disk_events];
    if (disk_refuses_rename && text_ends(to, disk_refuses_rename)) {
        errno = EIO;
        return -1;
    }
    x->kind = DISK_RENAME;
    snprintf(x->path, sizeof x->path, "%s", from);
    snprintf(x->to, sizeof x->to, "%s", to);
    n_disk_events += n_disk_events + 1 < (int)(sizeof disk_events / sizeof *disk_events);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

// The first sync of that path (of a whole file of that size; -1: any) at or after event `from`; -1: none.
static inline int disk_synced(const char *path, int64_t size, int from)
{
    for (int i = from < 0 ? 0 : from; i < n_disk_events; i++)
        if (disk_events[i].kind == DISK_SYNC && strcmp(disk_events[i].path, path) == 0 &&
            (size < 0 || disk_events[i].size == size))
            return i;
    return -1;
}

static inline int disk_renamed(const char *from, const char *to)
{
    for (int i = 0; i < n_disk_events; i++)
        if (disk_events[i].kind == DISK_RENAME && strcmp(disk_events[i].path, from) == 0 &&
            strcmp(disk_events[i].to, to) == 0)
            return i;
    return -1;
}

// A file got to its place in a way that a crash cannot halve: all bytes synced, then renamed, then the folder synced.
// Returns where that ends in the trace.
static inline int assert_durable(const char *temporary, const char *path, int64_t size)
{
    char *dir = path_dir(path);
    const int moved = disk_renamed(temporary, path), synced = disk_synced(temporary, size, 0);
    if (moved < 0 || synced < 0 || synced > moved)
        fail_msg("%s was not on the disk when it was renamed", temporary);
    const int done = disk_synced(dir, -1, moved);
    if (done < 0)
        fail_msg("the folder %s was not synced after %s came into it", dir, path);
    free(dir);
    return done;
}

// A fresh folder by the name that the kernel has for it; heap.
static inline char *disk_folder(void)
{
    char *given = test_folder(), *real = realpath(given, NULL);
    assert_non_null(real);
    free(given);
    return real;
}
