// Writing run.db. The lock on runs/NAME/lock makes sure that there is one writer, which also is the only one to
// move the WAL into the file: SQLite 3.7.0 to 3.51.2 can damage a database when two connections write and
// checkpoint at the same instant.
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/file_system.h"
#include "store/run_internal.h"

enum { LOCK_POLL_MS = 10, LOCK_PATIENCE_S = 30 };

// 0 where the file does not say it.
static int lock_holder(int fd)
{
    char text[32];
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return atoi(text);
}

// A process that was killed is told as gone when its first thread is, while others still give its memory back, which of a
// large model takes seconds; only then are its files closed. Of such a one the lock is waited for.
static int take_lock(int fd, const char *run, const char *path, struct err *e)
{
    for (int n = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; n++) {
        if (errno != EWOULDBLOCK)
            return err_errno(e, "cannot lock %s", path);
        struct run_status holder = {0};
        run_status_of_process(&holder, lock_holder(fd));
        if (holder.pid <= 0)
            return err_set(e, ERR_STATE, "run %s is being trained by another process already", run);
        if (holder.pid_start != 0)
            return err_set(e, ERR_STATE, "run %s is being trained by process %d already", run, holder.pid);
        if (n == LOCK_PATIENCE_S * 1000 / LOCK_POLL_MS)
            return err_set(e, ERR_STATE,
                           "run %s is still locked: process %d, which trained it, is gone from this computer, but %s was "
                           "not let go of within %d seconds. Where that process still ends, try again later; where the run "
                           "is trained on another computer, stop it there",
                           run, holder.pid, path, LOCK_PATIENCE_S);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000L * 1000L}, NULL);
    }
    return 0;
}

static int lock_run(struct run_writer *w, const char *run_dir, struct err *e)
{
    char *path = path_join(run_dir, "lock"), pid[32];
    w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int code = w->lock_fd < 0 ? err_errno(e, "cannot make %s", path) : take_lock(w->lock_fd, path_base(run_dir), path, e);
    if (!code) { // the number is for who meets the lock; that itself ends with the process
        int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
        if (ftruncate(w->lock_fd, 0) != 0 || pwrite(w->lock_fd, pid, (size_t)n, 0) != n)
            code = err_errno(e, "cannot write %s", path);
    } else if (w->lock_fd >= 0) {
        close(w->lock_fd);
        w->lock_fd = -1;
    }
    free(path);
    return code;
}

static void forget_keys(struct run_writer *w)
{
    for (int i = 0; i < w->n_keys; i++)
        free(w->keys[i].name);
    w->n_keys = 0;
}

static int load_keys(struct run_writer *w, struct err *e)
{
    sqlite3_stmt *list = NULL;
    int code = sql_prepare(&w->sql, &list, "SELECT id, name FROM keys ORDER BY id", e);
    forget_keys(w);
    while (!code && (code = sql_step(&w->sql, list, e)) > 0) {
        MEM_GROW(w->keys, w->n_keys, w->cap_keys);
        w->keys[w->n_keys++] = (struct key){sql_text(list, 1), sqlite3_column_int64(list, 0)};
        code = 0;
    }
    sqlite3_finalize(list);
    return code;
}

static int load_seq(struct run_writer *w, struct err *e)
{
    int64_t kept = 0, seq = 0;
    int code = sql_int(&w->sql, "SELECT ifnull(max(value), 0) FROM counters WHERE name = 'seq'", &kept, e);
    for (int i = 0; !code && i < w->n_keys; i++) {
        char text[100];
        int64_t last;
        snprintf(text, sizeof text, "SELECT ifnull(max(seq), 0) FROM points WHERE key = %lld", (long long)w->keys[i].id);
        code = sql_int(&w->sql, text, &last, e);
        if (!code && last > seq)
            seq = last;
    }
    w->seq = seq > kept ? seq : kept;
    return code;
}

static int choose_journal(struct run_writer *w, const char *run_dir, struct err *e)
{
    const char *network = file_system_network(run_dir);
    int64_t events;
    w->wal = !network;
    int code = sql_exec(&w->sql,
                        w->wal ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=1000"
                               : "PRAGMA journal_mode=DELETE; PRAGMA synchronous=NORMAL",
                        e);
    if (!code)
        code = sql_migrate(&w->sql, &run_schema, e);
    if (code || w->wal)
        return code;
    code = sql_int(&w->sql, "SELECT count(*) FROM events WHERE kind = 'journal'", &events, e);
    if (code || events > 0)
        return code;
    char text[300];
    snprintf(text, sizeof text,
             "this folder is on a network file system (%s): recording uses a rollback journal, which is slower, and only "
             "one computer at a time should look at this run", network);
    return run_writer_event(w, clock_wall_ms(), 0, "warn", "journal", text, e);
}

int run_writer_open(struct run_writer **out, const char *run_dir, struct err *e)
{
    struct run_writer *w = mem_alloc(1, sizeof *w);
    w->lock_fd = -1;
    int version, code = lock_run(w, run_dir, e);
    if (!code) {
        char *path = run_db_path(run_dir);
        code = sql_open(&w->sql, path, SQL_CREATE, e);
        free(path);
    }
    if (!code && (code = sql_check_schema(&w->sql, &run_schema, &version, e)) > 0)
        code = 0;
    if (!code)
        code = choose_journal(w, run_dir, e);
    if (!code)
        code = load_keys(w, e);
    if (!code)
        code = load_seq(w, e);
    if (code) {
        run_writer_close(w);
        return code;
    }
    *out = w;
    return 0;
}

void run_writer_close(struct run_writer *w)
{
    if (!w)
        return;
    if (w->sql.db) {
        sql_rollback(&w->sql);
        if (w->wal) // best effort: a reader in the middle of something leaves the rest in the WAL, which is as good
            sqlite3_wal_checkpoint_v2(w->sql.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sql_close(&w->sql);
    if (w->lock_fd >= 0)
        close(w->lock_fd); // after the database: the next writer must not overlap
    forget_keys(w);
    free(w->keys);
    free(w);
}

int run_writer_fail(struct run_writer *w, const struct err *fault, struct err *e)
{
    if (w->in_batch && !w->failed) {
        sql_rollback(&w->sql);
        w->failed = true;
        w->failure = *fault;
        load_keys(w, NULL); // those that were new in the batch are gone
        load_seq(w, NULL);
    }
    if (e)
        *e = *fault;
    return fault->code;
}

int run_writer_row(struct run_writer *w, sqlite3_stmt *statement, struct err *e)
{
    struct err fault = {0};
    if (w->failed) {
        sqlite3_reset(statement);
        return run_writer_fail(w, &w->failure, e);
    }
    int code = sql_step(&w->sql, statement, &fault);
    return code < 0 ? run_writer_fail(w, &fault, e) : 0;
}

int run_writer_prepare(struct run_writer *w, sqlite3_stmt **statement, const char *text, struct err *e)
{
    struct err fault = {0};
    return sql_prepare(&w->sql, statement, text, &fault) == 0 ? 0 : run_writer_fail(w, &fault, e);
}

int run_writer_begin(struct run_writer *w, struct err *e)
{
    BUG_IF(w->in_batch);
    int code = sql_begin(&w->sql, e);
    w->in_batch = code == 0;
    w->failed = false;
    return code;
}

int run_writer_commit(struct run_writer *w, struct err *e)
{
    struct err fault = {0};
    BUG_IF(!w->in_batch);
    int code = 0;
    if (w->failed)
        code = run_writer_fail(w, &w->failure, e);
    else if (sql_commit(&w->sql, &fault) != 0)
        code = run_writer_fail(w, &fault, e);
    w->in_batch = w->failed = false;
    return code;
}

int run_writer_status(struct run_writer *w, const struct run_status *status, struct err *e)
{
    struct str text = {0};
    str_addf(&text, "INSERT OR REPLACE INTO status(id, %s) VALUES(1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
             "?13, ?14, ?15)",
             run_status_columns);
    int code = run_writer_prepare(w, &w->status, str_text(&text), e);
    str_fini(&text);
    if (code)
        return code;
    BUG_IF(status->state == RUN_DEAD);
    sqlite3_stmt *s = w->status;
    sqlite3_bind_int(s, 1, (int)status->state);
    sqlite3_bind_int64(s, 2, status->step);
    sqlite3_bind_int64(s, 3, status->total_steps);
    sqlite3_bind_double(s, 4, status->tokens_per_s);
    sqlite3_bind_double(s, 5, status->seconds_left);
    sqlite3_bind_int64(s, 6, status->heartbeat_ms);
    sqlite3_bind_int(s, 7, status->pid);
    sqlite3_bind_int64(s, 8, status->pid_start);
    sqlite3_bind_text(s, 9, status->host, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 10, status->phase, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 11, status->message, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 12, status->started_ms);
    sqlite3_bind_int64(s, 13, status->ended_ms);
    sqlite3_bind_int64(s, 14, status->control_id);
    sqlite3_bind_int(s, 15, status->failure);
    return run_writer_row(w, s, e);
}

static int key_id(struct run_writer *w, const char *name, int64_t *id, struct err *e)
{
    for (int i = 0; i < w->n_keys; i++)
        if (strcmp(w->keys[i].name, name) == 0) {
            *id = w->keys[i].id;
            return 0;
        }
    int code = run_writer_prepare(w, &w->new_key, "INSERT INTO keys(name) VALUES(?)", e);
    if (code)
        return code;
    sqlite3_bind_text(w->new_key, 1, name, -1, SQLITE_TRANSIENT);
    code = run_writer_row(w, w->new_key, e);
    if (code)
        return code;
    MEM_GROW(w->keys, w->n_keys, w->cap_keys);
    *id = sqlite3_last_insert_rowid(w->sql.db);
    w->keys[w->n_keys++] = (struct key){mem_strdup(name), *id};
    return 0;
}

int run_writer_metric(struct run_writer *w, const char *key, int64_t step, double value, struct err *e)
{
    int64_t id;
    if (w->failed)
        return run_writer_fail(w, &w->failure, e);
    int code = key_id(w, key, &id, e);
    if (!code)
        code = run_writer_prepare(w, &w->point, "INSERT INTO points(key, seq, step, value) VALUES(?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->point, 1, id);
    sqlite3_bind_int64(w->point, 2, w->seq + 1);
    sqlite3_bind_int64(w->point, 3, step);
    sqlite3_bind_double(w->point, 4, value); // a NaN becomes NULL by itself; infinities are kept
    code = run_writer_row(w, w->point, e);
    if (!code)
        w->seq++;
    return code;
}

int run_writer_event(struct run_writer *w, int64_t at_ms, int64_t step, const char *level, const char *kind,
                     const char *text, struct err *e)
{
    int code =
        run_writer_prepare(w, &w->event, "INSERT INTO events(at_ms, step, level, kind, text) VALUES(?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->event, 1, at_ms);
    sqlite3_bind_int64(w->event, 2, step);
    sqlite3_bind_text(w->event, 3, level, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(w->event, 4, kind, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(w->event, 5, text, -1, SQLITE_TRANSIENT);
    return run_writer_row(w, w->event, e);
}

int run_writer_sample(struct run_writer *w, const struct run_sample *sample, struct err *e)
{
    int code = run_writer_prepare(w, &w->sample,
                       "INSERT INTO samples(at_ms, step, prompt, response, logp, reward, credits) VALUES(?, ?, ?, ?, "
                       "?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->sample, 1, sample->at_ms);
    sqlite3_bind_int64(w->sample, 2, sample->step);
    if (sqlite3_bind_text(w->sample, 3, sample->prompt, -1, SQLITE_TRANSIENT) != SQLITE_OK ||
        sqlite3_bind_text(w->sample, 4, sample->response, -1, SQLITE_TRANSIENT) != SQLITE_OK) {
        struct err fault = {0};
        sql_error(&w->sql, &fault); // longer than a value may be
        return run_writer_fail(w, &fault, e);
    }
    sqlite3_bind_double(w->sample, 5, sample->logp);
    sqlite3_bind_double(w->sample, 6, sample->reward);
    struct str credits = {0};
    for (int i = 0; i < sample->n_credits; i++)
        str_addf(&credits, "%s%d %.6g", i ? " " : "", sample->credits[i].n_bytes, sample->credits[i].reward);
    if (sample->n_credits)
        sqlite3_bind_text(w->sample, 7, str_text(&credits), -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(w->sample, 7);
    str_fini(&credits);
    return run_writer_row(w, w->sample, e);
}

int run_writer_rollout(struct run_writer *w, const struct run_rollout *x, struct err *e)
{
    int code = run_writer_prepare(w, &w->rollout,
                       "INSERT INTO rollouts(at_ms, step, prompt_number, sample, prompt, response, tokens, ended, score, "
                       "logp, ref) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->rollout, 1, x->at_ms);
    sqlite3_bind_int64(w->rollout, 2, x->step);
    sqlite3_bind_int64(w->rollout, 3, x->prompt_number);
    sqlite3_bind_int(w->rollout, 4, x->sample);
    if (sqlite3_bind_text(w->rollout, 5, x->prompt, -1, SQLITE_TRANSIENT) != SQLITE_OK ||
        sqlite3_bind_text(w->rollout, 6, x->response, -1, SQLITE_TRANSIENT) != SQLITE_OK ||
        sqlite3_bind_blob64(w->rollout, 7, x->tokens, (sqlite3_uint64)x->n_tokens * sizeof *x->tokens,
                            SQLITE_TRANSIENT) != SQLITE_OK) {
        sqlite3_reset(w->rollout);
        return sql_error(&w->sql, e);
    }
    sqlite3_bind_int(w->rollout, 8, x->ended);
    sqlite3_bind_double(w->rollout, 9, x->score);
    sqlite3_bind_double(w->rollout, 10, x->logp);
    sqlite3_bind_double(w->rollout, 11, x->ref);
    return run_writer_row(w, w->rollout, e);
}

int run_writer_checkpoint(struct run_writer *w, const struct run_checkpoint *checkpoint, struct err *e)
{
    int code = run_writer_prepare(w, &w->checkpoint,
                       "INSERT OR REPLACE INTO checkpoints(step, at_ms, bytes, path, sha256) VALUES(?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->checkpoint, 1, checkpoint->step);
    sqlite3_bind_int64(w->checkpoint, 2, checkpoint->at_ms);
    sqlite3_bind_int64(w->checkpoint, 3, checkpoint->bytes);
    sqlite3_bind_text(w->checkpoint, 4, checkpoint->path, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(w->checkpoint, 5, checkpoint->sha256, -1, SQLITE_TRANSIENT);
    return run_writer_row(w, w->checkpoint, e);
}

int run_writer_rewind(struct run_writer *w, int64_t step, struct err *e)
{
    BUG_IF(w->in_batch);
    char text[700];
    int code = sql_begin(&w->sql, e);
    if (code)
        return code;
    snprintf(text, sizeof text,
             "INSERT OR REPLACE INTO counters(name, value) VALUES('seq', %lld);"
             "DELETE FROM points WHERE step > %lld;"
             "DELETE FROM samples WHERE step > %lld;"
             "DELETE FROM rollouts WHERE step > %lld;"
             "DELETE FROM checkpoints WHERE step > %lld;"
             "UPDATE pairs_asked SET state = 3 WHERE step > %lld;" // judgements name them: kept, and found when offered
                                                                   // again
             "UPDATE pairs_asked SET state = 0, closed_step = NULL WHERE step <= %lld AND closed_step > %lld;",
             (long long)w->seq, (long long)step, (long long)step, (long long)step, (long long)step, (long long)step,
             (long long)step, (long long)step);
    code = sql_exec(&w->sql, text, e);
    if (code) {
        sql_rollback(&w->sql);
        return code;
    }
    return sql_commit(&w->sql, e);
}

int run_writer_last_status(struct run_writer *w, struct run_status *out, struct err *e)
{
    struct str text = {0};
    str_addf(&text, "SELECT %s FROM status WHERE id = 1", run_status_columns);
    int code = sql_prepare(&w->sql, &w->last_status, str_text(&text), e);
    str_fini(&text);
    if (!code)
        code = sql_step(&w->sql, w->last_status, e);
    if (code < 0)
        return code;
    *out = (struct run_status){.state = RUN_QUEUED};
    if (code > 0) {
        run_status_read(w->last_status, out);
        sqlite3_reset(w->last_status);
    }
    return 0;
}
