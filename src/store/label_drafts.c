#include "config.h"

#include "store/label_drafts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

enum { MOST_BYTES = 1 << 20, KEY_LETTERS = 32 };

void label_draft_fini(struct label_draft *d)
{
    free(d->note);
    free(d->reasons);
    *d = (struct label_draft){0};
}

static char *path_of(const char *project_dir, const char *annotator, const char *hash, const char *ending)
{
    struct sha256 state;
    struct str path = {0};
    char key[65];
    sha256_init(&state);
    sha256_add(&state, annotator, strlen(annotator) + 1); // with its end: no name passes for another's beginning
    sha256_add(&state, hash, strlen(hash));
    sha256_hex(&state, key);
    str_addf(&path, "%s/drafts/%.*s%s", project_dir, KEY_LETTERS, key, ending);
    return str_take(&path);
}

static int make_folder(const char *project_dir, struct err *e)
{
    char *dir = path_join(project_dir, "drafts");
    const int code = file_make_dirs(dir, e);
    free(dir);
    return code;
}

// Without waiting for the disk: a key that is typed must not.
static int write_quickly(const char *path, const char *text, struct err *e)
{
    struct str tmp = {0};
    int code = 0;
    str_addf(&tmp, "%s.tmp", path);
    const int fd = open(str_text(&tmp), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        code = err_errno(e, "cannot write the draft %s", str_text(&tmp));
    if (fd >= 0)
        close(fd);
    if (!code && rename(str_text(&tmp), path) != 0)
        code = err_errno(e, "cannot write the draft %s", path);
    str_fini(&tmp);
    return code;
}

int label_draft_write(const char *project_dir, const char *annotator, const char *hash, const char *note,
                      const char *reasons, struct err *e)
{
    if (!*note && !*reasons) {
        label_draft_remove(project_dir, annotator, hash);
        return 0;
    }
    int code = make_folder(project_dir, e);
    if (code)
        return code;
    json_t *o = json_pack("{s:o, s:o}", "note", json_any_text(note), "reasons", json_any_text(reasons));
    BUG_IF(!o);
    char *text = json_dumps(o, JSON_COMPACT), *path = path_of(project_dir, annotator, hash, ".json");
    code = write_quickly(path, text, e);
    free(path);
    free(text);
    json_decref(o);
    return code;
}

bool label_draft_read(const char *project_dir, const char *annotator, const char *hash, struct label_draft *out)
{
    char *path = path_of(project_dir, annotator, hash, ".json"), *text = NULL;
    const char *note = "", *reasons = "";
    size_t n;
    json_t *o = NULL;
    const bool is_there = file_read(path, MOST_BYTES, &text, &n, NULL) == 0 && json_parse(text, n, path, &o, NULL) == 0 &&
                          json_get_text(o, "note", "", &note, path, NULL) == 0 &&
                          json_get_text(o, "reasons", "", &reasons, path, NULL) == 0;
    if (is_there)
        *out = (struct label_draft){mem_strdup(note), mem_strdup(reasons)};
    json_decref(o);
    free(text);
    free(path);
    return is_there;
}

void label_draft_remove(const char *project_dir, const char *annotator, const char *hash)
{
    char *path = path_of(project_dir, annotator, hash, ".json");
    unlink(path);
    free(path);
}

int label_draft_answer(const char *project_dir, const char *annotator, const char *hash, bool b, char **path, struct err *e)
{
    int code = make_folder(project_dir, e);
    if (!code)
        *path = path_of(project_dir, annotator, hash, b ? "-b.txt" : "-a.txt");
    return code;
}
