// Runs in attune.db: what people started, with which settings.
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"
#include "store/store_internal.h"

bool run_info_is_experiment(const struct run_info *r)
{
    return json_is_object(json_object_get(r->settings, "plan"));
}

void run_info_fini(struct run_info *r)
{
    free(r->name);
    free(r->objective);
    free(r->model);
    free(r->data);
    free(r->note);
    free(r->parent_name);
    free(r->tags);
    json_decref(r->settings);
    *r = (struct run_info){0};
}

void run_infos_free(struct run_info *runs, int n)
{
    for (int i = 0; i < n; i++)
        run_info_fini(&runs[i]);
    free(runs);
}

enum { COLUMN_TRASHED = 14 };
static const char columns[] = "SELECT id, name, objective, model, data, settings, created_ms, note, hidden, parent, "
                              "parent_step, (SELECT p.name FROM runs p WHERE p.id = runs.parent), tags, pinned, "
                              "trashed_ms FROM runs ";

static int read_row(struct store *s, sqlite3_stmt *row, struct run_info *out, struct err *e)
{
    const char *settings = (const char *)sqlite3_column_text(row, 5);
    struct str where = {.max = 300};
    str_addf(&where, "%s, settings of run %s", s->sql.path, (const char *)sqlite3_column_text(row, 1));
    json_t *parsed = NULL;
    int code = json_parse(settings ? settings : "", settings ? strlen(settings) : 0, str_text(&where), &parsed, e);
    str_fini(&where);
    if (code)
        return code;
    *out = (struct run_info){
        .id = sqlite3_column_int64(row, 0),
        .name = sql_text(row, 1),
        .objective = sql_text(row, 2),
        .model = sql_text(row, 3),
        .data = sql_text(row, 4),
        .settings = parsed,
        .created_ms = sqlite3_column_int64(row, 6),
        .note = sql_text(row, 7),
        .hidden = sqlite3_column_int(row, 8) != 0,
        .parent = sqlite3_column_int64(row, 9),
        .parent_step = sqlite3_column_int64(row, 10),
        .parent_name = sqlite3_column_type(row, 11) == SQLITE_NULL ? NULL : sql_text(row, 11),
        .tags = sql_text(row, 12),
        .pinned = sqlite3_column_int(row, 13) != 0,
        .trashed_ms = sqlite3_column_int64(row, COLUMN_TRASHED),
    };
    return 0;
}

// A run in the trash is there whether it came from the list or from the archive. What was emptied from the trash has no name
// that a run may have (run_trash.c).
static const char *const shelf_rules[] = {
    [SHELF_LIST] = "hidden = 0 AND trashed_ms = 0", [SHELF_ARCHIVE] = "hidden = 1 AND trashed_ms = 0",
    [SHELF_TRASH] = "trashed_ms > 0 AND instr(name, ':') = 0",
};

int store_runs_on(struct store *s, enum run_shelf shelf, struct run_info **out, int *n, struct err *e)
{
    static_assert(sizeof columns < 330, "the text below holds the columns");
    char text[420];
    snprintf(text, sizeof text, "%sWHERE %s ORDER BY id", columns, shelf_rules[shelf]);
    int code = sql_prepare(&s->sql, &s->list[shelf], text, e);
    if (code)
        return code;
    sqlite3_stmt *list = s->list[shelf];
    struct run_info *runs = NULL;
    int n_runs = 0, cap = 0;
    while ((code = sql_step(&s->sql, list, e)) > 0) {
        MEM_GROW(runs, n_runs, cap);
        code = read_row(s, list, &runs[n_runs], e);
        if (code)
            break;
        n_runs++;
    }
    sqlite3_reset(list);
    if (code) {
        run_infos_free(runs, n_runs);
        return code;
    }
    *out = runs;
    *n = n_runs;
    return 0;
}

int store_runs(struct store *s, struct run_info **out, int *n, struct err *e)
{
    return store_runs_on(s, SHELF_LIST, out, n, e);
}

static int not_found(struct store *s, const char *name, struct err *e)
{
    struct run_info *runs = NULL;
    int n = 0;
    struct str near = {.max = 400}, shown = {.max = 200};
    size_t least = 3;
    str_add_visible(&shown, name, strlen(name), false);
    if (store_runs(s, &runs, &n, NULL) == 0) {
        for (int i = 0; i < n; i++) {
            size_t d = text_distance(name, runs[i].name);
            if (d < least) {
                least = d;
                str_clear(&near);
                str_addf(&near, "; did you mean %s?", runs[i].name);
            }
        }
        if (!near.len && n == 0)
            str_add(&near, "; there are no runs in this project yet");
        else if (!near.len)
            str_add(&near, "; \"attune runs\" lists them");
        run_infos_free(runs, n);
    }
    err_set(e, ERR_NOT_FOUND, "there is no run \"%s\" in %s%s", str_text(&shown), s->dir, str_text(&near));
    str_fini(&near);
    str_fini(&shown);
    return ERR_NOT_FOUND;
}

static int find_row(struct store *s, const char *name, struct err *e)
{
    char text[420];
    snprintf(text, sizeof text, "%sWHERE name = ?", columns);
    int code = sql_prepare(&s->sql, &s->find, text, e);
    if (code)
        return code;
    sqlite3_bind_text(s->find, 1, name, -1, SQLITE_TRANSIENT);
    code = sql_step(&s->sql, s->find, e);
    return code == 0 ? not_found(s, name, e) : code;
}

int store_find_run(struct store *s, const char *name, struct run_info *out, struct err *e)
{
    int code = find_row(s, name, e);
    if (code < 0)
        return code;
    if (sqlite3_column_int64(s->find, COLUMN_TRASHED) > 0)
        code = err_set(e, ERR_NOT_FOUND, "run %s is in the trash; \"attune remove --restore %s\" brings it back", name,
                       name);
    else
        code = read_row(s, s->find, out, e);
    sqlite3_reset(s->find);
    return code;
}

int store_find_kept(struct store *s, const char *name, struct run_info *out, struct err *e)
{
    int code = find_row(s, name, e);
    if (code < 0)
        return code;
    code = read_row(s, s->find, out, e);
    sqlite3_reset(s->find);
    return code;
}

int store_run_id(struct store *s, const char *name, int64_t *id, struct err *e)
{
    int code = find_row(s, name, e);
    if (code < 0)
        return code;
    *id = sqlite3_column_int64(s->find, 0);
    sqlite3_reset(s->find);
    return 0;
}

static bool name_is_taken(struct store *s, const char *name)
{
    char *dir = store_run_dir(s, name);
    struct err ignored;
    bool taken = file_exists(dir);
    free(dir);
    if (taken)
        return true;
    int code = find_row(s, name, &ignored);
    if (s->find)
        sqlite3_reset(s->find);
    return code > 0;
}

// "dpo-1", "dpo-2", ...: the first that is neither in the store nor a folder.
static char *free_name(struct store *s, const char *objective)
{
    for (int i = 1;; i++) {
        struct str name = {0};
        str_addf(&name, "%s-%d", objective, i);
        if (!name_is_taken(s, str_text(&name)))
            return str_take(&name);
        str_fini(&name);
    }
}

static int insert_run(struct store *s, const struct run_info *run, struct err *e)
{
    sqlite3_stmt *insert = NULL;
    int code = sql_prepare(&s->sql, &insert,
                           "INSERT INTO runs(name, objective, model, data, settings, created_ms, parent, parent_step)"
                           " VALUES(?, ?, ?, ?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    char *settings = run->settings ? json_dumps(run->settings, JSON_COMPACT) : mem_strdup("{}");
    BUG_IF(!settings);
    const char *texts[] = {run->name, run->objective, run->model, run->data, settings};
    for (int i = 0; i < 5; i++)
        sqlite3_bind_text(insert, i + 1, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 6, run->created_ms);
    if (run->parent) {
        sqlite3_bind_int64(insert, 7, run->parent);
        sqlite3_bind_int64(insert, 8, run->parent_step);
    }
    code = sql_step(&s->sql, insert, e);
    sqlite3_finalize(insert);
    free(settings);
    return code;
}

// The folder of a new run. One that is empty may be left from a crash before the commit: it is taken over.
static int make_run_folder(const char *dir, const char *name, struct err *e)
{
    if (mkdir(dir, 0777) == 0)
        return 0;
    if (errno != EEXIST)
        return err_errno(e, "cannot make the folder %s", dir);
    if (rmdir(dir) == 0 && mkdir(dir, 0777) == 0)
        return 0;
    return err_set(e, ERR_STATE, "the folder %s exists already and is not empty; choose another name than %s", dir, name);
}

// parent NULL: a run that begins at step 0.
static int add_run(struct store *s, const char *name, const char *called_after, struct run_info *run, const char *parent,
                   char **name_out, struct err *e)
{
    int code = run_name_check(called_after, e);
    if (!code && name && *name)
        code = run_name_check(name, e);
    if (code)
        return code;
    char *runs = path_join(s->dir, "runs");
    code = file_make_dirs(runs, e);
    free(runs);
    if (!code)
        code = sql_begin(&s->sql, e);
    if (code)
        return code;
    char *own = NULL, *dir = NULL;
    if (name && *name) {
        struct err ignored;
        own = mem_strdup(name);
        if (find_row(s, name, &ignored) > 0)
            code = err_set(e, ERR_STATE, "there is a run %s already%s; choose another --name",
                           (const char *)sqlite3_column_text(s->find, 1),
                           sqlite3_column_int64(s->find, COLUMN_TRASHED)
                               ? " in the trash (\"attune remove --purge\" frees its name)"
                           : sqlite3_column_int(s->find, 8) ? " in the archive"
                                                            : "");
        if (s->find)
            sqlite3_reset(s->find);
    } else {
        own = free_name(s, called_after);
    }
    if (!code && parent)
        code = store_run_id(s, parent, &run->parent, e);
    if (!code) {
        dir = store_run_dir(s, own);
        run->name = own;
        run->created_ms = clock_wall_ms();
        code = insert_run(s, run, e);
    }
    bool made = false;
    if (!code) {
        code = make_run_folder(dir, own, e);
        made = code == 0;
    }
    if (!code)
        code = sql_commit(&s->sql, e);
    if (code) {
        sql_rollback(&s->sql);
        if (made)
            rmdir(dir);
        free(own);
    } else {
        *name_out = own;
    }
    free(dir);
    return code;
}

int store_add_run(struct store *s, const char *name, const char *objective, const char *model, const char *data,
                  const json_t *settings, char **name_out, struct err *e)
{
    struct run_info run = {.objective = (char *)objective, .model = (char *)model, .data = (char *)data,
                           .settings = (json_t *)settings};
    int code = run_name_check(objective, e);
    return code ? code : add_run(s, name, objective, &run, NULL, name_out, e);
}

int store_add_fork(struct store *s, const char *name, const char *objective, const char *model, const char *data,
                   const json_t *settings, const char *parent, int64_t step, char **name_out, struct err *e)
{
    struct run_info run = {.objective = (char *)objective, .model = (char *)model, .data = (char *)data,
                           .settings = (json_t *)settings, .parent_step = step};
    struct str called = {0};
    str_addf(&called, "%s-fork", parent);
    int code = run_name_check(objective, e);
    if (!code)
        code = add_run(s, name, name && *name ? objective : str_text(&called), &run, parent, name_out, e);
    str_fini(&called);
    return code;
}

// An UPDATE of one column of one run.
static int update(struct store *s, const char *name, const char *text, const char *value, int number, struct err *e)
{
    int64_t id;
    sqlite3_stmt *statement = NULL;
    int code = sql_begin(&s->sql, e);
    if (code)
        return code;
    code = store_run_id(s, name, &id, e);
    if (!code)
        code = sql_prepare(&s->sql, &statement, text, e);
    if (!code) {
        if (value)
            sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int(statement, 1, number);
        sqlite3_bind_int64(statement, 2, id);
        code = sql_step(&s->sql, statement, e);
    }
    sqlite3_finalize(statement);
    if (code) {
        sql_rollback(&s->sql);
        return code;
    }
    return sql_commit(&s->sql, e);
}

int store_update_settings(struct store *s, const char *name, const json_t *settings, struct err *e)
{
    char *text = json_dumps(settings, JSON_COMPACT);
    if (!json_is_object(settings) || !text) {
        free(text);
        return err_set(e, ERR_USAGE, "the settings of run %s must be an object", name);
    }
    int code = update(s, name, "UPDATE runs SET settings = ? WHERE id = ?", text, 0, e);
    free(text);
    return code;
}

int store_set_note(struct store *s, const char *name, const char *note, struct err *e)
{
    return update(s, name, "UPDATE runs SET note = ? WHERE id = ?", note, 0, e);
}
