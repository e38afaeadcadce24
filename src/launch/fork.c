// Forks: a new run that goes on from a checkpoint of another. The checkpoint is put into the new run's folder under its own
// step, so that the engine continues it as any run of its own, and the parent may remove its copy.
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launch/engine.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_db.h"
#include "store/run_edits.h"

enum { MAX_STATE_JSON = 16 << 20 };

// ---- the checkpoint ----

static int64_t step_of(const char *name)
{
    int64_t step;
    return text_starts(name, "step-") && text_to_i64(name + strlen("step-"), &step) && step >= 0 ? step : -1;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// The steps of whole checkpoints, ascending, on the heap.
static int64_t *list_steps(const char *checkpoints, int *n)
{
    int64_t *steps = NULL;
    int cap = 0;
    DIR *d = opendir(checkpoints);
    *n = 0;
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct str state = {0};
        str_addf(&state, "%s/%s/state.json", checkpoints, entry->d_name);
        if (step_of(entry->d_name) >= 0 && file_exists(str_text(&state))) {
            MEM_GROW(steps, *n, cap);
            steps[(*n)++] = step_of(entry->d_name);
        }
        str_fini(&state);
    }
    if (d)
        closedir(d);
    if (*n > 1)
        qsort(steps, (size_t)*n, sizeof *steps, by_number);
    return steps;
}

static int find_step(const char *run, const char *run_dir, int64_t at, int64_t *step, struct err *e)
{
    char *checkpoints = path_join(run_dir, "checkpoints");
    int n, code = 0;
    int64_t *steps = list_steps(checkpoints, &n);
    *step = -1;
    for (int i = 0; i < n; i++)
        if (at < 0 || steps[i] <= at)
            *step = steps[i];
    if (n == 0)
        code =
            err_set(e, ERR_NOT_FOUND,
                    "%s has no checkpoint yet to fork from; \"attune checkpoint %s\" writes one while it runs", run, run);
    else if (*step < 0)
        code = err_set(e, ERR_NOT_FOUND,
                       "%s has no checkpoint at or before step %lld: those that are kept begin at step %lld (more are "
                       "kept with a smaller save-every and a larger keep)",
                       run, (long long)at, (long long)steps[0]);
    free(steps);
    free(checkpoints);
    return code;
}

static int copy_file(const char *from, const char *to, struct err *e)
{
    char block[65536];
    struct file_out *out;
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot read %s", from);
    int code = file_out_open(&out, to, e);
    ssize_t got = 0;
    while (!code && (got = read(fd, block, sizeof block)) > 0)
        if ((code = file_out_write(out, block, (size_t)got, e)))
            file_out_abort(out);
    if (!code && got < 0) {
        code = err_errno(e, "cannot read %s", from);
        file_out_abort(out);
    } else if (!code) {
        code = file_out_commit(out, e);
    }
    close(fd);
    return code;
}

// A second name for each file: nothing writes into the files of a checkpoint, they are only replaced. Where the file system
// has no such names they are copied.
static int link_tree(const char *from, const char *to, struct err *e)
{
    DIR *d = opendir(from);
    int code = d ? file_make_dirs(to, e) : err_errno(e, "cannot read the checkpoint %s", from);
    for (struct dirent *entry; !code && (entry = readdir(d));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *a = path_join(from, entry->d_name), *b = path_join(to, entry->d_name);
        if (file_is_dir(a))
            code = link_tree(a, b, e);
        else if (link(a, b) < 0)
            code = errno == ENOENT ? err_errno(e, "the checkpoint %s is being removed", from) : copy_file(a, b, e);
        free(a);
        free(b);
    }
    if (d)
        closedir(d);
    return code ? code : file_sync_dir(to, e);
}

// ---- the settings ----

static const struct param *find_row(const struct param *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

// Those in force at the checkpoint that the objective has as well, with the changes over them.
static int merge_settings(const struct engine_description *d, const struct engine_objective *o, const json_t *then,
                          const json_t *changes, json_t **all, struct err *e)
{
    const struct param *const tables[] = {d->params, o->params, NULL};
    struct settings settings;
    json_t *kept = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)then, name, value)
        if (!json_is_null(value) && (find_row(d->params, name) || find_row(o->params, name)))
            json_object_set(kept, name, value);
    settings_init(&settings, tables);
    int code = settings_from_json(&settings, kept, e);
    json_object_foreach((json_t *)changes, name, value) {
        json_t *one = json_pack("{s:O}", name, value);
        if (!code)
            code = json_is_string(value) ? settings_set(&settings, name, json_string_value(value), e)
                                         : settings_from_json(&settings, one, e);
        json_decref(one);
    }
    if (!code)
        code = settings_check_required(&settings, e);
    if (!code) {
        engine_resolve_paths(&settings);
        *all = settings_to_json(&settings, true);
    }
    settings_fini(&settings);
    json_decref(kept);
    return code;
}

static int64_t whole_setting(const json_t *all, const char *name)
{
    return json_integer_value(json_object_get(all, name));
}

// How many steps the fork will have made at its end, as far as that is known here; else 0.
static int64_t planned_steps(const char *run_dir, const json_t *then, const json_t *all)
{
    static const char *const counted_by[] = {"epochs", "batch-size", "data", "max-rows", "eval-share", "eval-data"};
    struct run_reader *r = NULL;
    struct run_status status = {0};
    if (whole_setting(all, "steps") > 0)
        return whole_setting(all, "steps");
    for (size_t i = 0; i < sizeof counted_by / sizeof *counted_by; i++) {
        const json_t *a = json_object_get(then, counted_by[i]), *b = json_object_get(all, counted_by[i]);
        if (a && b && !json_equal(a, b))
            return 0;
    }
    if (whole_setting(then, "steps") == 0 && run_reader_open(&r, run_dir, NULL) == 0)
        run_reader_status(r, &status, NULL);
    run_reader_close(r);
    return status.total_steps;
}

// What the weights and moments that a fork goes on with are made of.
static int check_fixed(const json_t *then, const json_t *all, struct err *e)
{
    static const char *const fixed[] = {"model", "tokenizer", "adapter", "lora-rank", "lora-alpha", "lora-targets",
                                        "base-precision"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const json_t *a = json_object_get(then, fixed[i]), *b = json_object_get(all, fixed[i]);
        const bool same =
            json_is_number(a) && json_is_number(b) ? json_number_value(a) == json_number_value(b) : json_equal(a, b);
        if (a && b && !same)
            return err_set(e, ERR_USAGE, "%s cannot be changed in a fork: it goes on with weights that are made with it; "
                           "\"attune train --model\" starts anew from a checkpoint's folder", fixed[i]);
    }
    return 0;
}

static int check_possible(const char *run, const char *run_dir, int64_t step, const json_t *then, const json_t *all,
                          struct err *e)
{
    const char *feedback = json_string_value(json_object_get(all, "feedback"));
    const int64_t planned = planned_steps(run_dir, then, all);
    if (feedback && strcmp(feedback, "person") == 0)
        return err_set(e, ERR_UNSUPPORTED,
                       "%s learns from people's judgements of its own pairs, which a fork does not have: only "
                       "runs with another feedback can be forked",
                       run);
    if (whole_setting(all, "stages") > 1)
        return err_set(e, ERR_UNSUPPORTED,
                       "a run in stages cannot be forked: each stage's reference belongs to its own run");
    if (planned > 0 && step >= planned)
        return err_set(e, ERR_STATE,
                       "nothing is left to train after step %lld of %lld: fork %s at an earlier checkpoint, or give "
                       "more steps, such as steps=%lld",
                       (long long)step, (long long)planned, run, (long long)(2 * planned));
    return 0;
}

// What engine_fork gathers before there is a run.
struct fork {
    struct run_info parent;
    char *parent_dir, *checkpoint;
    int64_t step;
    json_t *state;     // the checkpoint's state.json
    struct engine_description *description;
    const struct engine_objective *objective;
    json_t *settings;
};

static void fork_fini(struct fork *f)
{
    run_info_fini(&f->parent);
    free(f->parent_dir);
    free(f->checkpoint);
    json_decref(f->state);
    json_decref(f->settings);
    engine_description_free(f->description);
}

static int find_objective(struct fork *f, const char *name, struct err *e)
{
    const char *wanted = name && *name ? name : f->parent.objective;
    f->objective = engine_find_objective(f->description, wanted);
    if (f->objective && !f->objective->of_runs)
        return 0;
    if (f->objective && name && *name)
        return err_set(e, ERR_UNSUPPORTED, "%.60s trains several runs: none can go on as that", name);
    if (name && *name)
        return err_set(e, ERR_USAGE, "there is no objective \"%.60s\"; \"attune objectives\" lists what there is", name);
    return err_set(e, ERR_UNSUPPORTED, "%s is a %.60s of several runs: fork one of these", f->parent.name,
                   f->parent.objective);
}

static int gather(struct fork *f, struct store *s, const struct fork_request *q, struct err *e)
{
    int code = store_find_run(s, q->run, &f->parent, e);
    if (code)
        return code;
    f->parent_dir = store_run_dir(s, f->parent.name);
    code = engine_describe(&f->description, e);
    if (!code)
        code = find_objective(f, q->objective, e);
    if (!code)
        code = find_step(f->parent.name, f->parent_dir, q->at, &f->step, e);
    if (code)
        return code;
    struct str folder = {0}, path = {0};
    str_addf(&folder, "%s/checkpoints/step-%lld", f->parent_dir, (long long)f->step);
    str_addf(&path, "%s/state.json", str_text(&folder));
    f->checkpoint = str_take(&folder);
    code = json_read(str_text(&path), MAX_STATE_JSON, &f->state, e);
    str_fini(&path);
    const json_t *then = json_object_get(f->state, "settings");
    // A fork's first checkpoint has its parent's settings.
    if (f->parent.parent_name && f->parent.parent_step == f->step)
        then = f->parent.settings;
    if (!code)
        code = merge_settings(f->description, f->objective, then, q->changes, &f->settings, e);
    if (!code)
        code = check_fixed(then, f->settings, e);
    if (!code)
        code = check_possible(f->parent.name, f->parent_dir, f->step, then, f->settings, e);
    return code ? code : engine_check_run(f->objective->name, f->settings, NULL, e);
}

static const char *text_setting(const json_t *all, const char *name)
{
    const char *text = json_string_value(json_object_get(all, name));
    return text ? text : "";
}

#define LINKS ".fork-"

// What forks have left that were killed in between: none takes an hour.
static void remove_leftovers(const char *runs)
{
    DIR *d = opendir(runs);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        struct stat st;
        char *path = path_join(runs, entry->d_name);
        if (text_starts(entry->d_name, LINKS) && stat(path, &st) == 0 && st.st_mtime < time(NULL) - 3600)
            file_remove_tree(path, NULL);
        free(path);
    }
    if (d)
        closedir(d);
}

// The links are made beside the runs' folders, and moved when there is a run: between the two nothing long happens.
static int add(struct store *s, const struct fork *f, const char *name, char **name_out, struct err *e)
{
    struct str links = {0}, to = {0};
    char *made = NULL;
    static atomic_int n_forks; // of this process, whose threads may fork at the same time
    str_addf(&links, "%s/runs", store_dir(s));
    remove_leftovers(str_text(&links));
    str_addf(&links, "/" LINKS "%ld-%d", (long)getpid(), atomic_fetch_add(&n_forks, 1));
    int code = file_remove_tree(str_text(&links), e); // of a process that had this number
    if (!code)
        code = link_tree(f->checkpoint, str_text(&links), e);
    if (!code)
        code = store_add_fork(s, name, f->objective->name, text_setting(f->settings, "model"),
                              text_setting(f->settings, "data"), f->settings, f->parent.name, f->step, &made, e);
    if (!code) {
        char *dir = store_run_dir(s, made);
        str_addf(&to, "%s/checkpoints", dir);
        code = file_make_dirs(str_text(&to), e);
        str_addf(&to, "/step-%lld", (long long)f->step);
        if (!code && rename(str_text(&links), str_text(&to)) < 0)
            code = err_errno(e, "cannot move the checkpoint to %s", str_text(&to));
        if (code)
            store_edit(s, &(struct run_edit){made, ATTRIBUTE_TRASHED, "1"}, 1, NULL);
        free(dir);
    }
    if (code) {
        file_remove_tree(str_text(&links), NULL);
        free(made);
    } else {
        *name_out = made;
    }
    str_fini(&links);
    str_fini(&to);
    return code;
}

int engine_fork(struct store *s, const struct fork_request *q, char **name_out, int64_t *step, struct err *e)
{
    struct fork f = {0};
    int code = gather(&f, s, q, e);
    if (!code)
        code = add(s, &f, q->name, name_out, e);
    *step = f.step;
    fork_fini(&f);
    return code;
}
