// What reader and writer of run.db share.
#pragma once

#include "store/run_db.h"
#include "store/sql.h"

extern const char run_status_columns[]; // of the newest schema
void run_status_read(sqlite3_stmt *row, struct run_status *out);
char *run_db_path(const char *run_dir); // heap
