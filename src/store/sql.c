#include "config.h"

#include "store/sql.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/manner.h"
#include "base/mem.h"
#include "base/str.h"

enum { BUSY_MS = 30000, MAX_VALUE_BYTES = 64 << 20 };

// A file on a medium that cannot be written has no place for the shared memory of WAL; when nothing is
// waiting in a WAL, it can be read as it is.
static int open_immutable(struct sql *s)
{
    struct str uri = {0}, wal = {0};
    str_addf(&wal, "%s-wal", s->path);
    int64_t pending = file_size(str_text(&wal));
    str_fini(&wal);
    if (pending > 0)
        return SQLITE_CANTOPEN;
    str_add(&uri, "file:");
    for (const char *c = s->path; *c; c++)
        if (strchr("?#%", *c))
            str_addf(&uri, "%%%02x", (unsigned char)*c);
        else
            str_addc(&uri, *c);
    str_add(&uri, "?immutable=1");
    sqlite3_close_v2(s->db);
    int rc = sqlite3_open_v2(str_text(&uri), &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    str_fini(&uri);
    return rc;
}

static void configure(sqlite3 *db, enum sql_mode mode)
{
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    if (mode == SQL_READ) { // only the writer may move the WAL into the file
        sqlite3_wal_autocheckpoint(db, 0);
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
}

static const char open_pragmas[] = "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON;";
// Readers go through a file once and on from there, and many are open: the system keeps its pages, they need not.
static const char read_pragmas[] = "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA cache_size=-128;";

int sql_open(struct sql *s, const char *path, enum sql_mode mode, struct err *e)
{
    // Readers go without SQLite's locks between threads, which take a tenth of the time of reading many points.
    int flags = mode == SQL_READ    ? SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
                : mode == SQL_WRITE ? SQLITE_OPEN_READWRITE
                                    : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    *s = (struct sql){.path = mem_strdup(path)};
    int code = 0;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
        code = sql_error(s, e);
    } else {
        configure(s->db, mode);
        struct err fault = {0};
        int64_t version;
        code = sql_exec(s, mode == SQL_READ ? read_pragmas : open_pragmas, &fault);
        if (!code)
            code = sql_int(s, "PRAGMA user_version", &version, &fault); // the first real look into the file
        if (code && mode == SQL_READ && open_immutable(s) == SQLITE_OK) {
            configure(s->db, mode);
            code = sql_exec(s, mode == SQL_READ ? read_pragmas : open_pragmas, &fault);
            if (!code)
                code = sql_int(s, "PRAGMA user_version", &version, &fault);
        }
        if (code && e)
            *e = fault;
    }
    if (code)
        sql_close(s);
    return code;
}

void sql_close(struct sql *s)
{
    if (s->db) {
        sqlite3_stmt *statement;
        while ((statement = sqlite3_next_stmt(s->db, NULL)))
            sqlite3_finalize(statement);
        sqlite3_close(s->db);
    }
    free(s->path);
    *s = (struct sql){0};
}

int sql_error(struct sql *s, struct err *e)
{
    int rc = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;
    const char *text = s->db ? sqlite3_errmsg(s->db) : "out of memory";
    int number = s->db ? sqlite3_system_errno(s->db) : 0;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(e, ERR_LIMIT, "cannot write %s: the disk is full; make room and try again", s->path);
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return err_set(e, ERR_LIMIT, "%s: %s", s->path, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_STATE, "%s was locked by another process for more than %d seconds; try again", s->path,
                       BUSY_MS / 1000);
    case SQLITE_NOTADB:
        return err_set(e, ERR_INPUT, "%s is not a file of Attune's (it is no SQLite database); move it away to start anew",
                       s->path);
    case SQLITE_CORRUPT:
        return err_set(e, ERR_INPUT, "%s is damaged (%s); keep a copy, then try: sqlite3 FILE .recover", s->path, text);
    case SQLITE_READONLY:
        if (manner_is(MANNER_READ_ONLY))
            return manner_may_change("this", e);
        return err_set(e, ERR_IO, "cannot write %s: it or its folder is write-protected", s->path);
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(e, ERR_IO, "cannot write %s: it or its folder is write-protected", s->path);
    case SQLITE_CANTOPEN:
        return err_set(e, file_exists(s->path) ? ERR_IO : ERR_NOT_FOUND, "cannot open %s: %s", s->path,
                       number ? strerror(number) : text);
    case SQLITE_IOERR:
        return err_set(e, ERR_IO, "cannot read or write %s: %s", s->path, number ? strerror(number) : text);
    default:
        return err_set(e, ERR_FAIL, "%s: %s", s->path, text);
    }
}

int sql_exec(struct sql *s, const char *text, struct err *e)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ? 0 : sql_error(s, e);
}

int sql_prepare(struct sql *s, sqlite3_stmt **out, const char *text, struct err *e)
{
    if (*out)
        return 0;
    return sqlite3_prepare_v3(s->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK ? 0 : sql_error(s, e);
}

int sql_step(struct sql *s, sqlite3_stmt *statement, struct err *e)
{
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        return 1;
    int code = rc == SQLITE_DONE ? 0 : sql_error(s, e);
    sqlite3_reset(statement);
    return code;
}

int sql_begin(struct sql *s, struct err *e)
{
    return sql_exec(s, "BEGIN IMMEDIATE", e);
}

int sql_commit(struct sql *s, struct err *e)
{
    int code = sql_exec(s, "COMMIT", e);
    if (code)
        sql_rollback(s);
    return code;
}

void sql_rollback(struct sql *s)
{
    if (s->db && !sqlite3_get_autocommit(s->db)) // a full disk may have rolled back by itself
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int sql_int(struct sql *s, const char *text, int64_t *out, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = sql_prepare(s, &statement, text, e);
    if (code)
        return code;
    code = sql_step(s, statement, e);
    if (code > 0)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (code == 0)
        return err_set(e, ERR_INPUT, "%s is damaged: something that must be there is missing", s->path);
    return code < 0 ? code : 0;
}

char *sql_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return mem_strdup(text ? text : "");
}

double sql_double(sqlite3_stmt *statement, int column)
{
    return sqlite3_column_type(statement, column) == SQLITE_NULL ? NAN : sqlite3_column_double(statement, column);
}

int sql_schema_version(const struct sql_schema *schema)
{
    int n = 0;
    while (schema->migrations[n])
        n++;
    return n;
}

int sql_check_schema(struct sql *s, const struct sql_schema *schema, int *version, struct err *e)
{
    int64_t application, user, tables;
    // One look: another process may be making the tables at this moment.
    int code = sql_exec(s, "SAVEPOINT look", e);
    if (code)
        return code;
    code = sql_int(s, "PRAGMA application_id", &application, e);
    if (!code)
        code = sql_int(s, "PRAGMA user_version", &user, e);
    if (!code)
        code = sql_int(s, "SELECT count(*) FROM sqlite_schema", &tables, e);
    int released = sql_exec(s, "RELEASE look", code ? NULL : e);
    if (code || released)
        return code ? code : released;
    *version = (int)user;
    if (application == 0 && user == 0 && tables == 0)
        return 0; // just made, or nothing was committed before a crash
    if (application != schema->application_id)
        return err_set(e, ERR_INPUT, "%s is a database of another program, not %s; move it away to start anew", s->path,
                       schema->what);
    if (user > sql_schema_version(schema))
        return err_set(e, ERR_UNSUPPORTED,
                       "%s was made by a newer Attune (format %d, this one knows up to %d); install the newer Attune",
                       s->path, (int)user, sql_schema_version(schema));
    if (user < 1)
        return err_set(e, ERR_INPUT, "%s is damaged: it has no format number", s->path);
    return 1;
}

int sql_migrate(struct sql *s, const struct sql_schema *schema, struct err *e)
{
    int version = 0, target = sql_schema_version(schema);
    int found = sql_check_schema(s, schema, &version, e);
    if (found < 0 || (found == 1 && version == target))
        return found < 0 ? found : 0;
    int code = sql_begin(s, e);
    if (code)
        return code;
    // Once more under the lock: another process may have done it in between.
    found = sql_check_schema(s, schema, &version, e);
    code = found < 0 ? found : 0;
    for (int v = version; !code && v < target; v++)
        code = sql_exec(s, schema->migrations[v], e);
    if (!code) {
        char pragmas[120];
        snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d", (int)schema->application_id,
                 target);
        code = sql_exec(s, pragmas, e);
    }
    if (code) {
        sql_rollback(s);
        return code;
    }
    return sql_commit(s, e);
}

int sql_check(struct sql *s, struct err *e)
{
    sqlite3_stmt *statement = NULL;
    int code = sql_prepare(s, &statement, "PRAGMA quick_check(3)", e);
    if (code)
        return code;
    code = sql_step(s, statement, e);
    if (code > 0) {
        char *text = sql_text(statement, 0);
        code = strcmp(text, "ok") == 0 ? 0
                                       : err_set(e, ERR_INPUT,
                                                 "%s is damaged (%s); keep a copy, then try: sqlite3 FILE .recover",
                                                 s->path, text);
        free(text);
    }
    sqlite3_finalize(statement);
    return code;
}
