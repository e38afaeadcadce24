#include "config.h"

#include "store/labels_pending.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/label_sets.h"

#define ENDING ".pending"
enum { MOST_BYTES = 1 << 20 };

struct labels_pending {
    char *path;
    int fd;
};

// Somebody may take a file that is not locked yet for one that was left, and remove it: then once more.
int labels_pending_open(struct labels_pending **out, const char *project_dir, struct err *e)
{
    for (int tries = 0; tries < 10; tries++) {
        char *path = path_join(project_dir, "labels-XXXXXX" ENDING);
        struct stat state;
        const int fd = mkostemps(path, (int)strlen(ENDING), O_CLOEXEC);
        if (fd < 0) {
            err_errno(e, "cannot make %s", path);
            free(path);
            return ERR_IO;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &state) == 0 && state.st_nlink > 0) {
            struct labels_pending *p = mem_alloc(1, sizeof *p);
            *p = (struct labels_pending){path, fd};
            *out = p;
            return 0;
        }
        close(fd);
        free(path);
    }
    return err_set(e, ERR_IO, "cannot lock a file in %s", project_dir);
}

void labels_pending_close(struct labels_pending *p)
{
    if (!p)
        return;
    struct stat state;
    if (fstat(p->fd, &state) != 0 || state.st_size == 0)
        unlink(p->path);
    close(p->fd);
    free(p->path);
    free(p);
}

int labels_pending_write(struct labels_pending *p, const char *run, const struct judgement *j, struct err *e)
{
    json_t *o = json_pack("{s:I, s:o, s:i, s:b, s:b, s:i, s:o, s:o}", "pair", (json_int_t)j->pair, "annotator",
                          json_any_text(j->annotator), "verdict", (int)j->verdict, "swapped", j->swapped, "final",
                          j->is_final, "occasion", j->occasion, "note", json_any_text(j->note ? j->note : ""),
                          "reasons", json_any_text(j->reasons ? j->reasons : ""));
    BUG_IF(!o);
    if (run)
        json_object_set_new(o, "run", json_any_text(run));
    if (j->seconds >= 0)
        json_object_set_new(o, "seconds", json_real(j->seconds));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    const size_t n = strlen(text);
    text[n] = '\n'; // in place of its end: one write, all or nothing
    const ssize_t written = pwrite(p->fd, text, n + 1, 0);
    free(text);
    if (written == (ssize_t)n + 1)
        return 0;
    err_errno(e, "cannot write %s", p->path);
    labels_pending_clear(p, NULL);
    return ERR_IO;
}

int labels_pending_clear(struct labels_pending *p, struct err *e)
{
    return ftruncate(p->fd, 0) == 0 ? 0 : err_errno(e, "cannot empty %s", p->path);
}

// ---- what was left ----

static int pair_of(struct store *s, const char *run, int64_t number, struct asked_pair *out, struct err *e)
{
    struct run_reader *r;
    if (!run)
        return label_pair(s, number, out, e);
    char *dir = store_run_dir(s, run);
    int code = run_reader_open(&r, dir, e);
    free(dir);
    if (code)
        return code;
    code = run_reader_pair(r, number, out, e);
    run_reader_close(r);
    return code;
}

// 1: added, or there already.
static int finish(struct store *s, const json_t *o, struct err *e)
{
    struct judgement j = {0};
    struct asked_pair p;
    const char *annotator, *note, *reasons, *run;
    const char *where = "a judgement that was left";
    int64_t verdict, occasion;
    bool again;
    int code = json_get_int(o, "pair", 0, 1, INT64_MAX, &j.pair, where, e);
    if (code || (code = json_get_int(o, "verdict", 0, VERDICT_MUCH_A, VERDICT_FLAG, &verdict, where, e)) ||
        (code = json_get_int(o, "occasion", 0, 0, 1, &occasion, where, e)) ||
        (code = json_get_text(o, "annotator", "", &annotator, where, e)) ||
        (code = json_get_text(o, "note", "", &note, where, e)) ||
        (code = json_get_text(o, "reasons", "", &reasons, where, e)) ||
        (code = json_get_text(o, "run", NULL, &run, where, e)) ||
        (code = json_get_bool(o, "swapped", false, &j.swapped, where, e)) ||
        (code = json_get_bool(o, "final", false, &j.is_final, where, e)) ||
        (code = json_get_double(o, "seconds", NAN, &j.seconds, where, e)))
        return code;
    text_copy(j.annotator, sizeof j.annotator, annotator);
    j.verdict = (enum verdict)verdict;
    j.occasion = (int)occasion;
    j.note = (char *)note;
    j.reasons = (char *)reasons;
    code = pair_of(s, run, j.pair, &p, e);
    if (code)
        return code;
    code = labels_add(s, run, &p, &j, true, &again, e); // the later word
    asked_pair_fini(&p);
    return code ? code : 1;
}

static int take_file(struct store *s, const char *path, int *n, struct err *e)
{
    char *text = NULL;
    size_t size = 0;
    json_t *o = NULL;
    int code = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) { // gone in the meantime, or its writer lives
        if (fd >= 0)
            close(fd);
        return 0;
    }
    if (file_read(path, MOST_BYTES, &text, &size, NULL) == 0 && size > 0 && text[size - 1] == '\n' &&
        json_parse(text, size, path, &o, NULL) == 0)
        code = finish(s, o, e);
    const bool later =
        code == ERR_STATE || code == ERR_LIMIT || code == ERR_IO; // others write for long, or the disk is full
    if (!later)
        unlink(path);
    if (code > 0 && n)
        ++*n;
    json_decref(o);
    free(text);
    close(fd);
    return later ? code : 0;
}

int labels_recover(struct store *s, int *n, struct err *e)
{
    DIR *dir = opendir(store_dir(s));
    struct dirent *entry;
    int code = 0;
    if (n)
        *n = 0;
    if (!dir)
        return err_errno(e, "cannot list %s", store_dir(s));
    while (!code && (entry = readdir(dir))) {
        if (!text_starts(entry->d_name, "labels-") || !text_ends(entry->d_name, ENDING))
            continue;
        char *path = path_join(store_dir(s), entry->d_name);
        code = take_file(s, path, n, e);
        free(path);
    }
    closedir(dir);
    return code;
}
