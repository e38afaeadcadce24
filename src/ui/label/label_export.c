#include "config.h"

#include "ui/label/label_export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "store/labels_pending.h"
#include "ui/label/judge_report.h"

struct work {
    const struct label_export *what;
    struct judged_pair *pairs; // in the order of .row
    int n;
    struct judgement *said; // that stand
    int n_said;
    struct judged_votes votes; // with LABELS_AS_SHARES
    struct judge_report report;
    int at; // in votes.sources: pairs come in the same order
    struct file_out *out;
    struct label_exported *count;
};

static int write_row(struct work *w, json_t *o, struct err *e)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6));
    BUG_IF(!text);
    int code = file_out_write(w->out, text, strlen(text), e);
    if (!code)
        code = file_out_write(w->out, "\n", 1, e);
    free(text);
    json_decref(o);
    return code;
}

// A row that begins with the prompt as training is to read it: messages where there were messages.
static int row_of(const struct asked_pair *p, json_t **out, struct err *e)
{
    char where[64];
    json_t *prompt = NULL;
    snprintf(where, sizeof where, "the messages of pair %lld", (long long)p->id);
    if (p->turns && p->turns[0]) {
        int code = json_parse(p->turns, strlen(p->turns), where, &prompt, e);
        if (code)
            return code;
    }
    *out = json_object();
    json_object_set_new(*out, "prompt", prompt ? prompt : json_any_text(p->prompt));
    return 0;
}

// ---- who can be relied on ----

// What the annotators' model makes of the pair, for its B; a pair that came after the votes were read has none: a half.
static struct annotator_pair soft_of(struct work *w, const struct judged_pair *p)
{
    struct annotator_pair f = {.share = 0.5, .interval = {0, 1}};
    int at = w->at;
    while (at < w->votes.n_sources && strcmp(w->votes.sources[at].hash, p->pair.hash) != 0)
        at++;
    if (at == w->votes.n_sources)
        return f;
    w->at = at + 1;
    f = w->report.fit.pairs[w->votes.sources[at].pair];
    if (w->votes.sources[at].is_turned) {
        const struct interval turned = {1 - f.interval.high, 1 - f.interval.low};
        f.share = 1 - f.share;
        f.interval = turned;
    }
    return f;
}

// ---- which pairs ----

// An attention check is no data: what is said of it was known before.
static bool is_left_out(const struct work *w, const struct judged_pair *p)
{
    const bool out = p->is_check && !w->what->checks;
    w->count->checks += out;
    return out;
}

// Whether there is something to learn from the pair; else it is counted as what it is.
static bool is_wanted(const struct work *w, const struct judged_pair *p, const struct annotator_pair *soft)
{
    struct label_exported *count = w->count;
    const enum label_shape shape = w->what->shape;
    if (is_left_out(w, p))
        return false;
    if (p->n_flags) {
        count->flagged++;
        return false;
    }
    if (shape == LABELS_AS_BINARY && p->n_a + p->n_b + p->n_ties == 0 && p->n_both_bad)
        return true;
    if (p->n_a + p->n_b + p->n_ties == 0) {
        count->both_bad += p->n_both_bad > 0;
        count->cannot += p->n_both_bad == 0 && p->n_cannot > 0;
        count->skipped += p->n_both_bad + p->n_cannot == 0;
        return false;
    }
    const bool by_share = shape == LABELS_AS_SHARES && !p->is_settled;
    const bool tie = by_share ? fabs(soft->share - 0.5) < 1e-6 : p->n_a == p->n_b;
    count->ties += tie;
    return !tie || (w->what->ties && (shape == LABELS_AS_PAIRS || shape == LABELS_AS_SHARES));
}

// ---- rows ----

static void add_answers(json_t *o, const struct asked_pair *p, bool b)
{
    json_object_set_new(o, "chosen", json_any_text(b ? p->b : p->a));
    json_object_set_new(o, "rejected", json_any_text(b ? p->a : p->b));
}

static void add_margin(json_t *o, const struct judged_pair *p, bool b)
{
    const int64_t n = p->n_a + p->n_b + p->n_ties;
    json_object_set_new(o, "margin", json_real((b ? p->grades : 0 - p->grades) / (double)n));
}

static void fill_pair(json_t *o, const struct judged_pair *p)
{
    const bool b = p->n_b > p->n_a;
    const int64_t better = b ? p->n_b : p->n_a, worse = b ? p->n_a : p->n_b;
    add_answers(o, &p->pair, b);
    if (better + worse + p->n_ties > 1 || better == worse) {
        json_t *votes = json_pack("[I, I]", (json_int_t)better, (json_int_t)worse);
        if (p->n_ties)
            json_array_append_new(votes, json_integer(p->n_ties));
        json_object_set_new(o, "votes", votes);
    }
    add_margin(o, p, b);
}

static void fill_share(json_t *o, const struct judged_pair *p, const struct annotator_pair *f)
{
    const bool b = p->is_settled ? p->n_b > p->n_a : f->share > 0.5;
    const double sure = p->n_a == p->n_b ? 0.5 : 1;
    add_answers(o, &p->pair, b);
    json_object_set_new(o, "share", json_real(p->is_settled ? sure : b ? f->share : 1 - f->share));
    if (!p->is_settled) {
        json_object_set_new(o, "share_low", json_real(b ? f->interval.low : 1 - f->interval.high));
        json_object_set_new(o, "share_high", json_real(b ? f->interval.high : 1 - f->interval.low));
    }
    add_margin(o, p, b);
}

static int write_binary(struct work *w, json_t *first, const struct judged_pair *p, struct err *e)
{
    const bool none = p->n_a + p->n_b + p->n_ties == 0, b = p->n_b > p->n_a;
    json_t *second = json_deep_copy(first);
    json_object_set_new(first, "completion", json_any_text(p->pair.a));
    json_object_set_new(first, "label", json_boolean(!none && !b));
    json_object_set_new(second, "completion", json_any_text(p->pair.b));
    json_object_set_new(second, "label", json_boolean(!none && b));
    int code = write_row(w, first, e), later = write_row(w, second, code ? NULL : e);
    return code ? code : later;
}

static int write_pair(struct work *w, const struct judged_pair *p, const struct annotator_pair *soft, struct err *e)
{
    json_t *o;
    int code = row_of(&p->pair, &o, e);
    if (code)
        return code;
    w->count->written++;
    switch (w->what->shape) {
    case LABELS_AS_BINARY:
        return write_binary(w, o, p, e);
    case LABELS_AS_SHARES:
        fill_share(o, p, soft);
        break;
    case LABELS_AS_TEXTS:
        json_object_set_new(o, "completion", json_any_text(p->n_b > p->n_a ? p->pair.b : p->pair.a));
        break;
    default:
        fill_pair(o, p);
    }
    return write_row(w, o, e);
}

static int by_row(const void *key, const void *pair)
{
    const int64_t row = *(const int64_t *)key, at = ((const struct judged_pair *)pair)->row;
    return row < at ? -1 : row > at;
}

static struct judged_pair *pair_of(const struct work *w, int64_t row)
{
    return w->n ? bsearch(&row, w->pairs, (size_t)w->n, sizeof *w->pairs, by_row) : NULL;
}

static int write_judgement(struct work *w, const struct judgement *j, struct err *e)
{
    const struct judged_pair *p = pair_of(w, j->row);
    if (!p)
        return 0;
    if (is_left_out(w, p))
        return 0;
    json_t *o = json_object();
    json_object_set_new(o, "prompt", json_any_text(p->pair.prompt));
    json_object_set_new(o, "a", json_any_text(p->pair.a));
    json_object_set_new(o, "b", json_any_text(p->pair.b));
    json_object_set_new(o, "verdict", json_string(verdict_name(j->verdict)));
    json_object_set_new(o, "annotator", json_any_text(j->annotator));
    json_object_set_new(o, "swapped", json_boolean(j->swapped));
    if (isfinite(j->seconds))
        json_object_set_new(o, "seconds", json_real(j->seconds));
    if (j->note && *j->note)
        json_object_set_new(o, "note", json_any_text(j->note));
    if (j->reasons && *j->reasons)
        json_object_set_new(o, "reasons", json_any_text(j->reasons));
    if (j->occasion)
        json_object_set_new(o, "occasion", json_integer(j->occasion));
    if (j->is_final)
        json_object_set_new(o, "final", json_true());
    w->count->written++;
    return write_row(w, o, e);
}

// ---- all of it ----

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// Keeps the pairs of the set.
static int keep_set(struct store *s, const char *name, struct judged_pair *list, int *n, struct err *e)
{
    struct label_set set;
    struct label_item *items = NULL;
    int n_items = 0, kept = 0, code = label_set_find(s, name, &set, e);
    if (code)
        return code;
    code = label_set_items(s, set.id, &items, &n_items, e);
    label_set_fini(&set);
    if (code)
        return code;
    int64_t *ids = mem_alloc((size_t)n_items + 1, sizeof *ids);
    for (int i = 0; i < n_items; i++)
        ids[i] = items[i].pair;
    qsort(ids, (size_t)n_items, sizeof *ids, ascending);
    for (int i = 0; i < *n; i++) {
        if (bsearch(&list[i].row, ids, (size_t)n_items, sizeof *ids, ascending)) {
            const struct judged_pair moved = list[i];
            list[i] = list[kept];
            list[kept++] = moved;
        }
    }
    for (int i = kept; i < *n; i++) {
        asked_pair_fini(&list[i].pair);
        free(list[i].run);
    }
    *n = kept;
    free(ids);
    free(items);
    return 0;
}

// Judgements that stand, in the order of the store.
static int read_said(struct work *w, struct store *s, struct err *e)
{
    int64_t cursor = 0;
    int kept = 0, n = 0;
    struct judgement *list = NULL;
    int code = labels_since(s, w->what->run, &cursor, &list, &n, e);
    if (code)
        return code;
    int64_t *gone = mem_alloc((size_t)n + 1, sizeof *gone);
    int n_gone = 0;
    for (int i = 0; i < n; i++)
        if (list[i].supersedes)
            gone[n_gone++] = list[i].supersedes;
    qsort(gone, (size_t)n_gone, sizeof *gone, ascending);
    for (int i = 0; i < n; i++) {
        if (list[i].verdict == VERDICT_UNDO || bsearch(&list[i].id, gone, (size_t)n_gone, sizeof *gone, ascending))
            judgement_fini(&list[i]);
        else
            list[kept++] = list[i];
    }
    free(gone);
    w->said = list;
    w->n_said = kept;
    return 0;
}

static int write_all(struct work *w, struct err *e)
{
    int code = 0;
    if (w->what->shape == LABELS_AS_JUDGEMENTS) {
        for (int i = 0; !code && i < w->n_said; i++)
            code = write_judgement(w, &w->said[i], e);
        return code;
    }
    for (int i = 0; !code && i < w->n; i++) {
        const struct judged_pair *p = &w->pairs[i];
        const struct annotator_pair soft =
            w->what->shape == LABELS_AS_SHARES ? soft_of(w, p) : (struct annotator_pair){0};
        if (is_wanted(w, p, &soft))
            code = write_pair(w, p, &soft, e);
    }
    return code;
}

int label_export(struct store *s, const struct label_export *what, const char *path, struct label_exported *count,
                 struct err *e)
{
    struct work w = {.what = what, .count = count};
    *count = (struct label_exported){0};
    int code = labels_recover(s, NULL, e);
    if (!code)
        code = labels_judged(s, what->run, &w.pairs, &w.n, e);
    if (!code && what->set)
        code = keep_set(s, what->set, w.pairs, &w.n, e);
    if (!code && what->shape == LABELS_AS_JUDGEMENTS)
        code = read_said(&w, s, e);
    if (!code && what->shape == LABELS_AS_SHARES)
        code = judged_votes_read(s, what->run, &w.votes, e);
    if (!code && what->shape == LABELS_AS_SHARES)
        code = judge_report_make(&w.report, &w.votes, e);
    if (!code)
        code = file_out_open(&w.out, path, e);
    if (!code)
        code = write_all(&w, e);
    if (!code && count->written == 0)
        code = err_set(e, ERR_NOT_FOUND, "%s%s has no pair with a better answer yet: %s is not written",
                       what->run   ? "run "
                       : what->set ? "set "
                                   : "",
                       what->run   ? what->run
                       : what->set ? what->set
                                   : "the project",
                       path);
    if (w.out && code)
        file_out_abort(w.out);
    else if (!code)
        code = file_out_commit(w.out, e);
    judge_report_fini(&w.report);
    judged_votes_fini(&w.votes);
    judged_pairs_free(w.pairs, w.n);
    judgements_free(w.said, w.n_said);
    return code;
}

void label_exported_text(const struct label_exported *c, bool ties, struct str *out)
{
    const struct {
        int64_t n;
        const char *one, *more;
    } kinds[] = {{ties ? 0 : c->ties, "tie", "ties"},
                 {c->both_bad, "both bad", "both bad"},
                 {c->cannot, "not to be told", "not to be told"},
                 {c->flagged, "flagged", "flagged"},
                 {c->skipped, "skipped", "skipped"},
                 {c->checks, "attention check", "attention checks"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].n)
            str_addf(out, "%s%lld %s", out->len ? ", " : "", (long long)kinds[i].n,
                     text_plural(kinds[i].n, kinds[i].one, kinds[i].more));
}
