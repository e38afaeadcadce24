// Changes of runs by people, each with what was before it.
#include "config.h"

#include "store/run_edits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/run_db.h"
#include "store/store_internal.h"

enum { EDIT_HOLDS, EDIT_UNDONE, EDIT_OVER };
enum { MAX_NOTE = 4000 };

// ---- one change ----

static int refuse_live(const struct store *s, const struct run_info *run, const char *wish, struct err *e)
{
    char *dir = store_run_dir(s, run->name);
    struct run_reader *r = NULL;
    struct run_status status = {0};
    struct err ignored = {0}; // a damaged run.db is no reason to keep a run
    int code = 0;
    if (run_reader_open(&r, dir, &ignored) == 0 && run_reader_status(r, &status, &ignored) == 0 &&
        run_state_is_live(status.state))
        code = err_set(e, ERR_STATE, "run %s is %s and cannot be %s; stop it first", run->name, run_state_name(status.state),
                       wish);
    run_reader_close(r);
    free(dir);
    return code;
}

// The folder may be gone or there already, after a power cut or by a person's hand: the row follows it then.
static int set_trashed(struct store *s, struct moves *m, const struct run_info *run, bool trashed, struct err *e)
{
    char *kept = store_run_dir(s, run->name), *thrown = store_trash_dir(s, run->name), *trash = path_dir(thrown);
    const char *from = trashed ? kept : thrown, *to = trashed ? thrown : kept;
    int code = trashed ? refuse_live(s, run, "removed", e) : 0;
    if (!code && trashed)
        code = file_make_dirs(trash, e);
    if (!code && file_exists(from) && file_exists(to))
        code = err_set(e, ERR_STATE, "the folder %s is there already; move it away first", to);
    else if (!code && file_exists(from))
        code = moves_make(m, from, to, e);
    free(kept);
    free(thrown);
    free(trash);
    return code;
}

static const char *const columns[] = {
    [ATTRIBUTE_NOTE] = "note", [ATTRIBUTE_TAGS] = "tags", [ATTRIBUTE_PINNED] = "pinned",
    [ATTRIBUTE_ARCHIVED] = "hidden", [ATTRIBUTE_TRASHED] = "trashed_ms",
};

static const char *value_of(const struct run_info *run, enum run_attribute what)
{
    switch (what) {
    case ATTRIBUTE_NAME:
        return run->name;
    case ATTRIBUTE_NOTE:
        return run->note;
    case ATTRIBUTE_TAGS:
        return run->tags;
    case ATTRIBUTE_PINNED:
        return run->pinned ? "1" : "0";
    case ATTRIBUTE_ARCHIVED:
        return run->hidden ? "1" : "0";
    case ATTRIBUTE_TRASHED:
        return run->trashed_ms ? "1" : "0";
    }
    return "";
}

static int set_column(struct store *s, const struct run_info *run, enum run_attribute what, const char *value, struct err *e)
{
    char text[120];
    sqlite3_stmt *statement = NULL;
    snprintf(text, sizeof text, "UPDATE runs SET %s = ? WHERE id = ?", columns[what]);
    int code = sql_prepare(&s->sql, &statement, text, e);
    if (code)
        return code;
    if (what == ATTRIBUTE_TRASHED)
        sqlite3_bind_int64(statement, 1, *value == '1' ? clock_wall_ms() : 0);
    else
        sqlite3_bind_text(statement, 1, value, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, run->id);
    code = sql_step(&s->sql, statement, e);
    sqlite3_finalize(statement);
    return code;
}

static int apply(struct store *s, struct moves *m, const struct run_info *run, enum run_attribute what, const char *value,
                 struct err *e)
{
    int code = 0;
    if (what != ATTRIBUTE_TRASHED && run->trashed_ms)
        return err_set(e, ERR_STATE, "run %s is in the trash; \"attune remove --restore %s\" first", run->name, run->name);
    if (what == ATTRIBUTE_NOTE && strlen(value) > MAX_NOTE)
        return err_set(e, ERR_USAGE, "a note has at most %d bytes, this one %zu", MAX_NOTE, strlen(value));
    if (what == ATTRIBUTE_NAME) {
        code = refuse_live(s, run, "renamed", e);
        return code ? code : run_rename(s, m, run, value, e);
    }
    if (what == ATTRIBUTE_TRASHED)
        code = set_trashed(s, m, run, *value == '1', e);
    return code ? code : set_column(s, run, what, value, e);
}

// ---- acts ----

static int log_edit(struct store *s, int64_t *act, const struct run_info *run, enum run_attribute what, const char *after,
                    struct err *e)
{
    sqlite3_stmt *insert = NULL;
    int code = sql_prepare(&s->sql, &insert,
                           "INSERT INTO run_edits(act, at_ms, run, what, before, after) VALUES(?, ?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(insert, 1, *act);
    sqlite3_bind_int64(insert, 2, clock_wall_ms());
    sqlite3_bind_int64(insert, 3, run->id);
    sqlite3_bind_int(insert, 4, (int)what);
    sqlite3_bind_text(insert, 5, value_of(run, what), -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(insert, 6, after, -1, SQLITE_TRANSIENT);
    code = sql_step(&s->sql, insert, e);
    sqlite3_finalize(insert);
    return code;
}

static int end_act(struct store *s, struct moves *m, int code, struct err *e)
{
    if (code)
        sql_rollback(&s->sql);
    else
        code = sql_commit(&s->sql, e);
    moves_end(m, code != 0);
    return code;
}

int store_edit(struct store *s, const struct run_edit *edits, int n, struct err *e)
{
    struct moves m = {0};
    int64_t act = 0;
    int code = sql_begin(&s->sql, e);
    if (code)
        return code;
    code = sql_int(&s->sql, "SELECT coalesce(max(id), 0) + 1 FROM run_edits", &act, e);
    bool changed = false;
    for (int i = 0; i < n && !code; i++) {
        struct run_info run = {0};
        code = store_find_kept(s, edits[i].run, &run, e);
        if (!code && strcmp(value_of(&run, edits[i].what), edits[i].value) != 0) {
            changed = true;
            code = apply(s, &m, &run, edits[i].what, edits[i].value, e);
            if (!code)
                code = log_edit(s, &act, &run, edits[i].what, edits[i].value, e);
        }
        run_info_fini(&run);
    }
    if (!code && changed) // what was undone before cannot be done again on top of this
        code = sql_exec(&s->sql, "UPDATE run_edits SET state = 2 WHERE state = 1", e);
    return end_act(s, &m, code, e);
}

static void say(struct str *said, const struct run_info *run, enum run_attribute what, const char *value)
{
    static const char *const words[][2] = {
        [ATTRIBUTE_PINNED] = {"is not pinned", "is pinned"},
        [ATTRIBUTE_ARCHIVED] = {"is on the list", "is in the archive"},
        [ATTRIBUTE_TRASHED] = {"is out of the trash", "is in the trash"},
    };
    str_addf(said, "%s%s ", said->len ? "; " : "", run->name);
    if (what == ATTRIBUTE_NAME)
        str_addf(said, "is named %s", value);
    else if (what == ATTRIBUTE_NOTE || what == ATTRIBUTE_TAGS)
        str_addf(said, *value ? "has the %s \"%s\"" : "has no %s", what == ATTRIBUTE_NOTE ? "note" : "tags", value);
    else
        str_add(said, words[what][*value == '1']);
}

struct edit_row {
    int64_t run;
    enum run_attribute what;
    char *before, *after;
};

static int read_act(struct store *s, int64_t act, bool newest_first, struct edit_row **out, int *n, struct err *e)
{
    sqlite3_stmt *rows = NULL;
    int cap = 0;
    int code = sql_prepare(&s->sql, &rows,
                           newest_first ? "SELECT run, what, before, after FROM run_edits WHERE act = ? ORDER BY id DESC"
                                        : "SELECT run, what, before, after FROM run_edits WHERE act = ? ORDER BY id",
                           e);
    if (code)
        return code;
    sqlite3_bind_int64(rows, 1, act);
    while ((code = sql_step(&s->sql, rows, e)) > 0) {
        MEM_GROW(*out, *n, cap);
        (*out)[(*n)++] = (struct edit_row){sqlite3_column_int64(rows, 0), (enum run_attribute)sqlite3_column_int(rows, 1),
                                           sql_text(rows, 2), sql_text(rows, 3)};
    }
    sqlite3_finalize(rows);
    return code;
}

static int find_by_id(struct store *s, int64_t id, struct run_info *run, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(&s->sql, &row, "SELECT name FROM runs WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_int64(row, 1, id);
    code = sql_step(&s->sql, row, e);
    char *name = code > 0 ? sql_text(row, 0) : NULL;
    sqlite3_finalize(row);
    code = name       ? store_find_kept(s, name, run, e)
           : code < 0 ? code
                      : err_set(e, ERR_NOT_FOUND, "the run is not in the store");
    free(name);
    return code;
}

static int turn(struct store *s, struct moves *m, const struct edit_row *row, bool back, struct str *said, struct err *e)
{
    struct run_info run = {0};
    const char *from = back ? row->after : row->before, *to = back ? row->before : row->after;
    int code = find_by_id(s, row->run, &run, e);
    if (!code && strcmp(value_of(&run, row->what), from) != 0)
        code = err_set(e, ERR_STATE, "run %s was changed otherwise since", run.name);
    if (!code)
        code = apply(s, m, &run, row->what, to, e);
    if (!code)
        say(said, &run, row->what, to);
    run_info_fini(&run);
    return code;
}

static int turn_act(struct store *s, bool back, struct str *said, struct err *e)
{
    struct moves m = {0};
    struct edit_row *rows = NULL;
    int n = 0;
    int64_t act = 0;
    char text[100];
    int code = sql_begin(&s->sql, e);
    if (code)
        return code;
    code = sql_int(&s->sql, back ? "SELECT coalesce(max(act), 0) FROM run_edits WHERE state = 0"
                                 : "SELECT coalesce(min(act), 0) FROM run_edits WHERE state = 1", &act, e);
    if (!code && act == 0)
        code = err_set(e, ERR_NOT_FOUND,
                       back ? "there is no change of a run to undo" : "nothing was undone that could be done again");
    if (!code)
        code = read_act(s, act, back, &rows, &n, e);
    for (int i = 0; i < n && !code; i++)
        code = turn(s, &m, &rows[i], back, said, e);
    snprintf(text, sizeof text, "UPDATE run_edits SET state = %d WHERE act = %lld", back ? EDIT_UNDONE : EDIT_HOLDS,
             (long long)act);
    if (!code)
        code = sql_exec(&s->sql, text, e);
    for (int i = 0; i < n; i++) {
        free(rows[i].before);
        free(rows[i].after);
    }
    free(rows);
    return end_act(s, &m, code, e);
}

int store_undo(struct store *s, struct str *said, struct err *e)
{
    return turn_act(s, true, said, e);
}

int store_redo(struct store *s, struct str *said, struct err *e)
{
    return turn_act(s, false, said, e);
}
