#include "config.h"

#include "cli/piped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

static const char *const data_options[] = {"data", "eval-data", "ptx-data", "prompts"};
enum { N_DATA = sizeof data_options / sizeof *data_options };

static const char open_files[] = "/dev/fd/";
static char temporary[N_DATA + 1][32]; // names of what was read, for the words of a command

// A file, a folder and what is not there are none.
static bool is_pipe(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static int read_to_end(FILE *in, FILE *out, const char *path, struct err *e)
{
    char bytes[1 << 16];
    size_t n;
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
        if (fwrite(bytes, 1, n, out) != n)
            return err_errno(e, "cannot keep what comes from %s in a temporary file", path);
    if (ferror(in))
        return err_errno(e, "cannot read %s", path);
    return fflush(out) == 0 ? 0 : err_errno(e, "cannot keep what comes from %s in a temporary file", path);
}

// *path is the temporary file afterwards, if it was a pipe.
static int take_pipe(const char **path, char name[32], struct err *e)
{
    const char *from = strcmp(*path, "-") == 0 ? "/dev/stdin" : *path;
    if (!is_pipe(from))
        return 0;
    FILE *in = fopen(from, "rb"), *out = in ? tmpfile() : NULL;
    int code = 0;
    if (!in)
        code = err_errno(e, "cannot open %s", from);
    else if (isatty(fileno(in)))
        code = err_set(e, ERR_USAGE, "%s is the terminal: give a file, or send one through a pipe", from);
    else if (!out)
        code = err_errno(e, "cannot make a temporary file for what comes from %s", from);
    else
        code = read_to_end(in, out, from, e);
    if (!code) { // a descriptor of its own, which the engine inherits
        const int fd = dup(fileno(out));
        if (fd < 0)
            code = err_errno(e, "cannot keep what comes from %s", from);
        snprintf(name, 32, "%s%d", open_files, fd);
        *path = name;
    }
    if (in)
        fclose(in);
    if (out)
        fclose(out);
    return code;
}

int piped_open(struct args *a, bool word, struct err *e)
{
    int code = 0;
    for (int i = 0; !code && i < N_DATA; i++) {
        const char *given = settings_find(&a->settings, data_options[i]) ? settings_text(&a->settings, data_options[i]) : "";
        const char *path = given;
        code = *given ? take_pipe(&path, temporary[i], e) : 0;
        if (!code && path != given)
            code = settings_set(&a->settings, data_options[i], path, e);
    }
    if (!code && word && a->n_words > 0) {
        const char *path = a->words[0];
        code = take_pipe(&path, temporary[N_DATA], e);
        if (!code && path != a->words[0])
            a->words[0] = temporary[N_DATA];
    }
    return code;
}

static int copy_file(const char *from, const char *to, struct err *e)
{
    struct file_out *out;
    FILE *in = fopen(from, "rb");
    char bytes[1 << 16];
    size_t n;
    if (!in)
        return err_errno(e, "cannot read %s", from);
    int code = file_out_open(&out, to, e);
    if (!code) {
        while (!code && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
            code = file_out_write(out, bytes, n, e);
        if (!code && ferror(in))
            code = err_errno(e, "cannot read %s", from);
        if (code)
            file_out_abort(out);
        else
            code = file_out_commit(out, e);
    }
    fclose(in);
    return code;
}

int piped_keep(struct args *a, const char *project, char **kept, struct err *e)
{
    struct str new_files = {0};
    char *dir = path_join(project, "data"), hash[65];
    int code = 0;
    for (int i = 0; !code && i < N_DATA; i++) {
        const char *from = settings_find(&a->settings, data_options[i]) ? settings_text(&a->settings, data_options[i]) : "";
        if (!*temporary[i] || strcmp(from, temporary[i]) != 0)
            continue;
        code = sha256_file(from, hash, e);
        if (code)
            break;
        struct str name = {0};
        str_addf(&name, "piped-%.16s", hash);
        char *to = path_join(dir, str_text(&name));
        if (!file_exists(to)) {
            code = file_make_dirs(dir, e);
            if (!code)
                code = copy_file(from, to, e);
            if (!code)
                str_addf(&new_files, "%s\n", to);
        }
        if (!code)
            code = settings_set(&a->settings, data_options[i], to, e);
        free(to);
        str_fini(&name);
    }
    free(dir);
    *kept = new_files.len ? str_take(&new_files) : NULL;
    if (!*kept)
        str_fini(&new_files);
    return code;
}

void piped_forget(char *kept)
{
    for (char *at = kept; at && *at;) {
        char *end = strchr(at, '\n');
        *end = '\0';
        unlink(at);
        at = end + 1;
    }
    free(kept);
}
