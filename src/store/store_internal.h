// What the files of the store share.
#pragma once

#include <stdbool.h>

#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql sql;
    char *dir;
    sqlite3_stmt *list[3], *find, *post, *controls, *last; // made on first use
    sqlite3_stmt *find_judged, *find_brought, *add_judged, *standing, *add_judgement, *newest, *since, *answered,
        *judged, *version, *take_back;
    sqlite3_stmt *add_item, *pair_texts, *set_since;
    bool is_careful; // commits have outlived a power cut when they return: labels.c
};

// The row id of a run; ERR_NOT_FOUND names the nearest one.
int store_run_id(struct store *s, const char *name, int64_t *id, struct err *e);
// The same as store_find_run, also where it is in the trash.
int store_find_kept(struct store *s, const char *name, struct run_info *out, struct err *e);
// run_moves.c: folders that a failed transaction must take back.
struct moves {
    struct move {
        char *from, *to;
    } *list;
    int n, cap;
};
int moves_make(struct moves *m, const char *from, const char *to, struct err *e); // rename(2), noted
void moves_end(struct moves *m, bool take_back);
// run_rename.c: gives a run's row and folder another name.
int run_rename(struct store *s, struct moves *m, const struct run_info *run, const char *name, struct err *e);
// names that it had before and that others still read
int run_aliases_remove(struct store *s, const char *name, struct err *e);
