#include "config.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"

static atomic_long writes_left = -1; // < 0: no fault is injected

void file_fault_init(void)
{
    const char *text = getenv("ATTUNE_FAULT_WRITE");
    int64_t n;
    atomic_store(&writes_left, text && text_to_i64(text, &n) && n > 0 ? n : -1);
}

static bool write_fails_now(void)
{
    if (atomic_load(&writes_left) < 0)
        return false;
    if (atomic_fetch_sub(&writes_left, 1) > 1)
        return false;
    atomic_store(&writes_left, 1); // from then on every write fails: a full disk stays full
    errno = ENOSPC;
    return true;
}

// Packed files may become this large, and beyond it this many times the bytes that were read: texts become 3 to 30 times.
enum { PACKED_FREE = 64 << 20, PACKED_MOST = 100 };

int file_read(const char *path, size_t max, char **bytes, size_t *n_bytes, struct err *e)
{
    gzFile f = gzopen(path, "rb"); // reads plain files as they are
    if (!f)
        return err_errno(e, "cannot open %s", path);
    if (file_is_dir(path)) {
        gzclose(f);
        return err_set(e, ERR_INPUT, "cannot read %s: it is a folder", path);
    }
    gzbuffer(f, 1 << 17);
    char *data = NULL;
    size_t len = 0, cap = 0;
    int code = 0;
    for (;;) {
        if (cap - len < 65536) {
            cap = cap ? cap * 2 : 65536 + 1;
            data = mem_realloc(data, cap, 1);
        }
        size_t room = cap - len - 1;
        int got = gzread(f, data + len, room > INT_MAX ? INT_MAX : (unsigned)room);
        if (got < 0) {
            int number;
            const char *why = gzerror(f, &number);
            code = number == Z_ERRNO ? err_errno(e, "cannot read %s", path)
                                     : err_set(e, ERR_INPUT, "cannot unpack %s: %s", path, why);
            break;
        }
        if (got == 0)
            break;
        len += (size_t)got;
        if (!gzdirect(f) && len > PACKED_FREE && len / PACKED_MOST > (uint64_t)gzoffset(f)) {
            code = err_set(e, ERR_LIMIT, "%s unpacks to more than %d times its size, which is more like a trap than a text; "
                           "unpack it yourself if it is one (gzip -d)", path, PACKED_MOST);
            break;
        }
        if (len > max) {
            char limit[32];
            code = err_set(e, ERR_LIMIT, "%s is larger than %s, the most that is read here", path,
                           human_bytes(limit, sizeof limit, (double)max));
            break;
        }
    }
    int closed = gzclose(f);
    if (code == 0 && closed == Z_BUF_ERROR)
        code = err_set(e, ERR_INPUT, "%s ends in the middle of its gzip data: copy it again", path);
    if (code) {
        free(data);
        return code;
    }
    data[len] = '\0';
    *bytes = data;
    *n_bytes = len;
    return 0;
}

struct file_out {
    int fd;
    char *path, *temporary; // temporary NULL: a device or a pipe, which is written to as it is
};

// A rename would put a file in its place, for everybody on the machine when it is /dev/null.
static bool is_stream(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && !S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode);
}

int file_out_open(struct file_out **out, const char *path, struct err *e)
{
    struct str name = {0};
    const bool stream = is_stream(path);
    str_addf(&name, "%s%s", path, stream ? "" : ".tmp");
    int fd = open(str_text(&name), O_WRONLY | O_CLOEXEC | (stream ? 0 : O_CREAT | O_TRUNC), 0666);
    if (fd < 0) {
        int code = err_errno(e, "cannot %s %s", stream ? "write" : "create", str_text(&name));
        str_fini(&name);
        return code;
    }
    *out = mem_alloc(1, sizeof **out);
    (*out)->fd = fd;
    (*out)->path = mem_strdup(path);
    (*out)->temporary = stream ? NULL : str_take(&name);
    str_fini(&name);
    return 0;
}

int file_out_write(struct file_out *out, const void *bytes, size_t n_bytes, struct err *e)
{
    const char *at = bytes;
    while (n_bytes) {
        ssize_t n = write_fails_now() ? -1 : write(out->fd, at, n_bytes < (1u << 30) ? n_bytes : 1u << 30);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "cannot write %s", out->temporary ? out->temporary : out->path);
        at += n;
        n_bytes -= (size_t)n;
    }
    return 0;
}

static void file_out_free(struct file_out *out)
{
    free(out->path);
    free(out->temporary);
    free(out);
}

static int end_stream(struct file_out *out, struct err *e)
{
    int code = close(out->fd) < 0 ? err_errno(e, "cannot write %s", out->path) : 0;
    file_out_free(out);
    return code;
}

int file_out_commit(struct file_out *out, struct err *e)
{
    int code = 0;
    if (!out->temporary)
        return end_stream(out, e);
    if (fsync(out->fd) < 0)
        code = err_errno(e, "cannot write %s", out->temporary);
    if (close(out->fd) < 0 && !code)
        code = err_errno(e, "cannot write %s", out->temporary);
    if (!code && rename(out->temporary, out->path) < 0)
        code = err_errno(e, "cannot replace %s", out->path);
    if (code) {
        unlink(out->temporary);
    } else {
        char *dir = path_dir(out->path);
        code = file_sync_dir(dir, e);
        free(dir);
    }
    file_out_free(out);
    return code;
}

void file_out_abort(struct file_out *out)
{
    if (!out)
        return;
    close(out->fd);
    if (out->temporary)
        unlink(out->temporary);
    file_out_free(out);
}

int file_write(const char *path, const void *bytes, size_t n_bytes, struct err *e)
{
    struct file_out *out;
    int code = file_out_open(&out, path, e);
    if (code)
        return code;
    code = file_out_write(out, bytes, n_bytes, e);
    if (code) {
        file_out_abort(out);
        return code;
    }
    return file_out_commit(out, e);
}

int file_sync_dir(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot open the folder %s", dir);
    int code = fsync(fd) < 0 && errno != EINVAL ? err_errno(e, "cannot write the folder %s", dir) : 0;
    close(fd);
    return code;
}

int file_make_dirs(const char *path, struct err *e)
{
    char *part = mem_strdup(path);
    int code = 0;
    for (char *at = part + 1; !code; at++) {
        char end = *at;
        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            code = err_errno(e, "cannot create the folder %s", part);
        *at = end;
        if (end == '\0')
            break;
    }
    if (!code && !file_is_dir(path))
        code = err_set(e, ERR_INPUT, "cannot create the folder %s: a file of that name is there", path);
    free(part);
    return code;
}

int file_remove_tree(const char *path, struct err *e)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", path);
    // what somebody else removed meanwhile is gone, as wanted
    if (!S_ISDIR(st.st_mode))
        return unlink(path) < 0 && errno != ENOENT ? err_errno(e, "cannot remove %s", path) : 0;
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? 0 : err_errno(e, "cannot remove %s", path);
    int code = 0;
    for (struct dirent *entry; !code && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *child = path_join(path, entry->d_name);
        code = file_remove_tree(child, e);
        free(child);
    }
    closedir(dir);
    if (!code && rmdir(path) < 0 && errno != ENOENT)
        code = err_errno(e, "cannot remove %s", path);
    return code;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

char *path_join(const char *dir, const char *name)
{
    struct str s = {0};
    if (name[0] != '/' && dir[0] && strcmp(dir, ".") != 0) {
        str_add(&s, dir);
        if (!text_ends(dir, "/"))
            str_addc(&s, '/');
    }
    str_add(&s, name);
    return str_take(&s);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_strndup(path, (size_t)(slash - path));
}

static char program[PATH_MAX];

void path_program_set(const char *argv0)
{
    char *given = argv0 && strchr(argv0, '/') && file_is_regular(argv0) && access(argv0, X_OK) == 0
                      ? realpath(argv0, NULL)
                      : NULL;
    if (given)
        text_copy(program, sizeof program, given);
    free(given);
}

const char *path_program(void)
{
    if (!*program) {
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        program[n > 0 ? n : 0] = '\0';
    }
    return *program ? program : "/proc/self/exe";
}

char *path_beside_program(const char *relative)
{
    char *dir = path_dir(path_program());
    char *path = path_join(dir, relative);
    free(dir);
    return path;
}

char *path_share(const char *name)
{
    const char *forced = getenv("ATTUNE_SHARE");
    if (forced && *forced)
        return path_join(forced, name);
    // Beside the build (also a build in its own folder, whose path the build system wrote down), then installed.
    static const char *const places[] = {"../share/attune", "share/attune", ATTUNE_SOURCE_SHARE, ATTUNE_DATADIR};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *dir = places[i][0] == '/' ? mem_strdup(places[i]) : path_beside_program(places[i]);
        char *path = path_join(dir, name);
        free(dir);
        if (file_exists(path))
            return path;
        free(path);
    }
    return path_join(ATTUNE_DATADIR, name);
}
