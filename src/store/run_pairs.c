// Pairs that a run wants judged, in its run.db.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/labels.h"
#include "store/run_internal.h"

enum { FIRST_SCHEMA = 5 }; // that has pairs

void asked_pair_fini(struct asked_pair *p)
{
    free(p->prompt);
    free(p->a);
    free(p->b);
    free(p->turns);
    free(p->model);
    free(p->model_b);
    free(p->tokens);
    *p = (struct asked_pair){0};
}

// Each text with its length before it, so that no text can pass for the end of another.
void asked_pair_hash(struct asked_pair *p)
{
    const char *texts[] = {p->prompt, p->turns, p->a, p->b};
    struct sha256 hash;
    sha256_init(&hash);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char length[32];
        const size_t n = texts[i] ? strlen(texts[i]) : 0;
        sha256_add(&hash, length, (size_t)snprintf(length, sizeof length, "%zu:", n));
        sha256_add(&hash, texts[i] ? texts[i] : "", n);
    }
    sha256_hex(&hash, p->hash);
}

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

// 1 and its id: the same pair was offered at the same step before a rewind.
static int find_rewound(struct run_writer *w, const struct asked_pair *p, int64_t *id, struct err *e)
{
    int code = run_writer_prepare(w, &w->find_pair, "SELECT id FROM pairs_asked WHERE state = 3 AND step = ? AND hash = ? "
                                                    "ORDER BY id LIMIT 1", e);
    if (code)
        return code;
    struct err fault = {0};
    sqlite3_bind_int64(w->find_pair, 1, p->step);
    sqlite3_bind_text(w->find_pair, 2, p->hash, -1, SQLITE_TRANSIENT);
    code = sql_step(&w->sql, w->find_pair, &fault);
    if (code > 0)
        *id = sqlite3_column_int64(w->find_pair, 0);
    sqlite3_reset(w->find_pair);
    return code < 0 ? run_writer_fail(w, &fault, e) : code;
}

static int reopen(struct run_writer *w, int64_t id, struct err *e)
{
    int code =
        run_writer_prepare(w, &w->reopen_pair, "UPDATE pairs_asked SET state = 0, closed_step = NULL WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_int64(w->reopen_pair, 1, id);
    return run_writer_row(w, w->reopen_pair, e);
}

int run_writer_offer(struct run_writer *w, const struct asked_pair *pair, int64_t *id, struct err *e)
{
    struct asked_pair p = *pair;
    if (w->failed)
        return run_writer_fail(w, &w->failure, e);
    asked_pair_hash(&p);
    int code = find_rewound(w, &p, id, e);
    if (code)
        return code < 0 ? code : reopen(w, *id, e);
    code = run_writer_prepare(w, &w->new_pair,
                              "INSERT INTO pairs_asked(at_ms, step, state, hash, prompt, turns, a, b, model, tokens) "
                              "VALUES(?, ?, 0, ?, ?, ?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    sqlite3_stmt *row = w->new_pair;
    const char *texts[] = {p.hash, p.prompt, p.turns, p.a, p.b, p.model};
    int bound = SQLITE_OK;
    sqlite3_bind_int64(row, 1, p.at_ms);
    sqlite3_bind_int64(row, 2, p.step);
    for (int i = 0; i < 6 && bound == SQLITE_OK; i++)
        bound = sqlite3_bind_text(row, 3 + i, text_or_empty(texts[i]), -1, SQLITE_TRANSIENT);
    if (bound == SQLITE_OK)
        bound = p.tokens ? sqlite3_bind_blob64(row, 9, p.tokens, p.n_token_bytes, SQLITE_TRANSIENT)
                         : sqlite3_bind_null(row, 9);
    if (bound != SQLITE_OK) { // longer than a value may be
        struct err fault = {0};
        sql_error(&w->sql, &fault);
        return run_writer_fail(w, &fault, e);
    }
    code = run_writer_row(w, row, e);
    if (!code)
        *id = sqlite3_last_insert_rowid(w->sql.db);
    return code;
}

int run_writer_close_pair(struct run_writer *w, int64_t id, enum pair_state state, int64_t step, struct err *e)
{
    BUG_IF(state == PAIR_WAITING);
    int code = run_writer_prepare(w, &w->close_pair,
                                  "UPDATE pairs_asked SET state = ?, closed_step = ? WHERE id = ? AND state = 0", e);
    if (code)
        return code;
    sqlite3_bind_int(w->close_pair, 1, (int)state);
    sqlite3_bind_int64(w->close_pair, 2, step);
    sqlite3_bind_int64(w->close_pair, 3, id);
    return run_writer_row(w, w->close_pair, e);
}

static int no_such_pair(struct run_reader *r, int64_t id, struct err *e)
{
    char *dir = path_dir(r->sql.path);
    int code = err_set(e, ERR_NOT_FOUND, "run %s has asked for no pair %lld; \"attune label list %s\" lists those that wait",
                       path_base(dir), (long long)id, path_base(dir));
    free(dir);
    return code;
}

int run_reader_pair(struct run_reader *r, int64_t id, struct asked_pair *out, struct err *e)
{
    if (r->schema < FIRST_SCHEMA)
        return no_such_pair(r, id, e);
    int code = sql_prepare(&r->sql, &r->pair,
                           "SELECT step, at_ms, state, prompt, turns, a, b, model, tokens FROM pairs_asked WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_int64(r->pair, 1, id);
    code = sql_step(&r->sql, r->pair, e);
    if (code <= 0)
        return code == 0 ? no_such_pair(r, id, e) : code;
    const int state = sqlite3_column_int(r->pair, 2), n = sqlite3_column_bytes(r->pair, 8);
    *out = (struct asked_pair){
        .id = id,
        .step = sqlite3_column_int64(r->pair, 0),
        .at_ms = sqlite3_column_int64(r->pair, 1),
        .state = state == PAIR_WAITING || state == PAIR_TAKEN ? (enum pair_state)state : PAIR_EXPIRED,
        .prompt = sql_text(r->pair, 3),
        .turns = sql_text(r->pair, 4),
        .a = sql_text(r->pair, 5),
        .b = sql_text(r->pair, 6),
        .model = sql_text(r->pair, 7),
    };
    const void *tokens = sqlite3_column_blob(r->pair, 8);
    if (tokens && n > 0) {
        out->tokens = mem_alloc((size_t)n, 1);
        out->n_token_bytes = (size_t)n;
        memcpy(out->tokens, tokens, (size_t)n);
    }
    sqlite3_reset(r->pair);
    asked_pair_hash(out); // of what is there: the column is for those who look many up
    return 0;
}

static int pairs_in_state(struct run_reader *r, enum pair_state state, struct pair_ref **out, int *n, struct err *e)
{
    *out = NULL;
    *n = 0;
    if (r->schema < FIRST_SCHEMA)
        return 0;
    int code = sql_prepare(&r->sql, &r->pairs_in, "SELECT id, hash FROM pairs_asked WHERE state = ? ORDER BY id", e);
    if (code)
        return code;
    struct pair_ref *list = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int(r->pairs_in, 1, (int)state);
    while ((code = sql_step(&r->sql, r->pairs_in, e)) > 0) {
        const char *hash = (const char *)sqlite3_column_text(r->pairs_in, 1);
        MEM_GROW(list, count, cap);
        list[count] = (struct pair_ref){.id = sqlite3_column_int64(r->pairs_in, 0)};
        text_copy(list[count++].hash, sizeof list->hash, text_or_empty(hash));
    }
    if (code) {
        free(list);
        return code;
    }
    *out = list;
    *n = count;
    return 0;
}

int run_reader_open_pairs(struct run_reader *r, struct pair_ref **out, int *n, struct err *e)
{
    return pairs_in_state(r, PAIR_WAITING, out, n, e);
}

int run_reader_taken_pairs(struct run_reader *r, struct pair_ref **out, int *n, struct err *e)
{
    return pairs_in_state(r, PAIR_TAKEN, out, n, e);
}

int run_reader_pair_counts(struct run_reader *r, int64_t counts[PAIR_EXPIRED + 1], struct err *e)
{
    memset(counts, 0, (PAIR_EXPIRED + 1) * sizeof *counts);
    if (r->schema < FIRST_SCHEMA)
        return 0;
    int code = sql_prepare(&r->sql, &r->pair_counts, "SELECT state, count(*) FROM pairs_asked GROUP BY state", e);
    while (!code && (code = sql_step(&r->sql, r->pair_counts, e)) > 0) {
        const int state = sqlite3_column_int(r->pair_counts, 0);
        counts[state == PAIR_WAITING || state == PAIR_TAKEN ? state : PAIR_EXPIRED] +=
            sqlite3_column_int64(r->pair_counts, 1);
        code = 0;
    }
    return code;
}
