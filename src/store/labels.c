// Judgements in attune.db: adding, correcting and taking back.
#include "config.h"

#include "store/labels.h"

#include <math.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/labels_internal.h"

static const char *const verdict_names[] = {"much-A", "A", "slightly-A", "tie", "slightly-B", "B", "much-B",
                                            "both-bad", "cannot", "skip", "flag", "undo"};

const char *verdict_name(enum verdict v)
{
    return v >= VERDICT_MUCH_A && v <= VERDICT_UNDO ? verdict_names[v - VERDICT_MUCH_A] : "unknown";
}

bool verdict_from_name(const char *name, enum verdict *out)
{
    for (int v = VERDICT_MUCH_A; v < VERDICT_UNDO; v++)
        if (strcmp(name, verdict_names[v - VERDICT_MUCH_A]) == 0) {
            *out = (enum verdict)v;
            return true;
        }
    return false;
}

bool verdict_is_graded(enum verdict v)
{
    return v >= VERDICT_MUCH_A && v <= VERDICT_MUCH_B;
}

void judgement_fini(struct judgement *j)
{
    free(j->run);
    free(j->note);
    free(j->reasons);
    *j = (struct judgement){0};
}

void judgements_free(struct judgement *list, int n)
{
    for (int i = 0; i < n; i++)
        judgement_fini(&list[i]);
    free(list);
}

const char *labels_annotator(void)
{
    const char *user = getenv("USER");
    if (user && *user)
        return user;
    const struct passwd *account = getpwuid(getuid());
    return account && *account->pw_name ? account->pw_name : "somebody";
}

// A commit of a rollback journal is the journal's removal: only with EXTRA the folder is synced after it, and what was
// answered stays answered when the power goes.
int labels_begin(struct store *s, struct err *e)
{
    int code = s->is_careful ? 0 : sql_exec(&s->sql, "PRAGMA synchronous=EXTRA", e);
    s->is_careful = code == 0;
    return code ? code : sql_begin(&s->sql, e);
}

static int bind_text(struct store *s, sqlite3_stmt *row, int at, const char *text, struct err *e)
{
    return sqlite3_bind_text(row, at, text ? text : "", -1, SQLITE_TRANSIENT) == SQLITE_OK ? 0 : sql_error(&s->sql, e);
}

static void bind_id(sqlite3_stmt *row, int at, int64_t id)
{
    if (id)
        sqlite3_bind_int64(row, at, id);
    else
        sqlite3_bind_null(row, at);
}

int labels_judged_id(struct store *s, int64_t run_id, const struct asked_pair *p, int64_t *id, struct err *e)
{
    // Said so that each is found by its partial index.
    sqlite3_stmt **find = run_id ? &s->find_judged : &s->find_brought;
    int code = sql_prepare(&s->sql, find,
                           run_id ? "SELECT id FROM pairs_judged WHERE run = ?2 AND number = ?3 AND hash = ?1"
                                  : "SELECT id FROM pairs_judged WHERE run IS NULL AND hash = ?1", e);
    if (!code)
        code = sql_prepare(&s->sql, &s->add_judged,
                           "INSERT INTO pairs_judged(run, number, hash, prompt, turns, a, b, model, model_b, step, at_ms) "
                           "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", e);
    if (code)
        return code;
    if (run_id) {
        sqlite3_bind_int64(*find, 2, run_id);
        sqlite3_bind_int64(*find, 3, p->id);
    }
    sqlite3_bind_text(*find, 1, p->hash, -1, SQLITE_TRANSIENT);
    code = sql_step(&s->sql, *find, e);
    if (code > 0) {
        *id = sqlite3_column_int64(*find, 0);
        sqlite3_reset(*find);
        return 0;
    }
    const char *texts[] = {p->hash, p->prompt, p->turns, p->a, p->b, p->model, p->model_b};
    bind_id(s->add_judged, 1, run_id);
    bind_id(s->add_judged, 2, run_id ? p->id : 0);
    for (int i = 0; !code && i < 7; i++)
        code = bind_text(s, s->add_judged, 3 + i, texts[i], e);
    sqlite3_bind_int64(s->add_judged, 10, p->step);
    sqlite3_bind_int64(s->add_judged, 11, p->at_ms);
    if (!code)
        code = sql_step(&s->sql, s->add_judged, e);
    *id = sqlite3_last_insert_rowid(s->sql.db);
    return code;
}

static int insert(struct store *s, int64_t run_id, int64_t pair, struct judgement *j, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->add_judgement,
                           "INSERT INTO judgements(pair, run, annotator, verdict, swapped, seconds, note, at_ms, "
                           "supersedes, occasion, is_final, reasons, act) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", e);
    if (!code)
        code = bind_text(s, s->add_judgement, 3, j->annotator, e);
    if (!code)
        code = bind_text(s, s->add_judgement, 7, j->note, e);
    if (!code)
        code = bind_text(s, s->add_judgement, 12, j->reasons, e);
    if (code)
        return code;
    j->at_ms = clock_wall_ms();
    sqlite3_bind_int64(s->add_judgement, 1, pair);
    bind_id(s->add_judgement, 2, run_id);
    sqlite3_bind_int(s->add_judgement, 4, (int)j->verdict);
    sqlite3_bind_int(s->add_judgement, 5, j->swapped);
    sqlite3_bind_double(s->add_judgement, 6, j->seconds); // a NaN becomes NULL by itself
    sqlite3_bind_int64(s->add_judgement, 8, j->at_ms);
    bind_id(s->add_judgement, 9, j->supersedes);
    sqlite3_bind_int(s->add_judgement, 10, j->occasion);
    sqlite3_bind_int(s->add_judgement, 11, j->is_final);
    bind_id(s->add_judgement, 13, j->act);
    code = sql_step(&s->sql, s->add_judgement, e);
    if (!code)
        j->id = sqlite3_last_insert_rowid(s->sql.db);
    return code;
}

// What the annotator has said of the pair already. 1: the same; 0: nothing that would be in the way (a row that *j then
// supersedes); ERR_STATE.
static int compare_standing(struct store *s, int64_t pair, struct judgement *j, bool replace, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->standing,
                           "SELECT j.id, j.verdict, j.note, j.reasons, j.is_final FROM judgements j WHERE j.pair = ? AND "
                           "j.annotator = ? AND j.occasion = ? AND j.verdict <> 8 AND NOT EXISTS(SELECT 1 FROM judgements x "
                           "WHERE x.supersedes = j.id)", e);
    if (code)
        return code;
    sqlite3_bind_int64(s->standing, 1, pair);
    sqlite3_bind_text(s->standing, 2, j->annotator, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(s->standing, 3, j->occasion);
    code = sql_step(&s->sql, s->standing, e);
    if (code <= 0)
        return code;
    const int64_t id = sqlite3_column_int64(s->standing, 0);
    const enum verdict before = (enum verdict)sqlite3_column_int(s->standing, 1);
    const char *note = (const char *)sqlite3_column_text(s->standing, 2),
               *reasons = (const char *)sqlite3_column_text(s->standing, 3);
    const bool same = before == j->verdict && strcmp(note ? note : "", j->note ? j->note : "") == 0 &&
                      strcmp(reasons ? reasons : "", j->reasons ? j->reasons : "") == 0 &&
                      (sqlite3_column_int(s->standing, 4) != 0) == j->is_final;
    sqlite3_reset(s->standing);
    if (same) {
        j->id = id;
        return 1;
    }
    if (!replace && before != VERDICT_SKIP)
        return err_set(
            e, ERR_STATE, "%s has judged pair %lld already (%s%s); undo that first, or say that this replaces it",
            j->annotator, (long long)j->pair, verdict_name(before), before == j->verdict ? ", with another note" : "");
    j->supersedes = id;
    return 0;
}

static int check(const struct judgement *j, struct err *e)
{
    if (!j->annotator[0])
        return err_set(e, ERR_USAGE, "a judgement needs the name of who gave it");
    if (j->verdict < VERDICT_MUCH_A || j->verdict >= VERDICT_UNDO)
        return err_set(e, ERR_USAGE, "there is no verdict %d", (int)j->verdict);
    return 0;
}

// In a transaction. 1: it was said already.
static int add_one(struct store *s, const char *run, int64_t run_id, const struct asked_pair *pair, struct judgement *j,
                   bool replace, struct err *e)
{
    int64_t id = 0;
    j->supersedes = 0;
    int code = labels_judged_id(s, run_id, pair, &id, e);
    if (code)
        return code;
    j->pair = run ? pair->id : id;
    code = compare_standing(s, id, j, replace, e);
    return code ? code : insert(s, run_id, id, j, e);
}

int labels_add(struct store *s, const char *run, const struct asked_pair *pair, struct judgement *j, bool replace,
               bool *again, struct err *e)
{
    int64_t run_id = 0;
    int code = check(j, e);
    if (!code)
        code = labels_begin(s, e);
    if (code)
        return code;
    j->act = 0;
    if (run)
        code = store_run_id(s, run, &run_id, e);
    if (!code)
        code = add_one(s, run, run_id, pair, j, replace, e);
    *again = code == 1;
    if (code) {
        sql_rollback(&s->sql);
        return code < 0 ? code : 0;
    }
    return sql_commit(&s->sql, e);
}

// The id that the next judgement gets.
static int next_id(struct store *s, int64_t *id, struct err *e)
{
    return sql_int(&s->sql, "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'judgements'), 0) + 1", id, e);
}

int labels_add_many(struct store *s, const char *run, const struct asked_pair *pairs, struct judgement *list, int n,
                    bool replace, struct err *e)
{
    int64_t run_id = 0, act = 0;
    int code = 0;
    for (int i = 0; i < n && !code; i++)
        code = check(&list[i], e);
    if (!code)
        code = labels_begin(s, e);
    if (code)
        return code;
    if (run)
        code = store_run_id(s, run, &run_id, e);
    if (!code)
        code = next_id(s, &act, e);
    for (int i = 0; i < n && code >= 0; i++) {
        list[i].act = n > 1 ? act : 0;
        code = add_one(s, run, run_id, &pairs[i], &list[i], replace, e);
    }
    if (code < 0)
        sql_rollback(&s->sql);
    return code < 0 ? code : sql_commit(&s->sql, e);
}

static int newest_standing(struct store *s, int64_t run_id, int64_t pair, const char *annotator, int64_t *row_run,
                           int64_t *row_pair, struct judgement *out, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->newest,
                           "SELECT j.id, j.verdict, j.pair, j.run, ifnull(p.number, p.id), r.name, j.note, j.at_ms, p.hash, "
                           "j.swapped, j.occasion, j.reasons "
                           "FROM judgements j JOIN pairs_judged p ON p.id = j.pair LEFT JOIN runs r ON r.id = j.run "
                           "WHERE j.annotator = ?1 AND (?2 = 0 OR j.run = ?2) AND (?3 = 0 OR ifnull(p.number, p.id) = ?3) "
                           "AND j.verdict <> 8 AND NOT EXISTS(SELECT 1 FROM judgements x WHERE x.supersedes = j.id) "
                           "ORDER BY j.id DESC LIMIT 1", e);
    if (code)
        return code;
    sqlite3_bind_text(s->newest, 1, annotator, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s->newest, 2, run_id);
    sqlite3_bind_int64(s->newest, 3, pair);
    code = sql_step(&s->sql, s->newest, e);
    if (code == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no judgement by %s that could be taken back", annotator);
    if (code < 0)
        return code;
    *row_pair = sqlite3_column_int64(s->newest, 2);
    *row_run = sqlite3_column_int64(s->newest, 3);
    *out = (struct judgement){.id = sqlite3_column_int64(s->newest, 0),
                              .verdict = (enum verdict)sqlite3_column_int(s->newest, 1),
                              .pair = sqlite3_column_int64(s->newest, 4),
                              .run = sql_text(s->newest, 5),
                              .note = sql_text(s->newest, 6),
                              .at_ms = sqlite3_column_int64(s->newest, 7),
                              .swapped = sqlite3_column_int(s->newest, 9) != 0,
                              .occasion = sqlite3_column_int(s->newest, 10),
                              .reasons = sql_text(s->newest, 11),
                              .seconds = NAN};
    text_copy(out->hash, sizeof out->hash, (const char *)sqlite3_column_text(s->newest, 8));
    text_copy(out->annotator, sizeof out->annotator, annotator);
    sqlite3_reset(s->newest);
    return 0;
}

// In a transaction: rows that take back the judgement and what was given at once with it, an act as well. *n: how many.
static int insert_undos(struct store *s, int64_t judgement, const char *annotator, int *n, int64_t *row, struct err *e)
{
    struct judgement *undos = NULL;
    int64_t act = 0, (*where)[2] = NULL;
    int cap = 0, cap_where = 0;
    *n = 0;
    int code = sql_prepare(&s->sql, &s->take_back,
                           "SELECT j.id, j.pair, j.run, j.occasion FROM judgements j WHERE "
                           "(j.id = ?1 OR j.act = (SELECT act FROM judgements WHERE id = ?1)) "
                           "AND j.annotator = ?2 AND j.verdict <> 8 "
                           "AND NOT EXISTS(SELECT 1 FROM judgements x WHERE x.supersedes = j.id) ORDER BY j.id", e);
    if (code)
        return code;
    sqlite3_bind_int64(s->take_back, 1, judgement);
    sqlite3_bind_text(s->take_back, 2, annotator, -1, SQLITE_TRANSIENT);
    while ((code = sql_step(&s->sql, s->take_back, e)) > 0) {
        const int kept = *n;
        MEM_GROW(undos, *n, cap);
        MEM_GROW(where, *n, cap_where);
        undos[kept] = (struct judgement){.verdict = VERDICT_UNDO,
                                         .seconds = NAN,
                                         .supersedes = sqlite3_column_int64(s->take_back, 0),
                                         .occasion = sqlite3_column_int(s->take_back, 3)};
        text_copy(undos[kept].annotator, sizeof undos[kept].annotator, annotator);
        where[kept][0] = sqlite3_column_int64(s->take_back, 1);
        where[kept][1] = sqlite3_column_int64(s->take_back, 2);
        ++*n;
    }
    if (!code && *n > 1)
        code = next_id(s, &act, e);
    for (int i = 0; i < *n && !code; i++) {
        undos[i].act = act;
        code = insert(s, where[i][1], where[i][0], &undos[i], e);
        *row = undos[i].id;
    }
    free(where);
    free(undos);
    return code;
}

int labels_undo(struct store *s, const char *run, int64_t pair, const char *annotator, struct judgement *undone,
                struct err *e)
{
    int64_t run_id = 0, row_run = 0, row_pair = 0, row;
    struct judgement found = {0};
    int n, code = labels_begin(s, e);
    if (code)
        return code;
    if (run)
        code = store_run_id(s, run, &run_id, e);
    if (!code)
        code = newest_standing(s, run_id, pair, annotator, &row_run, &row_pair, &found, e);
    if (!code)
        code = insert_undos(s, found.id, annotator, &n, &row, e);
    if (code)
        sql_rollback(&s->sql);
    else
        code = sql_commit(&s->sql, e);
    if (code)
        judgement_fini(&found);
    else
        *undone = found;
    return code;
}

int labels_take_back(struct store *s, int64_t judgement, const char *annotator, int64_t *row, struct err *e)
{
    int n, code = labels_begin(s, e);
    if (code)
        return code;
    code = insert_undos(s, judgement, annotator, &n, row, e);
    if (!code && n == 0)
        code = err_set(e, ERR_NOT_FOUND, "judgement %lld by %s does not stand: it was taken back or corrected elsewhere",
                       (long long)judgement, annotator);
    if (code)
        sql_rollback(&s->sql);
    return code ? code : sql_commit(&s->sql, e);
}
