#include "config.h"

#include "store/label_sets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/labels_internal.h"

const struct label_reason label_reasons[] = {
    {'a', "correct"}, {'b', "complete"}, {'c', "clear"},  {'d', "concise"}, {'e', "tone"},
    {'f', "honest"},  {'g', "safe"},     {'h', "format"}, {0, NULL},
};

void label_set_fini(struct label_set *s)
{
    free(s->name);
    free(s->source);
    free(s->guideline);
    *s = (struct label_set){0};
}

void label_sets_free(struct label_set *list, int n)
{
    for (int i = 0; i < n; i++)
        label_set_fini(&list[i]);
    free(list);
}

bool label_side(uint64_t seed, uint64_t k)
{
    enum { BLOCK = 8 };
    struct rng r = rng_make(seed, RNG_SIDES, (uint32_t)(k / BLOCK));
    uint32_t places[BLOCK];
    for (uint32_t i = 0; i < BLOCK; i++)
        places[i] = i;
    rng_shuffle(&r, places, BLOCK);
    return places[k % BLOCK] < BLOCK / 2;
}

uint64_t label_seed(uint64_t seed, const char *annotator)
{
    struct sha256 hash;
    char hex[65], first[17] = "";
    sha256_init(&hash);
    sha256_add(&hash, &seed, sizeof seed);
    sha256_add(&hash, annotator, strlen(annotator));
    sha256_hex(&hash, hex);
    memcpy(first, hex, 16);
    return strtoull(first, NULL, 16);
}

// ---- making ----

static int insert_set(struct store *s, struct label_set *set, struct err *e)
{
    if (!set->name || !set->name[0] || strlen(set->name) > 100)
        return err_set(e, ERR_USAGE, "the name of a set has 1 to 100 bytes");
    if (!(set->repeats >= 0 && set->repeats <= 0.5))
        return err_set(e, ERR_USAGE, "the share of pairs that come again is %g, must be from 0 to 0.5", set->repeats);
    if (!(set->overlap >= 0 && set->overlap <= 1))
        return err_set(e, ERR_USAGE, "the share of pairs that all annotators judge is %g, must be from 0 to 1",
                       set->overlap);
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(
        &s->sql, &row,
        "INSERT OR IGNORE INTO label_sets(name, source, seed, repeats, guideline, created_ms, overlap) "
        "VALUES(?, ?, ?, ?, ?, ?, ?)",
        e);
    if (code)
        return code;
    sqlite3_bind_text(row, 1, set->name, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(row, 2, set->source ? set->source : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(row, 3, (int64_t)set->seed);
    sqlite3_bind_double(row, 4, set->repeats);
    sqlite3_bind_text(row, 5, set->guideline ? set->guideline : "", -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(row, 6, clock_wall_ms());
    sqlite3_bind_double(row, 7, set->overlap);
    code = sql_step(&s->sql, row, e);
    sqlite3_finalize(row);
    if (!code && sqlite3_changes(s->sql.db) == 0)
        return err_set(e, ERR_STATE, "there is a set \"%s\" already; choose another name, or go on with that one",
                       set->name);
    if (!code)
        set->id = sqlite3_last_insert_rowid(s->sql.db);
    return code;
}

// The pair as the last of the set; one that is in it already is passed over. *number: of the last one, kept by the
// caller.
static int insert_item(struct store *s, int64_t set, int64_t *number, struct asked_pair *pair, double share,
                       double known, struct err *e)
{
    int64_t id = 0;
    asked_pair_hash(pair);
    int code = labels_judged_id(s, 0, pair, &id, e);
    if (!code)
        code = sql_prepare(&s->sql, &s->add_item,
                           "INSERT INTO label_items(set_id, number, pair, share, known) SELECT ?1, ?2, ?3, ?4, ?5 "
                           "WHERE NOT EXISTS(SELECT 1 FROM label_items WHERE set_id = ?1 AND pair = ?3)",
                           e);
    if (code)
        return code;
    sqlite3_bind_int64(s->add_item, 1, set);
    sqlite3_bind_int64(s->add_item, 2, *number + 1);
    sqlite3_bind_int64(s->add_item, 3, id);
    sqlite3_bind_double(s->add_item, 4, share); // a NaN becomes NULL by itself
    sqlite3_bind_double(s->add_item, 5, known);
    code = sql_step(&s->sql, s->add_item, e);
    if (!code)
        *number += sqlite3_changes(s->sql.db);
    return code;
}

int label_set_add(struct store *s, struct label_set *set, struct asked_pair *pairs, const double *shares,
                  const double *known, int n, struct err *e)
{
    int64_t number = 0;
    if (n < 1 || n > LABEL_SET_MOST)
        return err_set(e, ERR_LIMIT, "a set has 1 to %d pairs, not %d", LABEL_SET_MOST, n);
    // What does not fit into the cache stays in memory: written out before the commit it would lock out every reader till
    // then.
    int code = sql_exec(&s->sql, "PRAGMA cache_spill=OFF", e);
    if (!code)
        code = labels_begin(s, e);
    if (code)
        return code;
    code = insert_set(s, set, e);
    for (int i = 0; !code && i < n; i++)
        code = insert_item(s, set->id, &number, &pairs[i], shares ? shares[i] : NAN, known ? known[i] : NAN, e);
    set->n = number;
    if (code)
        sql_rollback(&s->sql);
    else
        code = sql_commit(&s->sql, e);
    sql_exec(&s->sql, "PRAGMA cache_spill=ON", NULL);
    return code;
}

int label_set_append(struct store *s, const char *name, struct asked_pair *pair, double share, struct err *e)
{
    struct label_set set = {0}, made = {.name = (char *)name, .seed = (uint64_t)clock_wall_ms(), .overlap = 1};
    struct err fault = {0};
    int64_t number = 0;
    int code = labels_begin(s, e);
    if (code)
        return code;
    code = label_set_find(s, name, &set, &fault);
    if (code == ERR_NOT_FOUND) {
        code = insert_set(s, &made, e);
        set.id = made.id;
    } else if (code) {
        *e = fault;
    }
    number = set.n;
    if (!code)
        code = insert_item(s, set.id, &number, pair, share, NAN, e);
    label_set_fini(&set);
    if (code)
        sql_rollback(&s->sql);
    return code ? code : sql_commit(&s->sql, e);
}

int label_set_set_guideline(struct store *s, int64_t set, const char *text, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(&s->sql, &row, "UPDATE label_sets SET guideline = ? WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_text(row, 1, text, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(row, 2, set);
    code = sql_step(&s->sql, row, e);
    sqlite3_finalize(row);
    return code;
}

// ---- reading ----

static void read_set(sqlite3_stmt *row, struct label_set *out)
{
    *out = (struct label_set){.id = sqlite3_column_int64(row, 0),
                              .name = sql_text(row, 1),
                              .source = sql_text(row, 2),
                              .seed = (uint64_t)sqlite3_column_int64(row, 3),
                              .repeats = sqlite3_column_double(row, 4),
                              .guideline = sql_text(row, 5),
                              .created_ms = sqlite3_column_int64(row, 6),
                              .n = sqlite3_column_int64(row, 7),
                              .overlap = sqlite3_column_double(row, 8)};
}

int label_sets(struct store *s, struct label_set **out, int *n, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(&s->sql, &row,
                           "SELECT id, name, source, seed, repeats, guideline, created_ms, "
                           "(SELECT count(*) FROM label_items WHERE set_id = id), overlap FROM label_sets ORDER BY id DESC",
                           e);
    if (code)
        return code;
    struct label_set *list = NULL;
    int count = 0, cap = 0;
    while ((code = sql_step(&s->sql, row, e)) > 0) {
        MEM_GROW(list, count, cap);
        read_set(row, &list[count++]);
    }
    sqlite3_finalize(row);
    if (code) {
        label_sets_free(list, count);
        return code;
    }
    *out = list;
    *n = count;
    return 0;
}

static int no_such_set(const struct label_set *list, int n, const char *name, struct err *e)
{
    const char **names = mem_alloc((size_t)n + 1, sizeof *names);
    struct str near = {.max = 300}, shown = {.max = 200};
    for (int i = 0; i < n; i++)
        names[i] = list[i].name;
    str_add_near(&near, name, names, (size_t)n);
    str_add_visible(&shown, name, strlen(name), false);
    err_set(e, ERR_NOT_FOUND, "there is no set of pairs \"%s\"%s", str_text(&shown),
            near.len ? str_text(&near)
            : n      ? ""
                     : "; there are none in this project yet");
    str_fini(&near);
    str_fini(&shown);
    free(names);
    return ERR_NOT_FOUND;
}

int label_set_find(struct store *s, const char *name, struct label_set *out, struct err *e)
{
    struct label_set *list = NULL;
    int n = 0, code = label_sets(s, &list, &n, e);
    if (code)
        return code;
    code = ERR_NOT_FOUND;
    for (int i = 0; i < n && code; i++)
        if (strcasecmp(list[i].name, name) == 0) {
            *out = list[i];
            list[i] = (struct label_set){0};
            code = 0;
        }
    if (code)
        no_such_set(list, n, name, e);
    label_sets_free(list, n);
    return code;
}

int label_set_items(struct store *s, int64_t set, struct label_item **out, int *n, struct err *e)
{
    sqlite3_stmt *row = NULL;
    int code = sql_prepare(&s->sql, &row, "SELECT pair, share, known FROM label_items WHERE set_id = ? ORDER BY number", e);
    if (code)
        return code;
    struct label_item *list = NULL;
    int count = 0, cap = 0;
    sqlite3_bind_int64(row, 1, set);
    while ((code = sql_step(&s->sql, row, e)) > 0) {
        MEM_GROW(list, count, cap);
        list[count++] = (struct label_item){sqlite3_column_int64(row, 0), sql_double(row, 1), sql_double(row, 2)};
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

int label_pair(struct store *s, int64_t pair, struct asked_pair *out, struct err *e)
{
    int code =
        sql_prepare(&s->sql, &s->pair_texts,
                    "SELECT prompt, turns, a, b, model, model_b, hash, step, at_ms FROM pairs_judged WHERE id = ?", e);
    if (code)
        return code;
    sqlite3_bind_int64(s->pair_texts, 1, pair);
    code = sql_step(&s->sql, s->pair_texts, e);
    if (code == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no pair %lld in %s", (long long)pair, s->sql.path);
    if (code < 0)
        return code;
    *out = (struct asked_pair){.id = pair,
                               .prompt = sql_text(s->pair_texts, 0),
                               .turns = sql_text(s->pair_texts, 1),
                               .a = sql_text(s->pair_texts, 2),
                               .b = sql_text(s->pair_texts, 3),
                               .model = sql_text(s->pair_texts, 4),
                               .model_b = sql_text(s->pair_texts, 5),
                               .step = sqlite3_column_int64(s->pair_texts, 7),
                               .at_ms = sqlite3_column_int64(s->pair_texts, 8)};
    text_copy(out->hash, sizeof out->hash, (const char *)sqlite3_column_text(s->pair_texts, 6));
    sqlite3_reset(s->pair_texts);
    return 0;
}

int label_set_since(struct store *s, int64_t set, int64_t *cursor, struct judgement **out, int *n, struct err *e)
{
    int code = sql_prepare(&s->sql, &s->set_since,
                           "SELECT " JUDGEMENT_COLUMNS " FROM judgements j JOIN pairs_judged p ON p.id = j.pair "
                           "JOIN label_items i ON i.pair = j.pair AND i.set_id = ? WHERE j.id > ? ORDER BY j.id",
                           e);
    if (code)
        return code;
    sqlite3_bind_int64(s->set_since, 1, set);
    sqlite3_bind_int64(s->set_since, 2, *cursor);
    return labels_read_rows(s, s->set_since, "", cursor, out, n, e);
}
