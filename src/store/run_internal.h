// What reader and writer of run.db share.
#pragma once

#include "store/run_db.h"
#include "store/sql.h"

extern const char run_status_columns[]; // of the newest schema
void run_status_read(sqlite3_stmt *row, struct run_status *out);
char *run_db_path(const char *run_dir); // heap

struct run_reader {
    struct sql sql;
    int schema; // its version
    struct run_beat beat;
    sqlite3_stmt *version, *status, *keys, *points, *latest, *share, *events, *samples, *rollouts, *checkpoints,
        *pairs_in, *pair, *pair_counts;
};

struct run_writer {
    struct sql sql;
    int lock_fd;
    bool wal;
    bool in_batch, failed;
    struct err failure; // of this batch, when failed
    int64_t seq;        // of the newest point
    struct key {
        char *name;
        int64_t id;
    } *keys; // in the order of their first use; a run has a few dozens
    int n_keys, cap_keys;
    sqlite3_stmt *point, *new_key, *status, *event, *sample, *rollout, *checkpoint, *last_status, *find_pair, *reopen_pair,
        *new_pair, *close_pair;
};

// For statements of a batch: made on first use, then run once bound; every write goes through run_writer_row. The first
// failure ends the batch (run_writer_fail), since it cannot be kept whole.
int run_writer_prepare(struct run_writer *w, sqlite3_stmt **statement, const char *text, struct err *e);
int run_writer_row(struct run_writer *w, sqlite3_stmt *statement, struct err *e);
int run_writer_fail(struct run_writer *w, const struct err *fault, struct err *e);
