#include "config.h"

#include "corpus/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "corpus/shards.h"
#include "corpus/source_kinds.h"

struct source {
    struct shards files;
    size_t at;         // the file that is open
    char *bytes;       // of it, where it is not read piece by piece; `given` and a pipe's are kept for reading again
    const char *given; // bytes of the caller instead
    size_t n_bytes;
    const struct source_ops *ops;
    void *state;
};

static bool ends_in(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    if (n > 3 && strcasecmp(path + n - 3, ".gz") == 0)
        n -= 3;
    return n > m && strncasecmp(path + n - m, ending, m) == 0;
}

static bool begins(const char *bytes, size_t n, const char *with, size_t length)
{
    return n >= length && memcmp(bytes, with, length) == 0;
}

// What people take for data and is none, in words; NULL: may be data.
static const char *no_data(const char *bytes, size_t n)
{
    static const char git_lfs[] = "version https://git-lfs";
    if (begins(bytes, n, git_lfs, sizeof git_lfs - 1))
        return "it only points to the data, which Git LFS keeps: git lfs pull fetches them";
    if (begins(bytes, n, "\xff\xfe", 2) || begins(bytes, n, "\xfe\xff", 2))
        return "it is UTF-16; save it as UTF-8, or: iconv -f UTF-16 -t UTF-8";
    if (begins(bytes, n, "ARROW1", 6))
        return "it is an Arrow file; write Parquet or JSON lines instead (ds.to_parquet(\"FILE\") in Python)";
    if (begins(bytes, n, "PK\3\4", 4))
        return "it is a ZIP archive (or a spreadsheet, .xlsx): unpack it, or save the sheet as CSV";
    if (begins(bytes, n, "\x28\xb5\x2f\xfd", 4))
        return "it is packed with zstd: zstd -d unpacks it";
    if (begins(bytes, n, "\xfd" "7zXZ", 5))
        return "it is packed with xz: xz -d unpacks it";
    if (begins(bytes, n, "BZh", 3))
        return "it is packed with bzip2: bzip2 -d unpacks it";
    return NULL;
}

// Whether the first line is an object: JSON lines, whatever the name says.
static bool is_json_line(const char *bytes, size_t n)
{
    json_error_t fault;
    const char *newline = memchr(bytes, '\n', n);
    json_t *value = json_decode(bytes, newline ? (size_t)(newline - bytes) : n, &fault);
    const bool is = json_is_object(value);
    json_decref(value);
    return is;
}

// A table by its first line, where no name says what it is: two names or more.
static bool is_header(const char *bytes, size_t n)
{
    const char *newline = memchr(bytes, '\n', n);
    const size_t line = newline ? (size_t)(newline - bytes) : n;
    return line && bytes[0] != '{' && bytes[0] != '[' &&
           (memchr(bytes, ',', line) || memchr(bytes, '\t', line) || memchr(bytes, ';', line));
}

static int open_bytes(struct source *s, const char *path, const char *bytes, size_t n, struct err *e)
{
    const char *why = no_data(bytes, n);
    const bool text = ends_in(path, ".txt"), csv = ends_in(path, ".csv"),
               tsv = ends_in(path, ".tsv") || ends_in(path, ".tab");
    const bool json = ends_in(path, ".json") || ends_in(path, ".jsonl") || ends_in(path, ".ndjson");
    if (begins(bytes, n, "PAR1", 4))
        return source_open_parquet(&s->state, &s->ops, path, bytes, n, e);
    if (why || ends_in(path, ".parquet"))
        return err_set(e, ERR_INPUT, "cannot use %s as data: %s", path,
                       why ? why : "it does not begin as Parquet files do (PAR1): it is damaged, or something else");
    const size_t mark = begins(bytes, n, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (csv || tsv ? !is_json_line(bytes + mark, n - mark) : !text && !json && is_header(bytes + mark, n - mark))
        return source_open_csv(&s->state, &s->ops, path, bytes, n, tsv ? '\t' : ',', e);
    source_open_records(&s->state, &s->ops, bytes, n, text);
    return 0;
}

static void close_file(struct source *s)
{
    if (s->state)
        s->ops->close(s->state);
    s->state = NULL;
}

// Whether the file can be read at any place and is Parquet as it stands.
static bool is_parquet_file(const char *path)
{
    char magic[4];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool is = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && pread(fd, magic, 4, 0) == 4 &&
                    memcmp(magic, "PAR1", 4) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

static int open_file(struct source *s, size_t at, struct err *e)
{
    const char *path = s->files.paths[at];
    int code = 0;
    close_file(s);
    if (!s->given && s->files.n == 1 && s->bytes)
        return open_bytes(s, path, s->bytes, s->n_bytes, e); // the same file once more
    free(s->bytes);
    s->bytes = NULL;
    s->at = at;
    if (s->given)
        return open_bytes(s, path, s->given, s->n_bytes, e);
    if (is_parquet_file(path))
        return source_open_parquet_file(&s->state, &s->ops, path, e);
    code = file_read(path, SOURCE_MAX_FILE_BYTES, &s->bytes, &s->n_bytes, e);
    return code ? code : open_bytes(s, path, s->bytes, s->n_bytes, e);
}

static int open_first(struct source **out, struct source *s, struct err *e)
{
    int code = open_file(s, 0, e);
    if (code)
        source_close(s);
    else
        *out = s;
    return code;
}

int source_open(struct source **out, const char *path, struct err *e)
{
    struct source *s = mem_alloc(1, sizeof *s);
    if (shards_named_by(path)) {
        int code = shards_find(&s->files, path, e);
        if (code) {
            source_close(s);
            return code;
        }
    } else {
        s->files.paths = mem_alloc(1, sizeof *s->files.paths);
        s->files.paths[s->files.n++] = mem_strdup(path);
    }
    return open_first(out, s, e);
}

int source_open_bytes(struct source **out, const char *name, const char *bytes, size_t n_bytes, struct err *e)
{
    struct source *s = mem_alloc(1, sizeof *s);
    s->files.paths = mem_alloc(1, sizeof *s->files.paths);
    s->files.paths[s->files.n++] = mem_strdup(name);
    s->given = bytes;
    s->n_bytes = n_bytes;
    return open_first(out, s, e);
}

int source_next(struct source *s, struct source_row *out, struct err *e)
{
    for (;;) {
        *out = (struct source_row){0};
        int code = s->ops->next(s->state, out, e);
        if (code || s->at + 1 >= s->files.n)
            return code;
        code = open_file(s, s->at + 1, e);
        if (code)
            return code;
    }
}

int source_rewind(struct source *s, struct err *e)
{
    return open_file(s, 0, e);
}

const char *source_form(const struct source *s)
{
    return s->ops->name;
}

const char *source_unit(const struct source *s)
{
    return s->ops->unit;
}

const char *source_file(const struct source *s)
{
    return s->files.paths[s->at];
}

size_t source_n_files(const struct source *s)
{
    return s->files.n;
}

bool source_is_text(const struct source *s)
{
    return strcmp(s->ops->name, "plain text") == 0;
}

const char *source_separator(const struct source *s)
{
    return source_is_text(s) ? source_records_separator(s->state) : NULL;
}

static int hash_file(struct sha256 *hash, const char *path, struct err *e)
{
    enum { PIECE = 1 << 20 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    char *piece = mem_alloc(PIECE, 1);
    ssize_t got;
    while ((got = read(fd, piece, PIECE)) > 0)
        sha256_add(hash, piece, (size_t)got);
    int code = got < 0 ? err_errno(e, "cannot read %s", path) : 0;
    free(piece);
    close(fd);
    return code;
}

int source_hash(struct source *s, struct sha256 *hash, struct err *e)
{
    if (s->given || (s->files.n == 1 && s->bytes)) {
        sha256_add(hash, s->given ? s->given : s->bytes, s->n_bytes);
        return 0;
    }
    for (size_t i = 0; i < s->files.n; i++) {
        char *bytes;
        size_t n;
        int code = is_parquet_file(s->files.paths[i]) ? hash_file(hash, s->files.paths[i], e)
                                                      : file_read(s->files.paths[i], SOURCE_MAX_FILE_BYTES, &bytes, &n, e);
        if (code)
            return code;
        if (!is_parquet_file(s->files.paths[i])) {
            sha256_add(hash, bytes, n);
            free(bytes);
        }
    }
    return 0;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    close_file(s);
    shards_fini(&s->files);
    free(s->bytes);
    free(s);
}
