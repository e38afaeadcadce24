// Event files hold no more than scalars and settings: an imported run has curves, tables and a place beside others, and
// no checkpoint that could be sampled or gone on with. It is done from the beginning.
#include "config.h"

#include "export/import.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "export/tfevents_read.h"
#include "store/names.h"
#include "store/run_db.h"
#include "store/run_edits.h"

enum { MOST_DEPTH = 8, MOST_RUNS = 1000, MOST_TAGS = 20000 };

struct point {
    int64_t step;
    double value;
    int tag;
};
struct found { // a folder with event files
    char *dir, *name;
    char **files; // in the order of their names, which begin with the time
    int n_files, cap_files;
    char **tags;
    int n_tags, cap_tags, last_tag;
    struct point *points;
    size_t n_points, cap_points;
    int64_t last_step;
    double first_s, last_s;
    json_t *settings;
};
struct search {
    struct found **runs;
    int n, cap;
};

static void found_free(struct found *f)
{
    for (int i = 0; i < f->n_files; i++)
        free(f->files[i]);
    for (int i = 0; i < f->n_tags; i++)
        free(f->tags[i]);
    free(f->files);
    free(f->tags);
    free(f->points);
    free(f->dir);
    free(f->name);
    json_decref(f->settings);
    free(f);
}

void imported_fini(struct imported *i)
{
    for (int k = 0; k < i->n; k++)
        free(i->names[k]);
    free(i->names);
    *i = (struct imported){0};
}

// ---- looking for them ----

// "logs/dpo beta 0.1" is called "dpo-beta-0.1"; below the given folder names are joined by a dot.
static char *name_of(const char *prefix, const char *dir)
{
    struct str s = {0};
    const char *end = dir + strlen(dir);
    while (end > dir + 1 && end[-1] == '/')
        end--;
    const char *from = end;
    while (from > dir && from[-1] != '/')
        from--;
    if (prefix)
        str_addf(&s, "%s.", prefix);
    for (; from < end && s.len < RUN_NAME_MAX; from++) {
        const bool fits = isalnum((unsigned char)*from) || (s.len > 0 && strchr("-_.", *from));
        if (fits || s.len > 0)
            str_addc(&s, fits ? *from : '-');
    }
    if (s.len == 0)
        str_add(&s, "imported");
    return str_take(&s);
}

static int look_in(struct search *search, const char *dir, const char *name, const char *prefix, int depth,
                   struct err *e)
{
    struct dirent **entries = NULL;
    const int n = scandir(dir, &entries, NULL, alphasort);
    struct found *f = NULL;
    int code = n < 0 ? err_errno(e, "cannot read the folder %s", dir) : 0;
    for (int i = 0; i < n; i++) {
        const char *entry = entries[i]->d_name;
        char *path = path_join(dir, entry);
        struct stat st;
        if (!code && entry[0] != '.' && stat(path, &st) == 0) {
            if (S_ISREG(st.st_mode) && strstr(entry, "tfevents")) {
                if (!f) {
                    f = mem_alloc(1, sizeof *f);
                    *f = (struct found){.dir = mem_strdup(dir),
                                        .name = mem_strdup(name),
                                        .settings = json_object(),
                                        .first_s = NAN,
                                        .last_s = NAN};
                    MEM_GROW(search->runs, search->n, search->cap);
                    search->runs[search->n++] = f;
                }
                MEM_GROW(f->files, f->n_files, f->cap_files);
                f->files[f->n_files++] = mem_strdup(path);
            } else if (S_ISDIR(st.st_mode) && depth < MOST_DEPTH) {
                char *below = name_of(prefix, path);
                code = look_in(search, path, below, below, depth + 1, e);
                free(below);
            }
        }
        if (!code && search->n > MOST_RUNS)
            code = err_set(e, ERR_LIMIT, "%s has event files in more than %d folders; import some of them", dir,
                           MOST_RUNS);
        free(path);
        free(entries[i]);
    }
    free(entries);
    return code;
}

// ---- reading ----

static int tag_number(struct found *f, const char *tag, struct err *e)
{
    // Writers go round the same tags in the same order.
    for (int i = 0; i < f->n_tags; i++) {
        const int at = (f->last_tag + 1 + i) % f->n_tags;
        if (strcmp(f->tags[at], tag) == 0)
            return f->last_tag = at;
    }
    if (f->n_tags == MOST_TAGS)
        return err_set(e, ERR_LIMIT, "%s has more than %d tags", f->dir, MOST_TAGS);
    MEM_GROW(f->tags, f->n_tags, f->cap_tags);
    f->tags[f->n_tags] = mem_strdup(tag);
    return f->last_tag = f->n_tags++;
}

static int take_scalar(void *arg, const char *tag, int64_t step, double wall_s, double value, struct err *e)
{
    struct found *f = arg;
    const int number = tag_number(f, tag, e);
    if (number < 0)
        return number;
    if (f->n_points == f->cap_points) {
        f->cap_points = f->cap_points ? 2 * f->cap_points : 1024;
        f->points = mem_realloc(f->points, f->cap_points, sizeof *f->points);
    }
    f->points[f->n_points++] = (struct point){step, value, number};
    f->last_step = step > f->last_step ? step : f->last_step;
    if (isfinite(wall_s) && wall_s > 0 && wall_s < 1e11) {
        f->first_s = !(f->first_s < wall_s) ? wall_s : f->first_s;
        f->last_s = !(f->last_s > wall_s) ? wall_s : f->last_s;
    }
    return 0;
}

static int read_run(struct found *f, struct err *e)
{
    const struct tfevents_sink sink = {take_scalar, f, f->settings};
    int code = 0;
    for (int i = 0; i < f->n_files && !code; i++)
        code = tfevents_read(f->files[i], &sink, e);
    return code;
}

// ---- writing ----

static int write_points(struct run_writer *w, const struct found *f, struct err *e)
{
    int code = run_writer_begin(w, e);
    for (size_t i = 0; i < f->n_points && !code; i++)
        code = run_writer_metric(w, f->tags[f->points[i].tag], f->points[i].step, f->points[i].value, e);
    const int64_t now_ms = clock_wall_ms();
    struct run_status status = {.state = RUN_DONE,
                                .step = f->last_step,
                                .total_steps = f->last_step,
                                .heartbeat_ms = now_ms,
                                .started_ms = isnan(f->first_s) ? now_ms : (int64_t)(f->first_s * 1000),
                                .ended_ms = isnan(f->last_s) ? now_ms : (int64_t)(f->last_s * 1000)};
    struct str text = {0};
    str_addf(&text, "imported from %s: %d %s, %zu points of %d metrics", f->dir, f->n_files,
             text_plural(f->n_files, "event file", "event files"), f->n_points, f->n_tags);
    if (!code)
        code = run_writer_event(w, now_ms, 0, "info", "import", str_text(&text), e);
    if (!code)
        code = run_writer_status(w, &status, e);
    str_fini(&text);
    const int committed = run_writer_commit(w, code ? NULL : e);
    return code ? code : committed;
}

static const char *setting(const struct found *f, const char *name, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(f->settings, name));
    return text && *text ? text : otherwise;
}

// What is half written goes.
static void forget(struct store *s, const char *name)
{
    int64_t bytes;
    const struct run_edit edit = {name, ATTRIBUTE_TRASHED, "1"};
    if (store_edit(s, &edit, 1, NULL) == 0)
        store_purge(s, name, &bytes, NULL);
}

static int write_run(struct store *s, struct found *f, char **name, struct err *e)
{
    struct run_writer *w = NULL;
    int code = store_add_run(s, f->name, setting(f, "objective", "imported"), setting(f, "model", ""),
                             setting(f, "data", ""), f->settings, name, e);
    if (code)
        return code;
    char *dir = store_run_dir(s, *name);
    code = run_writer_open(&w, dir, e);
    if (!code)
        code = write_points(w, f, e);
    run_writer_close(w);
    free(dir);
    if (code)
        forget(s, *name);
    return code;
}

static int check_names(struct store *s, const struct search *all, struct err *e)
{
    for (int i = 0; i < all->n; i++) {
        struct run_info info = {0};
        const char *name = all->runs[i]->name;
        const int code = run_name_check(name, e);
        if (code)
            return code;
        if (store_find_run(s, name, &info, NULL) == 0) {
            run_info_fini(&info);
            return err_set(e, ERR_STATE,
                           "there is a run %s already; --name gives another name, \"attune remove %s\" makes room",
                           name, name);
        }
        for (int k = 0; k < i; k++)
            if (strcmp(all->runs[k]->name, name) == 0)
                return err_set(e, ERR_STATE, "%s and %s would both be called %s; import one of them with --name",
                               all->runs[k]->dir, all->runs[i]->dir, name);
    }
    return 0;
}

int import_tensorboard(struct store *s, const char *dir, const char *name, struct imported *out, struct err *e)
{
    struct search all = {0};
    char *top = name_of(NULL, dir);
    *out = (struct imported){0};
    int code = look_in(&all, dir, top, NULL, 0, e);
    if (!code && all.n == 0)
        code = err_set(e, ERR_NOT_FOUND, "there is no event file (*tfevents*) in %s or below it", dir);
    if (!code && name && all.n > 1)
        code = err_set(e, ERR_USAGE,
                       "%s has %d runs, which cannot all be called %s; leave --name out, or name one of their folders",
                       dir, all.n, name);
    if (!code && name) {
        free(all.runs[0]->name);
        all.runs[0]->name = mem_strdup(name);
    }
    if (!code)
        code = check_names(s, &all, e);
    for (int i = 0; i < all.n && !code; i++) {
        code = read_run(all.runs[i], e);
        if (!code && all.runs[i]->n_points == 0)
            code = err_set(e, ERR_INPUT, "the event files in %s hold no scalars", all.runs[i]->dir);
    }
    out->names = mem_alloc((size_t)all.n + 1, sizeof *out->names);
    for (int i = 0; i < all.n && !code; i++) {
        char *made = NULL;
        code = write_run(s, all.runs[i], &made, e);
        if (code) {
            free(made);
            break;
        }
        out->names[out->n++] = made;
        out->n_points += (int64_t)all.runs[i]->n_points;
    }
    for (int i = 0; i < all.n; i++)
        found_free(all.runs[i]);
    free(all.runs);
    free(top);
    return code;
}
