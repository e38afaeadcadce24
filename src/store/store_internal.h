// What the files of the store share.
#pragma once

#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql sql;
    char *dir;
    sqlite3_stmt *list, *find, *post, *controls, *last; // made on first use
    sqlite3_stmt *find_judged, *add_judged, *standing, *add_judgement, *newest, *since, *answered, *judged, *version, *take_back;
    sqlite3_stmt *add_item, *pair_texts, *set_since;
    bool is_careful; // commits have outlived a power cut when they return: labels.c
};

// The row id of a run; ERR_NOT_FOUND names the nearest one.
int store_run_id(struct store *s, const char *name, int64_t *id, struct err *e);
