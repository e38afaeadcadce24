// What the files of the store share.
#pragma once

#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql sql;
    char *dir;
    sqlite3_stmt *list, *find, *post, *controls, *last; // made on first use
};

// The row id of a run; ERR_NOT_FOUND names the nearest one.
int store_run_id(struct store *s, const char *name, int64_t *id, struct err *e);
