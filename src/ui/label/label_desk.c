#include "config.h"

#include "ui/label/label_desk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_room.h"
#include "ui/label/label_source.h"

static const char *const order_names[LABEL_ORDERS] = {"random",       "in-order", "uncertain",
                                                      "disagreement", "skipped",  "disputed"};

const char *label_order_name(enum label_order order)
{
    return order < LABEL_ORDERS ? order_names[order] : "?";
}

bool label_order_from_name(const char *name, enum label_order *out)
{
    int found = -1;
    for (int i = 0; i < LABEL_ORDERS; i++)
        if (*name && text_starts(order_names[i], name))
            found = found < 0 ? i : LABEL_ORDERS;
    if (found < 0 || found == LABEL_ORDERS)
        return false;
    *out = (enum label_order)found;
    return true;
}

void label_request_fini(struct label_request *r)
{
    free(r->text);
    free(r->name);
    free(r->note);
    free(r->reasons);
    free(r->marked);
    free(r->checks);
    *r = (struct label_request){0};
}

void label_shown_fini(struct label_shown *s)
{
    asked_pair_fini(&s->pair);
    free(s->guideline);
    free(s->note_before);
    free(s->reasons_before);
    free(s->filter);
    for (int i = 0; i < s->n_list; i++) {
        free(s->list[i].prompt);
        free(s->list[i].left);
        free(s->list[i].right);
    }
    free(s->list);
    *s = (struct label_shown){0};
}

int label_desk_open(struct label_desk **out, const char *project_dir, const char *annotator, struct err *e)
{
    struct label_desk *d = mem_alloc(1, sizeof *d);
    d->now.item = d->queue.held = -1;
    int code = store_open(&d->store, project_dir, true, e);
    if (!code)
        code = labels_recover(d->store, NULL, e);
    if (!code)
        code = labels_pending_open(&d->pending, project_dir, e);
    if (!code && !text_copy(d->queue.annotator, sizeof d->queue.annotator, annotator))
        code = err_set(e, ERR_USAGE, "the name of an annotator has 1 to %zu bytes", sizeof d->queue.annotator - 1);
    if (code) {
        label_desk_close(d);
        return code;
    }
    *out = d;
    return 0;
}

void label_desk_close(struct label_desk *d)
{
    if (!d)
        return;
    label_release(d);
    queue_fini(&d->queue);
    label_forget_redo(d);
    judgement_fini(&d->held);
    filter_free(d->queue.filter);
    labels_pending_close(d->pending);
    store_close(d->store);
    free(d);
}

static int begin(struct label_desk *d, enum label_kind kind, struct run_reader *reader, struct label_set *set,
                 const char *name, struct err *e)
{
    label_release(d);
    queue_fini(&d->queue);
    filter_free(d->queue.filter);
    d->queue.filter = NULL;
    if (set)
        d->queue.set = *set;
    queue_begin(&d->queue, d->store, reader, kind, name);
    int code = label_read_queue(d, e);
    label_find_redo(d);
    d->now = queue_next(&d->queue);
    return code;
}

// *out stays NULL while its engine has not begun: nothing is asked yet.
static int open_reader(struct label_desk *d, const char *name, struct run_reader **out, struct err *e)
{
    struct err fault = {0};
    char *dir = store_run_dir(d->store, name);
    const int code = run_reader_open(out, dir, &fault);
    free(dir);
    if (code && code != ERR_NOT_FOUND)
        *e = fault;
    return code == ERR_NOT_FOUND ? 0 : code;
}

static int begin_run(struct label_desk *d, const char *name, struct err *e)
{
    struct run_info info;
    struct run_reader *r = NULL;
    int code = store_find_run(d->store, name, &info, e);
    if (code)
        return code;
    code = open_reader(d, info.name, &r, e);
    if (!code)
        code = begin(d, LABEL_OF_RUN, r, NULL, info.name, e);
    run_info_fini(&info);
    return code;
}

static int begin_set(struct label_desk *d, const char *name, struct err *e)
{
    struct label_set set;
    int code = label_set_find(d->store, name, &set, e);
    return code ? code : begin(d, LABEL_OF_SET, NULL, &set, set.name, e);
}

static int begin_file(struct label_desk *d, const struct label_request *r, struct err *e)
{
    struct label_set set;
    const struct label_from from = {r->text, r->name, r->repeats, r->seed, r->checks, r->check_share, 1 - r->shared};
    int code = label_set_from_file(d->store, &from, &set, e);
    return code ? code : begin(d, LABEL_OF_SET, NULL, &set, set.name, e);
}

// How many pairs of the run wait for the annotator; 0 where that cannot be known.
static int waiting_of(struct label_desk *d, const char *name)
{
    struct run_reader *r = NULL;
    struct pair_ref *list = NULL;
    int n = 0;
    char *dir = store_run_dir(d->store, name);
    if (run_reader_open(&r, dir, NULL) == 0)
        labels_waiting(d->store, r, name, d->queue.annotator, &list, &n, NULL);
    free(list);
    run_reader_close(r);
    free(dir);
    return n;
}

static int begin_first(struct label_desk *d, const char *wanted, struct err *e)
{
    struct run_info *runs = NULL;
    struct label_set *sets = NULL;
    int n = 0, n_sets = 0;
    char *name = wanted && waiting_of(d, wanted) ? mem_strdup(wanted) : NULL;
    int code = name ? 0 : store_runs(d->store, &runs, &n, e);
    for (int i = n - 1; !code && i >= 0 && !name; i--)
        if (waiting_of(d, runs[i].name))
            name = mem_strdup(runs[i].name);
    run_infos_free(runs, n);
    if (!code && name)
        code = begin_run(d, name, e);
    else if (!code && (code = label_sets(d->store, &sets, &n_sets, e)) == 0 && n_sets)
        code = begin_set(d, sets[0].name, e);
    label_sets_free(sets, n_sets);
    free(name);
    return code;
}

// The order "uncertain" follows from a fit, which is made again after some more rows.
static int fit_for_order(struct label_desk *d, struct err *e)
{
    enum { NOW_AND_THEN = 20 };
    const struct queue *q = &d->queue;
    if (q->order != LABEL_UNCERTAIN || (q->is_fitted && q->n_said - q->n_fitted < NOW_AND_THEN))
        return 0;
    return queue_fit(&d->queue, e);
}

// ---- judging ----

static int add(struct label_desk *d, int item, struct judgement *j, bool replace, struct err *e)
{
    struct asked_pair p;
    bool again;
    int code = label_texts(d, item, &p, e);
    if (code)
        return code;
    const double from = clock_seconds();
    text_copy(j->annotator, sizeof j->annotator, d->queue.annotator);
    code = labels_add(d->store, label_run(d), &p, j, replace, &again, e);
    d->save_s = clock_seconds() - from;
    asked_pair_fini(&p);
    return code ? code : label_read_queue(d, e);
}

// As if it were in the store already: its pair waits no more, and the next one has its place in the order of sides.
static void hold(struct label_desk *d, const struct judgement *j)
{
    struct queue *q = &d->queue;
    d->held = *j;
    d->held.note = mem_strdup(j->note ? j->note : "");
    d->held.reasons = mem_strdup(j->reasons ? j->reasons : "");
    d->held_at = d->now;
    d->replaces = j->is_final || q->items[d->now.item].own[d->now.occasion] != NULL;
    d->is_held = true;
    q->held = d->now.item;
    q->n_fresh += d->now.occasion == 0 && !q->items[d->now.item].own[0];
}

// The judgement is written down, and the next pair can be shown; LABEL_SAVE is to follow.
static int judge(struct label_desk *d, const struct label_request *r, char *said, size_t size, struct err *e)
{
    const struct queue_place at = d->now;
    if (at.item < 0)
        return err_set(e, ERR_STATE, "there is no pair to judge");
    struct queue_item *t = &d->queue.items[at.item];
    if (r->number && r->number != t->number)
        return err_set(e, ERR_STATE, "pair #%lld was closed or taken by somebody else meanwhile: nothing was judged",
                       (long long)r->number);
    const bool is_final = d->queue.order == LABEL_DISPUTED && r->verdict != VERDICT_SKIP;
    struct judgement j = {.verdict = verdict_turned(r->verdict, at.swapped),
                          .swapped = at.swapped,
                          .occasion = at.occasion,
                          .pair = t->pair,
                          .is_final = is_final,
                          .seconds = r->seconds,
                          .note = r->note,
                          .reasons = r->reasons};
    text_copy(j.annotator, sizeof j.annotator, d->queue.annotator);
    // In adjudication a skip only passes the pair over: what the annotator said before stays.
    if (d->queue.order != LABEL_DISPUTED || is_final) {
        int code = labels_pending_write(d->pending, label_run(d), &j, e);
        if (code)
            return code;
        hold(d, &j);
    }
    t->passed |= r->verdict == VERDICT_SKIP;
    label_forget_redo(d);
    d->now = queue_next(&d->queue);
    snprintf(said, size, "saving #%lld \"%s\" ...", (long long)t->number, label_words(r->verdict));
    return 0;
}

// Brings what is held to attune.db. The pair that is shown meanwhile stays; where it cannot be saved its own pair comes
// back.
static int save(struct label_desk *d, char *said, size_t size, struct err *e)
{
    if (!d->is_held)
        return 0;
    struct judgement j = d->held;
    const enum verdict shown = verdict_turned(j.verdict, j.swapped);
    d->is_held = false;
    d->queue.held = -1;
    int code = add(d, d->held_at.item, &j, d->replaces, e);
    if (code)
        d->now = d->held_at;
    else
        snprintf(said, size, "saved #%lld \"%s\"%s", (long long)d->queue.items[d->held_at.item].number, label_words(shown),
                 j.is_final ? ", the last word" : "");
    labels_pending_clear(d->pending, NULL); // what was refused is shown again, with the reason
    judgement_fini(&d->held);
    const struct queue *q = &d->queue;
    if (!code)
        code = fit_for_order(d, e);
    if (!code && d->now.item < 0) // something may be due by now
        d->now = queue_next(q);
    return code;
}

static int go(struct label_desk *d, int64_t number, struct err *e)
{
    const struct queue *q = &d->queue;
    const int item = label_item_of(q, number);
    if (item < 0)
        return err_set(e, ERR_NOT_FOUND, "there is no pair #%lld here", (long long)number);
    d->now = (struct queue_place){item, 0, queue_side(q, item, 0)};
    return 0;
}

static int choose_order(struct label_desk *d, enum label_order order, char *said, size_t size, struct err *e)
{
    d->queue.order = order;
    d->queue.is_fitted = false;
    const int code = fit_for_order(d, e);
    for (int i = 0; i < d->queue.n; i++)
        d->queue.items[i].passed = false;
    d->now = queue_next(&d->queue);
    snprintf(said, size, "order: %s%s", label_order_name(order),
             order == LABEL_DISPUTED ? "; what you say now is the last word on a pair" : "");
    return code;
}

// The better wording and the answer as it was are a pair, which the annotator has judged. Another pair may be shown by now.
static int edit(struct label_desk *d, const struct label_request *r, char *said, size_t size, struct err *e)
{
    struct asked_pair p;
    const int item = label_item_of(&d->queue, r->number);
    if (item < 0)
        return err_set(e, ERR_STATE, "there is no answer to edit");
    int code = label_texts(d, item, &p, e);
    if (code)
        return code;
    char note[64];
    snprintf(note, sizeof note, "correction of pair %lld", (long long)r->number);
    struct asked_pair made = {.prompt = p.prompt, .turns = p.turns, .a = r->text, .b = r->is_b ? p.b : p.a};
    struct judgement j = {.verdict = VERDICT_A, .seconds = r->seconds, .note = note};
    bool again;
    text_copy(j.annotator, sizeof j.annotator, d->queue.annotator);
    asked_pair_hash(&made);
    if (strcmp(made.a, made.b) == 0)
        code = err_set(e, ERR_USAGE, "nothing was changed: there is no correction to keep");
    if (!code && d->queue.kind == LABEL_OF_SET)
        code = label_set_append(d->store, d->queue.name, &made, NAN, e);
    if (!code)
        code = labels_add(d->store, NULL, &made, &j, false, &again, e);
    if (!code)
        code = label_read_queue(d, e);
    asked_pair_fini(&p);
    snprintf(said, size, "saved the correction of #%lld as a pair: yours is better", (long long)r->number);
    return code;
}

static int guide(struct label_desk *d, const char *text, struct err *e)
{
    if (d->queue.kind != LABEL_OF_SET)
        return err_set(e, ERR_STATE, "only sets have a guideline");
    int code = label_set_set_guideline(d->store, d->queue.set.id, text, e);
    if (!code) {
        free(d->queue.set.guideline);
        d->queue.set.guideline = mem_strdup(text);
    }
    return code;
}

// What is shown stays, unless others (or the run) have closed it.
static int look(struct label_desk *d, struct err *e)
{
    int code = 0;
    if (d->queue.kind == LABEL_OF_RUN && !d->queue.reader)
        code = open_reader(d, d->queue.name, &d->queue.reader, e);
    if (!code)
        code = label_read_queue(d, e);
    const struct queue *q = &d->queue;
    const bool stays =
        d->now.item >= 0 && (q->kind == LABEL_OF_SET || q->items[d->now.item].waits || q->items[d->now.item].own[0]);
    if (!code && !stays)
        d->now = queue_next(q);
    return code;
}

// ---- what is shown ----

static int show_pair(struct label_desk *d, struct label_shown *out, struct err *e)
{
    const struct queue *q = &d->queue;
    const struct queue_item *t = &q->items[d->now.item];
    const struct judgement *own = t->own[d->now.occasion];
    int code = label_texts(d, d->now.item, &out->pair, e);
    if (code)
        return code;
    out->has_pair = true;
    out->swapped = d->now.swapped;
    out->number = t->number;
    // In a set with attention checks the file's own label is not told of any pair: it would tell them apart.
    out->share = q->has_checks ? NAN : d->now.swapped ? 1 - t->share : t->share;
    out->was_judged = own != NULL;
    if (own) {
        out->before = verdict_turned(own->verdict, d->now.swapped);
        out->note_before = mem_strdup(own->note ? own->note : "");
        out->reasons_before = mem_strdup(own->reasons ? own->reasons : "");
    }
    queue_show_votes(q, t->pair, out);
    return 0;
}

static int show(struct label_desk *d, struct label_shown *out, struct err *e)
{
    const struct queue *q = &d->queue;
    out->kind = q->kind;
    out->order = q->order;
    out->share = NAN;
    out->save_s = d->save_s;
    text_copy(out->annotator, sizeof out->annotator, q->annotator);
    text_copy(out->source, sizeof out->source, q->name);
    out->guideline = mem_strdup(q->kind == LABEL_OF_SET && q->set.guideline ? q->set.guideline : "");
    out->n_redo = d->n_redo;
    if (q->kind == LABEL_OF_NOTHING)
        return 0;
    out->n_waiting = queue_waiting(q);
    queue_show_tally(q, out);
    memcpy(out->abilities, q->abilities, sizeof out->abilities);
    out->n_abilities = q->n_abilities;
    if (d->is_held && d->held.occasion == 0) {
        const struct judgement *before = q->items[d->held_at.item].own[0];
        out->tally.n_done += (d->held.verdict != VERDICT_SKIP) - (before && before->verdict != VERDICT_SKIP);
        out->tally.n_skipped += (d->held.verdict == VERDICT_SKIP) - (before && before->verdict == VERDICT_SKIP);
    }
    queue_show_past(q, out);
    out->filter = mem_strdup(filter_text(q->filter));
    if (d->listing) {
        const int code = label_show_list(d, out, e);
        if (code)
            return code;
    }
    return d->now.item >= 0 ? show_pair(d, out, e) : 0;
}

static int answer(struct label_desk *d, const struct label_request *r, char *said, size_t size, struct err *e)
{
    switch (r->what) {
    case LABEL_LOOK:
        return look(d, e);
    case LABEL_FIRST:
        return begin_first(d, r->text, e);
    case LABEL_RUN:
        return begin_run(d, r->text, e);
    case LABEL_SET:
        return begin_set(d, r->text, e);
    case LABEL_FILE:
        return begin_file(d, r, e);
    case LABEL_JUDGE:
        return judge(d, r, said, size, e);
    case LABEL_SAVE:
        return save(d, said, size, e);
    case LABEL_UNDO:
        return label_undo(d, said, size, e);
    case LABEL_REDO:
        return label_redo(d, said, size, e);
    case LABEL_GO:
        return go(d, r->number, e);
    case LABEL_ORDER:
        return choose_order(d, r->order, said, size, e);
    case LABEL_FIT:
        return queue_fit(&d->queue, e);
    case LABEL_EDIT:
        return edit(d, r, said, size, e);
    case LABEL_GUIDE:
        return guide(d, r->text, e);
    case LABEL_FILTER:
        return label_choose_filter(d, r->text, said, size, e);
    case LABEL_LIST:
        d->listing = r->number > 0;
        return 0;
    case LABEL_JUDGE_MANY:
        return label_judge_many(d, r, said, size, e);
    }
    return 0;
}

int label_desk_do(struct label_desk *d, const struct label_request *r, struct label_shown *out, struct err *e)
{
    *out = (struct label_shown){0};
    d->save_s = NAN;
    if (d->is_held && r->what != LABEL_SAVE) { // who asks for something else has forgotten it
        int code = save(d, out->said, sizeof out->said, e);
        if (code) {
            show(d, out, NULL);
            return code;
        }
    }
    int code = answer(d, r, out->said, sizeof out->said, e);
    if (!code)
        code = label_reserve(d, r->what != LABEL_JUDGE, e);
    int shown = show(d, out, code ? NULL : e);
    return code ? code : shown;
}
