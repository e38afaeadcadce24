// A run's other name: its row, its folder, and what other runs say of its files. Settings in the store are rewritten. Files
// of checkpoints are not, since their hashes say what they are (an adapter names its base model): where another run reads
// this one, the old name stays beside it as a link to the new one.
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/names.h"
#include "store/run_edits.h"
#include "store/store_internal.h"

// The text with `to` in the place of its beginning `from`, which a / or the end follows; NULL where it is another path.
static char *moved(const char *text, const char *from, const char *to)
{
    size_t n = strlen(from);
    struct str s = {0};
    if (!text || strncmp(text, from, n) != 0 || (text[n] && text[n] != '/'))
        return NULL;
    str_addf(&s, "%s%s", to, text + n);
    return str_take(&s);
}

// Returns how many texts were changed, inside of lists and objects also.
static int move_json(json_t *value, const char *from, const char *to)
{
    const char *key;
    json_t *member;
    size_t i;
    int n = 0;
    char *text = moved(json_string_value(value), from, to);
    if (text) {
        json_string_set(value, text);
        free(text);
        return 1;
    }
    json_object_foreach(value, key, member)
        n += move_json(member, from, to);
    json_array_foreach(value, i, member)
        n += move_json(member, from, to);
    return n;
}

static int find_readers(struct store *s, const char *dir, sqlite3_stmt **rows, struct err *e)
{
    int code = sql_prepare(&s->sql, rows, "SELECT id, name, model, data, settings FROM runs WHERE instr(settings, ?1) > 0 "
                                          "OR instr(model, ?1) > 0 OR instr(data, ?1) > 0 ORDER BY id", e);
    if (!code)
        sqlite3_bind_text(*rows, 1, dir, -1, SQLITE_TRANSIENT);
    return code;
}

static int move_row(struct store *s, sqlite3_stmt *row, const char *from, const char *to, int *n_moved, struct err *e)
{
    sqlite3_stmt *update = NULL;
    const char *text = (const char *)sqlite3_column_text(row, 4);
    char *model = sql_text(row, 2), *data = sql_text(row, 3), *other[2] = {moved(model, from, to), moved(data, from, to)};
    json_t *settings = json_loads(text ? text : "", 0, NULL);
    int n = (other[0] != NULL) + (other[1] != NULL) + (settings ? move_json(settings, from, to) : 0), code = 0;
    char *written = settings ? json_dumps(settings, JSON_COMPACT) : NULL;
    if (n > 0 && written &&
        (code = sql_prepare(&s->sql, &update, "UPDATE runs SET model = ?, data = ?, settings = ? WHERE id = ?", e)) == 0) {
        sqlite3_bind_text(update, 1, other[0] ? other[0] : model, -1, SQLITE_STATIC);
        sqlite3_bind_text(update, 2, other[1] ? other[1] : data, -1, SQLITE_STATIC);
        sqlite3_bind_text(update, 3, written, -1, SQLITE_STATIC);
        sqlite3_bind_int64(update, 4, sqlite3_column_int64(row, 0));
        code = sql_step(&s->sql, update, e);
        *n_moved += n;
    }
    sqlite3_finalize(update);
    json_decref(settings);
    free(written);
    free(model);
    free(data);
    free(other[0]);
    free(other[1]);
    return code;
}

// ---- old names ----

static bool leads_to(const char *path, const char *name)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    return strcmp(target, name) == 0;
}

// Old names of `name` are made names of `other`, or removed where that is NULL. Returns how many, or an error.
static int turn_aliases(struct store *s, const char *name, const char *other, struct err *e)
{
    char *runs = path_join(s->dir, "runs");
    DIR *d = opendir(runs);
    int n = 0;
    for (struct dirent *entry; d && n >= 0 && (entry = readdir(d));) {
        char *path = path_join(runs, entry->d_name);
        if (leads_to(path, name)) {
            n++;
            if (unlink(path) != 0 || (other && strcmp(entry->d_name, other) != 0 && symlink(other, path) != 0))
                n = err_errno(e, "cannot change the link %s", path);
        }
        free(path);
    }
    if (d)
        closedir(d);
    free(runs);
    return n;
}

int run_aliases_remove(struct store *s, const char *name, struct err *e)
{
    int n = turn_aliases(s, name, NULL, e);
    return n < 0 ? n : 0;
}

// ---- renaming ----

// An experiment's engine finds its parts by their names, NAME.part.
static int refuse_parts(struct store *s, const struct run_info *run, struct err *e)
{
    struct run_info *runs = NULL;
    int n = 0, code = store_runs(s, &runs, &n, e);
    struct str note = {0};
    for (int i = 0; i < n && !code; i++) {
        const char *dot = strrchr(runs[i].name, '.');
        str_clear(&note);
        if (dot)
            str_addf(&note, "part of %.*s", (int)(dot - runs[i].name), runs[i].name);
        const bool is_part = dot && strcmp(runs[i].note, str_text(&note)) == 0;
        if (is_part && runs[i].id == run->id)
            code =
                err_set(e, ERR_STATE, "run %s is %s, which finds it by its name: it keeps it", run->name, str_text(&note));
        else if (is_part && strcmp(str_text(&note) + strlen("part of "), run->name) == 0)
            code = err_set(e, ERR_STATE, "run %s finds its parts, such as %s, by its name: it keeps it", run->name,
                           runs[i].name);
    }
    str_fini(&note);
    run_infos_free(runs, n);
    return code;
}

static int refuse_taken(struct store *s, const struct run_info *run, const char *name, struct err *e)
{
    struct run_info other = {0};
    struct err ignored = {0};
    int code = run_name_check(name, e);
    if (!code && store_find_kept(s, name, &other, &ignored) == 0 && other.id != run->id)
        code = err_set(e, ERR_STATE, "there is a run %s already%s; choose another name than %s", other.name,
                       other.trashed_ms ? " in the trash" : other.hidden ? " in the archive" : "", name);
    run_info_fini(&other);
    return code;
}

static int set_name(struct store *s, int64_t id, const char *name, struct err *e)
{
    sqlite3_stmt *update = NULL;
    int code = sql_prepare(&s->sql, &update, "UPDATE runs SET name = ? WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_text(update, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, id);
    code = sql_step(&s->sql, update, e);
    sqlite3_finalize(update);
    return code;
}

static int move_folder(struct store *s, struct moves *m, const char *from, const char *to, const char *name, struct err *e)
{
    if (leads_to(from, name) || !file_exists(from)) // a rename that a power cut ended here
        return 0;
    if (leads_to(to, path_base(from)) && unlink(to) != 0)
        return err_errno(e, "cannot remove the link %s", to);
    if (file_exists(to) && strcasecmp(from, to) != 0)
        return err_set(e, ERR_STATE, "the folder %s is there already; choose another name than %s", to, name);
    return moves_make(m, from, to, e);
}

int run_rename(struct store *s, struct moves *m, const struct run_info *run, const char *name, struct err *e)
{
    char *from = store_run_dir(s, run->name), *to = store_run_dir(s, name);
    sqlite3_stmt *rows = NULL;
    int n_readers = 0, code = refuse_taken(s, run, name, e);
    if (!code)
        code = refuse_parts(s, run, e);
    if (!code)
        code = set_name(s, run->id, name, e);
    if (!code)
        code = find_readers(s, from, &rows, e);
    while (!code && (code = sql_step(&s->sql, rows, e)) > 0)
        code = move_row(s, rows, from, to, &n_readers, e); // 0: on to the next
    sqlite3_finalize(rows);
    if (!code)
        code = move_folder(s, m, from, to, name, e);
    int n_old = code ? code : turn_aliases(s, run->name, name, e);
    if (!code && n_old < 0)
        code = n_old;
    if (!code && n_readers + n_old > 0 && !file_exists(from) && symlink(name, from) != 0 && errno != EEXIST)
        code = err_errno(e, "cannot make the link %s", from);
    free(from);
    free(to);
    return code;
}

int store_dependents(struct store *s, const char *name, struct str *names, struct err *e)
{
    char *dir = store_run_dir(s, name);
    sqlite3_stmt *rows = NULL;
    int code = find_readers(s, dir, &rows, e);
    while (!code && (code = sql_step(&s->sql, rows, e)) > 0) {
        const char *other = (const char *)sqlite3_column_text(rows, 1), *text = (const char *)sqlite3_column_text(rows, 4);
        json_t *settings = json_loads(text ? text : "", 0, NULL); // "dpo-1" is also how "dpo-10" begins
        if (strcasecmp(other, name) != 0 && settings && move_json(settings, dir, dir) > 0)
            str_addf(names, "%s%s", names->len ? ", " : "", other);
        json_decref(settings);
        code = 0;
    }
    sqlite3_finalize(rows);
    free(dir);
    return code;
}
