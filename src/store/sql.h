// The only door to SQLite, for the files of this folder: opening with the right settings, errors in words,
// migrations. One thread at a time uses a connection.
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sql {
    sqlite3 *db;
    char *path;
};

enum sql_mode { SQL_CREATE, SQL_WRITE, SQL_READ };
// Safe settings for a file that somebody else may have made: no mmap, no triggers or functions from the file
// with side effects, cell checks, 10 s of patience with other processes.
int sql_open(struct sql *s, const char *path, enum sql_mode mode, struct err *e);
void sql_close(struct sql *s); // zeroed is fine

// The error of the last call that failed, for the person; ERR_LIMIT for a full disk, ERR_STATE for a file that
// others keep locked, ERR_INPUT for a damaged or foreign one.
int sql_error(struct sql *s, struct err *e);
int sql_exec(struct sql *s, const char *text, struct err *e);
int sql_prepare(struct sql *s, sqlite3_stmt **out, const char *text, struct err *e); // kept for the connection's life
// 1: a row, 0: done (the statement is reset), negative: an error (reset, too).
int sql_step(struct sql *s, sqlite3_stmt *statement, struct err *e);
int sql_begin(struct sql *s, struct err *e); // takes the write lock at once
int sql_commit(struct sql *s, struct err *e); // rolls back when it fails
void sql_rollback(struct sql *s);
int sql_int(struct sql *s, const char *text, int64_t *out, struct err *e); // the first column of the first row

char *sql_text(sqlite3_stmt *statement, int column); // heap; "" for NULL
double sql_double(sqlite3_stmt *statement, int column); // NaN for NULL: that is how NaN is stored

// Numbered changes of a schema; the n-th entry leads from version n - 1 to n. A list ends with NULL and only
// ever grows at its end.
struct sql_schema {
    const char *what;       // "an Attune store"
    int32_t application_id; // in the file's header: tells our files from others
    const char *const *migrations;
};
extern const struct sql_schema store_schema, run_schema; // schema.c
int sql_schema_version(const struct sql_schema *schema);
// Brings a file that is empty or of an older version up to date in one transaction.
int sql_migrate(struct sql *s, const struct sql_schema *schema, struct err *e);
// Only looks: 1 when the file holds this schema, 0 when it is empty still; ERR_INPUT, ERR_UNSUPPORTED.
int sql_check_schema(struct sql *s, const struct sql_schema *schema, int *version, struct err *e);
// The whole file: ERR_INPUT with what is wrong.
int sql_check(struct sql *s, struct err *e);
