// Judgements in attune.db: what is new, what waits, and pairs with what people think of them.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/labels_internal.h"

int64_t labels_version(struct store *s)
{
    int64_t version = -1;
    if (sql_prepare(&s->sql, &s->version, "PRAGMA data_version", NULL) == 0 && sql_step(&s->sql, s->version, NULL) > 0)
        version = sqlite3_column_int64(s->version, 0);
    if (s->version)
        sqlite3_reset(s->version);
    return version;
}

static void copy_column(sqlite3_stmt *row, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    text_copy(out, size, text ? text : "");
}

int labels_read_rows(struct store *s, sqlite3_stmt *rows, const char *run, int64_t *cursor, struct judgement **out, int *n,
                     struct err *e)
{
    struct judgement *list = NULL;
    int count = 0, cap = 0, code;
    while ((code = sql_step(&s->sql, rows, e)) > 0) {
        const int verdict = sqlite3_column_int(rows, 5);
        if (verdict < VERDICT_MUCH_A || verdict > VERDICT_UNDO) {
            code = err_set(e, ERR_INPUT, "%s: judgement %lld has an unknown verdict (%d)", s->sql.path,
                           (long long)sqlite3_column_int64(rows, 0), verdict);
            sqlite3_reset(rows);
            break;
        }
        MEM_GROW(list, count, cap);
        struct judgement *j = &list[count++];
        *j = (struct judgement){.id = sqlite3_column_int64(rows, 0),
                                .pair = sqlite3_column_int64(rows, 1),
                                .at_ms = sqlite3_column_int64(rows, 2),
                                .run = mem_strdup(run),
                                .verdict = (enum verdict)verdict,
                                .swapped = sqlite3_column_int(rows, 6) != 0,
                                .seconds = sql_double(rows, 7),
                                .note = sql_text(rows, 8),
                                .supersedes = sqlite3_column_int64(rows, 9),
                                .occasion = sqlite3_column_int(rows, 10),
                                .reasons = sql_text(rows, 11),
                                .is_final = sqlite3_column_int(rows, 12) != 0,
                                .length_gap = sqlite3_column_int64(rows, 13),
                                .row = sqlite3_column_int64(rows, 14),
                                .act = sqlite3_column_int64(rows, 15)};
        copy_column(rows, 3, j->hash, sizeof j->hash);
        copy_column(rows, 4, j->annotator, sizeof j->annotator);
    }
    if (code) {
        judgements_free(list, count);
        return code;
    }
    if (count)
        *cursor = list[count - 1].id;
    *out = list;
    *n = count;
    return 0;
}

int labels_since(struct store *s, const char *run, int64_t *cursor, struct judgement **out, int *n, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->since,
                           "SELECT " JUDGEMENT_COLUMNS " FROM judgements j JOIN pairs_judged p ON p.id = j.pair "
                           "WHERE (?1 IS NULL OR j.run = (SELECT id FROM runs WHERE name = ?1)) AND j.id > ?2 ORDER BY "
                           "j.id", e);
    if (code)
        return code;
    sqlite3_bind_text(s->since, 1, run, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s->since, 2, *cursor);
    return labels_read_rows(s, s->since, run ? run : "", cursor, out, n, e);
}

static int compare(int64_t id, const char *hash, const struct pair_ref *open)
{
    return id < open->id ? -1 : id > open->id ? 1 : strcmp(hash, open->hash);
}

int labels_waiting(struct store *s, struct run_reader *r, const char *run, const char *annotator, struct pair_ref **out,
                   int *n, struct err *e)
{
    struct pair_ref *open = NULL;
    int n_open = 0, kept = 0, at = 0;
    int code = r ? run_reader_open_pairs(r, &open, &n_open, e) : 0;
    if (!code && n_open)
        code = sql_prepare(&s->sql, &s->answered,
                           "SELECT DISTINCT p.number, p.hash FROM pairs_judged p JOIN judgements j ON j.pair = p.id "
                           "WHERE p.run = (SELECT id FROM runs WHERE name = ?) AND j.verdict <> 8 "
                           "AND (j.verdict <> 6 OR j.annotator = ?) "
                           "AND NOT EXISTS(SELECT 1 FROM judgements x WHERE x.supersedes = j.id) ORDER BY p.number, "
                           "p.hash", e);
    if (!code && n_open) { // both are in the order of id and hash
        sqlite3_bind_text(s->answered, 1, run, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s->answered, 2, annotator, -1, SQLITE_TRANSIENT);
        while ((code = sql_step(&s->sql, s->answered, e)) > 0) {
            char hash[65];
            const int64_t id = sqlite3_column_int64(s->answered, 0);
            copy_column(s->answered, 1, hash, sizeof hash);
            while (at < n_open && compare(id, hash, &open[at]) > 0)
                open[kept++] = open[at++];
            at += at < n_open && compare(id, hash, &open[at]) == 0;
        }
    }
    if (code) {
        free(open);
        return code;
    }
    while (at < n_open)
        open[kept++] = open[at++];
    *out = open;
    *n = kept;
    return 0;
}

void judged_pairs_free(struct judged_pair *list, int n)
{
    for (int i = 0; i < n; i++) {
        asked_pair_fini(&list[i].pair);
        free(list[i].run);
    }
    free(list);
}

int labels_judged(struct store *s, const char *run, struct judged_pair **out, int *n, struct err *e)
{
    int64_t run_id = 0;
    int code = run ? store_run_id(s, run, &run_id, e) : 0;
    if (!code)
        code = sql_prepare(&s->sql, &s->judged,
                           "SELECT ifnull(p.number, p.id), p.step, p.at_ms, p.prompt, p.turns, p.a, p.b, p.model, p.hash, "
                           "r.name, sum(j.verdict < 0), sum(j.verdict IN (1, 2, 3)), sum(j.verdict = 0), sum(j.verdict = "
                           "4), sum(j.verdict = 5), sum(j.verdict = 6), sum(j.verdict = 7), "
                           "sum(CASE WHEN j.verdict <= 3 THEN j.verdict ELSE 0 END), p.model_b, p.id, max(j.is_final), "
                           "EXISTS(SELECT 1 FROM label_items i WHERE i.pair = p.id AND i.known IS NOT NULL) "
                           "FROM pairs_judged p JOIN judgements j ON j.pair = p.id LEFT JOIN runs r ON r.id = p.run "
                           "WHERE (?1 = 0 OR p.run = ?1) AND j.verdict <> 8 AND j.occasion = 0 "
                           "AND NOT EXISTS(SELECT 1 FROM judgements x WHERE x.supersedes = j.id) "
                           "AND (j.is_final OR NOT EXISTS(SELECT 1 FROM judgements f WHERE f.pair = p.id AND f.is_final "
                           "AND NOT EXISTS(SELECT 1 FROM judgements y WHERE y.supersedes = f.id))) GROUP BY p.id ORDER "
                           "BY p.id", e);
    if (code)
        return code;
    struct judged_pair *list = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int64(s->judged, 1, run_id);
    while ((code = sql_step(&s->sql, s->judged, e)) > 0) {
        MEM_GROW(list, count, cap);
        struct judged_pair *p = &list[count++];
        int64_t *const counts[] = {&p->n_a, &p->n_b, &p->n_ties, &p->n_both_bad, &p->n_cannot, &p->n_skips, &p->n_flags};
        *p = (struct judged_pair){
            .pair = {.id = sqlite3_column_int64(s->judged, 0), .step = sqlite3_column_int64(s->judged, 1),
                     .at_ms = sqlite3_column_int64(s->judged, 2), .prompt = sql_text(s->judged, 3),
                     .turns = sql_text(s->judged, 4), .a = sql_text(s->judged, 5), .b = sql_text(s->judged, 6),
                     .model = sql_text(s->judged, 7), .model_b = sql_text(s->judged, 18)},
            .run = sql_text(s->judged, 9),
            .row = sqlite3_column_int64(s->judged, 19),
            .is_settled = sqlite3_column_int(s->judged, 20) != 0,
            .is_check = sqlite3_column_int(s->judged, 21) != 0,
            .grades = sqlite3_column_double(s->judged, 17),
        };
        copy_column(s->judged, 8, p->pair.hash, sizeof p->pair.hash);
        for (int i = 0; i < 7; i++)
            *counts[i] = sqlite3_column_int64(s->judged, 10 + i);
    }
    if (code) {
        judged_pairs_free(list, count);
        return code;
    }
    *out = list;
    *n = count;
    return 0;
}
