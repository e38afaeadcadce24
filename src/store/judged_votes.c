#include "config.h"

#include "store/judged_votes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/store_internal.h"

bool verdict_is_answer(enum verdict v)
{
    return v != VERDICT_SKIP && v != VERDICT_FLAG && v != VERDICT_UNDO;
}

// What is known of a pair while they are read; texts go into hashes at once.
struct row {
    int64_t id, number; // its row; as asked_pair.id
    int64_t length_gap, prompt_length;
    double known;   // for its A; NaN: no attention check
    bool is_turned; // its answers stand in the other order than in `key`
    char *prompt, *key, *run, *models[2], *hash;
};
struct reading {
    struct row *rows;
    int n, cap;
};

static void reading_fini(struct reading *r)
{
    for (int i = 0; i < r->n; i++) {
        char *const texts[] = {r->rows[i].prompt,    r->rows[i].key,       r->rows[i].run,
                               r->rows[i].models[0], r->rows[i].models[1], r->rows[i].hash};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            free(texts[k]);
    }
    free(r->rows);
}

void judged_votes_fini(struct judged_votes *v)
{
    char **const lists[] = {v->annotators, v->models, v->runs};
    const int counts[] = {v->n_annotators, v->n_models, v->n_runs};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < counts[i]; k++)
            free(lists[i][k]);
        free(lists[i]);
    }
    free(v->votes);
    free(v->pairs);
    free(v->prompts);
    free(v->sources);
    *v = (struct judged_votes){0};
}

// ---- numbers for texts ----

struct numbered {
    const char *text;
    int at;
};

static int by_text(const void *x, const void *y)
{
    const struct numbered *a = x, *b = y;
    const int order = strcmp(a->text, b->text);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

// Equal texts get equal numbers, from 0 in the order in which they come first; "" gets -1. Returns how many there are;
// first (n, or NULL) says where each comes first.
static int number_texts(char *const *texts, int n, int *numbers, int *first)
{
    struct numbered *sorted = mem_alloc((size_t)n + 1, sizeof *sorted);
    int count = 0, leader = 0;
    for (int i = 0; i < n; i++)
        sorted[i] = (struct numbered){texts[i], i};
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int i = 0; i < n; i++) {
        if (i == 0 || strcmp(sorted[i].text, sorted[i - 1].text) != 0)
            leader = sorted[i].at;
        numbers[sorted[i].at] = leader;
    }
    free(sorted);
    for (int i = 0; i < n; i++) {
        if (numbers[i] < i) {
            numbers[i] = numbers[numbers[i]];
        } else if (!*texts[i]) {
            numbers[i] = -1;
        } else {
            if (first)
                first[count] = i;
            numbers[i] = count++;
        }
    }
    return count;
}

// Takes the distinct ones out of `texts`.
static int distinct(char *const *texts, int n, int *numbers, char ***names)
{
    int *first = mem_alloc((size_t)n + 1, sizeof *first);
    const int count = number_texts(texts, n, numbers, first);
    *names = mem_alloc((size_t)count + 1, sizeof **names);
    for (int i = 0; i < count; i++)
        (*names)[i] = mem_strdup(texts[first[i]]);
    free(first);
    return count;
}

// ---- pairs ----

static char *hash_of(const char *const *texts, int n)
{
    struct sha256 hash;
    char hex[65];
    sha256_init(&hash);
    for (int i = 0; i < n; i++) {
        char length[32];
        const int bytes =
            snprintf(length, sizeof length, "%zu:", strlen(texts[i])); // no text passes for the end of another
        sha256_add(&hash, length, (size_t)bytes);
        sha256_add(&hash, texts[i], strlen(texts[i]));
    }
    sha256_hex(&hash, hex);
    return mem_strdup(hex);
}

void judged_prompt_hash(const char *prompt, const char *turns, char hex[65])
{
    const char *const texts[] = {prompt, turns ? turns : ""};
    char *hash = hash_of(texts, 2);
    text_copy(hex, 65, hash);
    free(hash);
}

static const char *column(sqlite3_stmt *row, int i)
{
    const char *text = (const char *)sqlite3_column_text(row, i);
    return text ? text : "";
}

// Who wrote an answer. Weights of a run's own pairs are known within their run.
static char *model_of(const char *run, const char *model)
{
    struct str name = {0};
    str_addf(&name, "%s%s%s", model[0] ? run : "", model[0] && run[0] ? " " : "", model);
    return name.data ? str_take(&name) : mem_strdup("");
}

static struct row row_of(sqlite3_stmt *q)
{
    const char *const texts[] = {column(q, 4), column(q, 5), column(q, 6), column(q, 7)}; // prompt, turns, a, b
    const char *run = column(q, 8), *model = column(q, 9), *model_b = column(q, 10);
    const bool is_turned = strcmp(texts[2], texts[3]) > 0;
    const char *const key[] = {texts[0], texts[1], texts[is_turned ? 3 : 2], texts[is_turned ? 2 : 3]};
    return (struct row){.id = sqlite3_column_int64(q, 0),
                        .number = sqlite3_column_int64(q, 1),
                        .length_gap = sqlite3_column_int64(q, 2),
                        .known = sql_double(q, 11),
                        .prompt_length = sqlite3_column_int64(q, 12),
                        .hash = mem_strdup(column(q, 3)),
                        .is_turned = is_turned,
                        .prompt = hash_of(texts, 2),
                        .key = hash_of(key, 4),
                        .run = mem_strdup(run),
                        .models = {model_of(run, model), model_of(run, model_b[0] ? model_b : model)}};
}

static int read_pairs(struct store *s, int64_t run, struct reading *r, struct err *e)
{
    sqlite3_stmt *q = NULL;
    int code =
        sql_prepare(&s->sql, &q,
                    "SELECT p.id, ifnull(p.number, p.id), length(p.a) - length(p.b), p.hash, p.prompt, p.turns, p.a, p.b, "
                    "r.name, p.model, p.model_b, (SELECT max(i.known) FROM label_items i WHERE i.pair = p.id), "
                    "length(p.prompt) FROM pairs_judged p LEFT JOIN runs r ON r.id = p.run "
                    "WHERE (?1 = 0 OR p.run = ?1) AND EXISTS(SELECT 1 FROM judgements j WHERE j.pair = p.id) ORDER BY p.id",
                    e);
    if (code)
        return code;
    sqlite3_bind_int64(q, 1, run);
    while ((code = sql_step(&s->sql, q, e)) > 0) {
        MEM_GROW(r->rows, r->n, r->cap);
        r->rows[r->n++] = row_of(q);
    }
    sqlite3_finalize(q);
    return code;
}

static void number_pairs(const struct reading *r, struct judged_votes *v)
{
    const size_t n = (size_t)r->n + 1;
    char **texts = mem_alloc(n, sizeof *texts), **models = mem_alloc(2 * n, sizeof *models);
    int *pair = mem_alloc(n, sizeof *pair), *first = mem_alloc(n, sizeof *first), *prompt = mem_alloc(n, sizeof *prompt),
        *run = mem_alloc(n, sizeof *run), *model = mem_alloc(2 * n, sizeof *model);
    for (int i = 0; i < r->n; i++)
        texts[i] = r->rows[i].key;
    v->n_pairs = number_texts(texts, r->n, pair, first);
    for (int i = 0; i < r->n; i++)
        texts[i] = r->rows[i].prompt;
    v->n_prompts = number_texts(texts, r->n, prompt, NULL);
    v->prompts = mem_alloc((size_t)v->n_prompts + 1, sizeof *v->prompts);
    for (int i = 0; i < r->n; i++) {
        v->prompts[prompt[i]].length = r->rows[i].prompt_length;
        text_copy(v->prompts[prompt[i]].hash, sizeof v->prompts->hash, r->rows[i].prompt);
    }
    for (int i = 0; i < r->n; i++) {
        texts[i] = r->rows[i].run;
        models[2 * i] = r->rows[i].models[0];
        models[2 * i + 1] = r->rows[i].models[1];
    }
    v->n_runs = distinct(texts, r->n, run, &v->runs);
    v->n_models = distinct(models, 2 * r->n, model, &v->models);
    v->pairs = mem_alloc((size_t)v->n_pairs + 1, sizeof *v->pairs);
    for (int i = 0; i < v->n_pairs; i++) {
        const int at = first[i];
        const struct row *row = &r->rows[at];
        v->pairs[i] = (struct judged_text){.prompt = prompt[at],
                                           .length_gap = row->length_gap,
                                           .model_a = model[2 * at],
                                           .model_b = model[2 * at + 1],
                                           .id = row->number,
                                           .run = run[at],
                                           .known = NAN};
    }
    v->n_sources = r->n;
    v->sources = mem_alloc(n, sizeof *v->sources);
    for (int i = 0; i < r->n; i++) {
        v->sources[i] = (struct judged_source){pair[i], r->rows[i].is_turned != r->rows[first[pair[i]]].is_turned, ""};
        text_copy(v->sources[i].hash, sizeof v->sources[i].hash, r->rows[i].hash);
        struct judged_text *p = &v->pairs[pair[i]];
        const bool turn = v->sources[i].is_turned;
        if (!isnan(r->rows[i].known))
            p->known = turn ? 1 - r->rows[i].known : r->rows[i].known;
        // somebody compared two models with the same texts
        if (p->model_a == p->model_b && model[2 * i] != model[2 * i + 1]) {
            p->model_a = model[2 * i + turn];
            p->model_b = model[2 * i + !turn];
        }
    }
    free(model);
    free(run);
    free(prompt);
    free(first);
    free(pair);
    free(models);
    free(texts);
}

// ---- votes ----

static int by_id(const void *id, const void *row)
{
    const int64_t a = *(const int64_t *)id, b = ((const struct row *)row)->id;
    return (a > b) - (a < b);
}

static int take_vote(struct store *s, sqlite3_stmt *q, const struct reading *r, const struct judged_votes *v,
                     struct judged_vote *out, struct err *e)
{
    const int64_t id = sqlite3_column_int64(q, 0);
    const struct row *row = bsearch(&id, r->rows, (size_t)r->n, sizeof *r->rows, by_id);
    const int verdict = sqlite3_column_int(q, 2);
    if (!row || verdict < VERDICT_MUCH_A || verdict > VERDICT_UNDO)
        return err_set(e, ERR_INPUT, "%s: a judgement of pair %lld has an unknown verdict (%d)", s->sql.path, (long long)id,
                       verdict);
    const struct judged_source *source = &v->sources[row - r->rows];
    const bool turn = source->is_turned && verdict_is_graded((enum verdict)verdict);
    *out = (struct judged_vote){.at_ms = sqlite3_column_int64(q, 5),
                                .pair = source->pair,
                                .verdict = (enum verdict)(turn ? -verdict : verdict),
                                .swapped = (sqlite3_column_int(q, 3) != 0) != source->is_turned,
                                .seconds = sql_double(q, 4)};
    return 0;
}

// Says which votes are repeats: votes of a pair hang together by `before`.
static void find_repeats(struct judged_votes *v)
{
    int *last = mem_alloc((size_t)v->n_pairs + 1, sizeof *last),
        *before = mem_alloc((size_t)v->n_votes + 1, sizeof *before);
    for (int i = 0; i < v->n_pairs; i++)
        last[i] = -1;
    for (int i = 0; i < v->n_votes; i++) {
        struct judged_vote *vote = &v->votes[i];
        if (!verdict_is_answer(vote->verdict))
            continue;
        for (int k = last[vote->pair]; k >= 0 && !vote->is_repeat; k = before[k])
            vote->is_repeat = v->votes[k].annotator == vote->annotator;
        before[i] = last[vote->pair];
        last[vote->pair] = i;
    }
    free(before);
    free(last);
}

static int read_votes(struct store *s, int64_t run, const struct reading *r, struct judged_votes *v, struct err *e)
{
    sqlite3_stmt *q = NULL;
    char **names = NULL;
    int cap = 0, cap_names = 0;
    int code = sql_prepare(
        &s->sql, &q,
        "SELECT j.pair, j.annotator, j.verdict, j.swapped, j.seconds, j.at_ms "
        "FROM judgements j JOIN pairs_judged p ON p.id = j.pair WHERE (?1 = 0 OR p.run = ?1) AND j.verdict <> ?2 "
        "AND NOT EXISTS(SELECT 1 FROM judgements x WHERE x.supersedes = j.id) ORDER BY j.id",
        e);
    if (code)
        return code;
    sqlite3_bind_int64(q, 1, run);
    sqlite3_bind_int(q, 2, VERDICT_UNDO);
    while ((code = sql_step(&s->sql, q, e)) > 0) {
        struct judged_vote vote;
        code = take_vote(s, q, r, v, &vote, e);
        if (code)
            break;
        MEM_GROW(names, v->n_votes, cap_names);
        MEM_GROW(v->votes, v->n_votes, cap);
        names[v->n_votes] = sql_text(q, 1);
        v->votes[v->n_votes++] = vote;
    }
    sqlite3_finalize(q);
    if (!code) {
        int *who = mem_alloc((size_t)v->n_votes + 1, sizeof *who);
        v->n_annotators = distinct(names, v->n_votes, who, &v->annotators);
        for (int i = 0; i < v->n_votes; i++)
            v->votes[i].annotator = who[i];
        free(who);
        find_repeats(v);
    }
    for (int i = 0; i < v->n_votes; i++)
        free(names[i]);
    free(names);
    return code;
}

int judged_votes_read(struct store *s, const char *run, struct judged_votes *out, struct err *e)
{
    struct reading r = {0};
    int64_t run_id = 0;
    *out = (struct judged_votes){0};
    int code = sql_exec(&s->sql, "BEGIN", e); // pairs and votes of one moment
    if (code)
        return code;
    if (run)
        code = store_run_id(s, run, &run_id, e);
    if (!code)
        code = read_pairs(s, run_id, &r, e);
    if (!code) {
        number_pairs(&r, out);
        code = read_votes(s, run_id, &r, out, e);
    }
    sql_exec(&s->sql, "COMMIT", NULL); // nothing was written
    reading_fini(&r);
    if (code)
        judged_votes_fini(out);
    return code;
}
