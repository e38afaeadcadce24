// Claims: which annotator has which pair of a shared set at the moment. A claim is no promise that outlives a power cut, but
// it is one transaction: of two that ask for a pair one gets it. It ends by itself, so a killed console keeps no pair for
// long.
#include "config.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/label_sets.h"
#include "store/labels_internal.h"

static int claim_one(struct store *s, sqlite3_stmt *row, int64_t pair, struct err *e)
{
    sqlite3_bind_int64(row, 2, pair);
    return sql_step(&s->sql, row, e);
}

int label_claim(struct store *s, int64_t set, const int64_t *pairs, int n, const char *annotator, int64_t now_ms,
                int64_t until_ms, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_begin(&s->sql, e);
    if (code)
        return code;
    code = sql_prepare(&s->sql, &row,
                       "INSERT INTO label_claims(set_id, pair, annotator, until_ms) VALUES(?1, ?2, ?3, ?4) "
                       "ON CONFLICT(set_id, pair) DO UPDATE SET annotator = ?3, until_ms = ?4 "
                       "WHERE annotator = ?3 OR until_ms <= ?5 OR until_ms > ?6",
                       e);
    if (!code) {
        sqlite3_bind_int64(row, 1, set);
        sqlite3_bind_text(row, 3, annotator, -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(row, 4, until_ms);
        sqlite3_bind_int64(row, 5, now_ms);
        sqlite3_bind_int64(row, 6, now_ms + LABEL_LEASE_MS);
    }
    for (int i = 0; i < n && !code; i++)
        code = claim_one(s, row, pairs[i], e);
    sqlite3_finalize(row);
    if (code)
        sql_rollback(&s->sql);
    return code ? code : sql_commit(&s->sql, e);
}

int label_claims(struct store *s, int64_t set, int64_t now_ms, struct label_claim **out, int *n, struct err *e)
{
    sqlite3_stmt *row = NULL;
    struct label_claim *list = NULL;
    int count = 0, cap = 0;
    int code = sql_prepare(&s->sql, &row,
                           "SELECT pair, until_ms, annotator FROM label_claims "
                           "WHERE set_id = ?1 AND until_ms > ?2 AND until_ms <= ?3", e);
    if (code)
        return code;
    sqlite3_bind_int64(row, 1, set);
    sqlite3_bind_int64(row, 2, now_ms);
    sqlite3_bind_int64(row, 3, now_ms + LABEL_LEASE_MS);
    while ((code = sql_step(&s->sql, row, e)) > 0) {
        MEM_GROW(list, count, cap);
        list[count] = (struct label_claim){.pair = sqlite3_column_int64(row, 0), .until_ms = sqlite3_column_int64(row, 1)};
        const char *who = (const char *)sqlite3_column_text(row, 2);
        text_copy(list[count].annotator, sizeof list[count].annotator, who ? who : "");
        count++;
    }
    sqlite3_finalize(row);
    if (code) {
        free(list);
        return code;
    }
    *out = list;
    *n = count;
    return 0;
}

int label_claims_release(struct store *s, int64_t set, const char *annotator, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(&s->sql, &row, "DELETE FROM label_claims WHERE set_id = ? AND annotator = ?", e);
    if (code)
        return code;
    sqlite3_bind_int64(row, 1, set);
    sqlite3_bind_text(row, 2, annotator, -1, SQLITE_TRANSIENT);
    code = sql_step(&s->sql, row, e);
    sqlite3_finalize(row);
    return code;
}
