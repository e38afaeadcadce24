// Reading run.db: read-only, statements kept, every read transaction over as soon as its rows are copied (a
// reader that lingers would keep the writer's WAL from shrinking).
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_internal.h"

const char run_status_columns[] =
    "state, step, total_steps, tokens_per_s, seconds_left, heartbeat_ms, pid, pid_start, host, phase, message, "
    "started_ms, ended_ms, control_id, failure";

static void copy_column(sqlite3_stmt *row, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    text_copy(out, size, text ? text : "");
}

void run_status_read(sqlite3_stmt *row, struct run_status *out)
{
    int state = sqlite3_column_int(row, 0);
    *out = (struct run_status){
        .state = state >= RUN_QUEUED && state < RUN_DEAD ? (enum run_state)state : RUN_FAILED,
        .step = sqlite3_column_int64(row, 1),
        .total_steps = sqlite3_column_int64(row, 2),
        .tokens_per_s = sqlite3_column_double(row, 3),
        .seconds_left = sqlite3_column_double(row, 4),
        .heartbeat_ms = sqlite3_column_int64(row, 5),
        .pid = sqlite3_column_int(row, 6),
        .pid_start = sqlite3_column_int64(row, 7),
        .started_ms = sqlite3_column_int64(row, 11),
        .ended_ms = sqlite3_column_int64(row, 12),
        .control_id = sqlite3_column_int64(row, 13),
    };
    if (out->state == RUN_FAILED) {
        const int code = sqlite3_column_int(row, 14);
        out->failure = code < 0 && code >= ERR_INTERRUPTED ? code : ERR_FAIL;
    }
    copy_column(row, 8, out->host, sizeof out->host);
    copy_column(row, 9, out->phase, sizeof out->phase);
    copy_column(row, 10, out->message, sizeof out->message);
}

char *run_db_path(const char *run_dir)
{
    return path_join(run_dir, "run.db");
}

int run_reader_open(struct run_reader **out, const char *run_dir, struct err *e)
{
    char *path = run_db_path(run_dir);
    int version, code = 0;
    if (!file_exists(path)) {
        code = err_set(e, ERR_NOT_FOUND, "%s is not there yet: no engine has taken up this run", path);
        free(path);
        return code;
    }
    struct run_reader *r = mem_alloc(1, sizeof *r);
    code = sql_open(&r->sql, path, SQL_READ, e);
    if (!code) {
        code = sql_check_schema(&r->sql, &run_schema, &version, e);
        if (code == 0)
            code = err_set(e, ERR_NOT_FOUND, "%s is empty yet: its engine is just starting", path);
        else if (code == 1)
            code = 0;
    }
    free(path);
    if (code) {
        run_reader_close(r);
        return code;
    }
    r->schema = version;
    *out = r;
    return 0;
}

void run_reader_close(struct run_reader *r)
{
    if (!r)
        return;
    sql_close(&r->sql);
    free(r);
}

// Where it fails, each question is one of its own and says what is wrong.
void run_reader_begin(struct run_reader *r)
{
    struct err ignored = {0};
    sql_exec(&r->sql, "BEGIN", &ignored);
}

void run_reader_end(struct run_reader *r)
{
    sql_rollback(&r->sql);
}

int run_reader_check(struct run_reader *r, struct err *e)
{
    return sql_check(&r->sql, e);
}

int64_t run_reader_version(struct run_reader *r)
{
    int64_t version = -1;
    if (sql_prepare(&r->sql, &r->version, "PRAGMA data_version", NULL) == 0 && sql_step(&r->sql, r->version, NULL) > 0)
        version = sqlite3_column_int64(r->version, 0);
    if (r->version)
        sqlite3_reset(r->version);
    return version;
}

int run_reader_status(struct run_reader *r, struct run_status *out, struct err *e)
{
    struct str text = {0};
    // A file of an older version lacks the newest column: a table beside it has that.
    str_addf(&text, "SELECT %s FROM status%s WHERE id = 1", run_status_columns,
             r->schema < 3 ? ", (SELECT 0 AS failure)" : "");
    int code = sql_prepare(&r->sql, &r->status, str_text(&text), e);
    str_fini(&text);
    if (!code)
        code = sql_step(&r->sql, r->status, e);
    if (code < 0)
        return code;
    if (code == 0) {
        *out = (struct run_status){.state = RUN_QUEUED};
        return 0;
    }
    run_status_read(r->status, out);
    sqlite3_reset(r->status);
    if (run_state_is_live(out->state) && !run_status_lives_on(out, &r->beat)) {
        out->state = RUN_DEAD;
        out->tokens_per_s = out->seconds_left = 0;
    }
    return 0;
}

int run_reader_keys(struct run_reader *r, char ***names, int *n, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->keys, "SELECT name FROM keys ORDER BY id", e);
    if (code)
        return code;
    char **list = NULL;
    int count = 0, cap = 0;
    while ((code = sql_step(&r->sql, r->keys, e)) > 0) {
        MEM_GROW(list, count, cap);
        list[count++] = sql_text(r->keys, 0);
    }
    if (code) {
        for (int i = 0; i < count; i++)
            free(list[i]);
        free(list);
        return code;
    }
    *names = list;
    *n = count;
    return 0;
}

int run_reader_points(struct run_reader *r, const char *key, int64_t *cursor, struct metric_point **out, int *n,
                      struct err *e)
{
    return run_reader_points_some(r, key, cursor, -1, out, n, e);
}

int run_reader_points_some(struct run_reader *r, const char *key, int64_t *cursor, int max, struct metric_point **out,
                           int *n, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->points,
                           "SELECT seq, step, value FROM points WHERE key = (SELECT id FROM keys WHERE name = ?) "
                           "AND seq > ? ORDER BY seq LIMIT ?",
                           e);
    if (code)
        return code;
    struct metric_point *points = NULL;
    int count = 0, cap = 0;
    int64_t last = *cursor;
    sqlite3_bind_text(r->points, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(r->points, 2, last);
    sqlite3_bind_int(r->points, 3, max);
    while ((code = sql_step(&r->sql, r->points, e)) > 0) {
        MEM_GROW(points, count, cap);
        last = sqlite3_column_int64(r->points, 0);
        points[count++] = (struct metric_point){sqlite3_column_int64(r->points, 1), sql_double(r->points, 2)};
    }
    if (code) {
        free(points);
        return code;
    }
    *cursor = last;
    *out = points;
    *n = count;
    return 0;
}

int run_reader_latest(struct run_reader *r, const char *const *keys, int n_keys, double *values, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->latest,
                           "SELECT value FROM points WHERE key = (SELECT id FROM keys WHERE name = ?) "
                           "ORDER BY seq DESC LIMIT 1",
                           e);
    for (int i = 0; !code && i < n_keys; i++) {
        values[i] = NAN;
        sqlite3_bind_text(r->latest, 1, keys[i], -1, SQLITE_TRANSIENT);
        code = sql_step(&r->sql, r->latest, e);
        if (code > 0) {
            values[i] = sql_double(r->latest, 0);
            sqlite3_reset(r->latest);
            code = 0;
        }
    }
    return code;
}

int run_reader_share(struct run_reader *r, const char *part, const char *whole, double *share, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->share,
                           "WITH batches AS (SELECT seq, value FROM points WHERE key = (SELECT id FROM keys WHERE name = "
                           "?1)   ORDER BY seq DESC LIMIT 17), "
                           "ends AS (SELECT min(seq) AS first, iif(count(*) > 1, max(seq), 9223372036854775807) AS last "
                           "FROM batches) SELECT (SELECT sum(value) FROM batches, ends WHERE seq < last) / "
                           "  (SELECT sum(value) FROM points, ends WHERE key = (SELECT id FROM keys WHERE name = ?2) "
                           "   AND seq > first AND seq < last)",
                           e);
    *share = NAN;
    if (code)
        return code;
    sqlite3_bind_text(r->share, 1, part, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(r->share, 2, whole, -1, SQLITE_TRANSIENT);
    code = sql_step(&r->sql, r->share, e);
    if (code > 0) {
        *share = sql_double(r->share, 0);
        sqlite3_reset(r->share);
        code = 0;
    }
    return code;
}

int run_reader_events(struct run_reader *r, int64_t after_id, struct run_event **out, int *n, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->events,
                           "SELECT id, at_ms, step, level, kind, text FROM events WHERE id > ? ORDER BY id", e);
    if (code)
        return code;
    struct run_event *events = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int64(r->events, 1, after_id);
    while ((code = sql_step(&r->sql, r->events, e)) > 0) {
        MEM_GROW(events, count, cap);
        struct run_event *event = &events[count++];
        *event = (struct run_event){.id = sqlite3_column_int64(r->events, 0),
                                    .at_ms = sqlite3_column_int64(r->events, 1),
                                    .step = sqlite3_column_int64(r->events, 2),
                                    .text = sql_text(r->events, 5)};
        copy_column(r->events, 3, event->level, sizeof event->level);
        copy_column(r->events, 4, event->kind, sizeof event->kind);
    }
    if (code) {
        run_events_free(events, count);
        return code;
    }
    *out = events;
    *n = count;
    return 0;
}

void run_events_free(struct run_event *events, int n)
{
    for (int i = 0; i < n; i++)
        free(events[i].text);
    free(events);
}

// What does not fit the response is left out as a whole: a file may hold anything.
static void read_credits(struct run_sample *s, const char *text)
{
    size_t cap = 0, n_bytes = strlen(s->response), used = 0;
    while (text && *text) {
        char *end;
        const long long bytes = strtoll(text, &end, 10);
        const char *number = end;
        const double reward = strtod(number, &end);
        if (number == text || end == number || bytes < 0 || (size_t)bytes > n_bytes - used || !isfinite(reward)) {
            free(s->credits);
            s->credits = NULL;
            s->n_credits = 0;
            return;
        }
        MEM_GROW(s->credits, s->n_credits, cap);
        s->credits[s->n_credits++] = (struct run_credit){(int)bytes, reward};
        used += (size_t)bytes;
        text = end + strspn(end, " ");
    }
}

int run_reader_samples(struct run_reader *r, int newest, struct run_sample **out, int *n, struct err *e)
{
    // A file of the first version is read as it is: only its engine may change it.
    const char *text =
        r->schema < 2
            ? "SELECT id, at_ms, step, prompt, response, logp, reward, NULL FROM samples ORDER BY id DESC LIMIT ?"
            : "SELECT id, at_ms, step, prompt, response, logp, reward, credits FROM samples ORDER BY id DESC LIMIT ?";
    int code = sql_prepare(&r->sql, &r->samples, text, e);
    if (code)
        return code;
    struct run_sample *samples = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int(r->samples, 1, newest);
    while ((code = sql_step(&r->sql, r->samples, e)) > 0) {
        MEM_GROW(samples, count, cap);
        samples[count++] = (struct run_sample){.id = sqlite3_column_int64(r->samples, 0),
                                               .at_ms = sqlite3_column_int64(r->samples, 1),
                                               .step = sqlite3_column_int64(r->samples, 2),
                                               .prompt = sql_text(r->samples, 3),
                                               .response = sql_text(r->samples, 4),
                                               .logp = sql_double(r->samples, 5),
                                               .reward = sql_double(r->samples, 6)};
        read_credits(&samples[count - 1], (const char *)sqlite3_column_text(r->samples, 7));
    }
    if (code) {
        run_samples_free(samples, count);
        return code;
    }
    *out = samples;
    *n = count;
    return 0;
}

void run_samples_free(struct run_sample *samples, int n)
{
    for (int i = 0; i < n; i++) {
        free(samples[i].prompt);
        free(samples[i].response);
        free(samples[i].credits);
    }
    free(samples);
}

static int32_t *read_tokens(sqlite3_stmt *row, int column, int *n)
{
    const int bytes = sqlite3_column_bytes(row, column);
    const void *blob = sqlite3_column_blob(row, column);
    *n = bytes / (int)sizeof(int32_t);
    int32_t *tokens = mem_alloc((size_t)*n + 1, sizeof *tokens);
    if (*n)
        memcpy(tokens, blob, (size_t)*n * sizeof *tokens);
    return tokens;
}

int run_reader_rollouts(struct run_reader *r, int64_t before_id, int newest, struct run_rollout **out, int *n, struct err *e)
{
    *n = 0;
    *out = NULL;
    if (r->schema < 4)
        return 0;
    int code = sql_prepare(&r->sql, &r->rollouts,
                           "SELECT id, at_ms, step, prompt_number, sample, prompt, response, tokens, ended, score, logp, "
                           "ref FROM rollouts WHERE id < ? ORDER BY id DESC LIMIT ?", e);
    if (code)
        return code;
    struct run_rollout *rows = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int64(r->rollouts, 1, before_id > 0 ? before_id : INT64_MAX);
    sqlite3_bind_int(r->rollouts, 2, newest);
    while ((code = sql_step(&r->sql, r->rollouts, e)) > 0) {
        sqlite3_stmt *row = r->rollouts;
        MEM_GROW(rows, count, cap);
        struct run_rollout *x = &rows[count++];
        *x = (struct run_rollout){.id = sqlite3_column_int64(row, 0), .at_ms = sqlite3_column_int64(row, 1),
                                  .step = sqlite3_column_int64(row, 2), .prompt_number = sqlite3_column_int64(row, 3),
                                  .sample = sqlite3_column_int(row, 4), .prompt = sql_text(row, 5),
                                  .response = sql_text(row, 6),
                                  .ended = sqlite3_column_int(row, 8), .score = sql_double(row, 9),
                                  .logp = sql_double(row, 10),
                                  .ref = sql_double(row, 11)};
        x->tokens = read_tokens(row, 7, &x->n_tokens);
    }
    if (code) {
        run_rollouts_free(rows, count);
        return code;
    }
    *out = rows;
    *n = count;
    return 0;
}

void run_rollouts_free(struct run_rollout *rollouts, int n)
{
    for (int i = 0; i < n; i++) {
        free(rollouts[i].prompt);
        free(rollouts[i].response);
        free(rollouts[i].tokens);
    }
    free(rollouts);
}

int run_reader_checkpoints(struct run_reader *r, struct run_checkpoint **out, int *n, struct err *e)
{
    int code = sql_prepare(&r->sql, &r->checkpoints,
                           "SELECT step, at_ms, bytes, path, sha256 FROM checkpoints ORDER BY step", e);
    if (code)
        return code;
    struct run_checkpoint *list = NULL;
    int count = 0, cap = 0;
    while ((code = sql_step(&r->sql, r->checkpoints, e)) > 0) {
        MEM_GROW(list, count, cap);
        struct run_checkpoint *c = &list[count++];
        *c = (struct run_checkpoint){.step = sqlite3_column_int64(r->checkpoints, 0),
                                     .at_ms = sqlite3_column_int64(r->checkpoints, 1),
                                     .bytes = sqlite3_column_int64(r->checkpoints, 2),
                                     .path = sql_text(r->checkpoints, 3)};
        copy_column(r->checkpoints, 4, c->sha256, sizeof c->sha256);
    }
    if (code) {
        run_checkpoints_free(list, count);
        return code;
    }
    *out = list;
    *n = count;
    return 0;
}

void run_checkpoints_free(struct run_checkpoint *checkpoints, int n)
{
    for (int i = 0; i < n; i++)
        free(checkpoints[i].path);
    free(checkpoints);
}
