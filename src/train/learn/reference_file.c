#include "config.h"

#include "train/learn/reference_file.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

// The file: magic, the two hashes (64 hex digits each), then one double per response.
static const char magic[16] = "attune-ref-2\n\0\0\0";
enum { HEX = REFERENCE_KEY - 1, HEAD_BYTES = 16 + 2 * HEX };

bool reference_file_read(const char *path, const struct reference_key *key, bool how, double *refs, size_t n)
{
    const size_t want = HEAD_BYTES + n * sizeof *refs;
    char *bytes;
    size_t n_bytes;
    if (file_size(path) != (int64_t)want || file_read(path, want, &bytes, &n_bytes, NULL))
        return false;
    const bool fits = n_bytes == want && memcmp(bytes, magic, sizeof magic) == 0 &&
                      memcmp(bytes + 16, key->what, HEX) == 0 && (!how || memcmp(bytes + 16 + HEX, key->how, HEX) == 0);
    if (fits)
        memcpy(refs, bytes + HEAD_BYTES, n * sizeof *refs);
    free(bytes);
    return fits;
}

int reference_file_write(const char *path, const struct reference_key *key, const double *refs, size_t n, struct err *e)
{
    struct file_out *out;
    int code = file_out_open(&out, path, e);
    if (code)
        return code;
    if ((code = file_out_write(out, magic, sizeof magic, e)) || (code = file_out_write(out, key->what, HEX, e)) ||
        (code = file_out_write(out, key->how, HEX, e)) || (code = file_out_write(out, refs, n * sizeof *refs, e))) {
        file_out_abort(out);
        return code;
    }
    return file_out_commit(out, e);
}

static bool holds_just(const double *refs, const bool *wanted, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (wanted[i] ? !isfinite(refs[i]) : !isnan(refs[i]))
            return false;
    return true;
}

bool reference_file_borrow(const char *path, const struct reference_key *key, const bool *wanted, double *refs, size_t n,
                           char **from)
{
    char *own = path_dir(path), *runs = path_dir(own);
    DIR *dir = opendir(runs);
    double *found = mem_try_alloc(n, sizeof *found, "another run's reference log-probabilities", NULL);
    *from = NULL;
    for (struct dirent *entry; dir && found && !*from && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        char *folder = path_join(runs, entry->d_name), *file = path_join(folder, strrchr(path, '/') + 1);
        if (reference_file_read(file, key, true, found, n) && holds_just(found, wanted, n)) {
            memcpy(refs, found, n * sizeof *refs);
            *from = mem_strdup(entry->d_name);
        }
        free(folder);
        free(file);
    }
    if (dir)
        closedir(dir);
    free(found);
    free(own);
    free(runs);
    return *from;
}
