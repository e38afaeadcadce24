// Taking back and saying again, without end: what was judged at once is taken back at once.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/label/label_room.h"

void label_forget_redo(struct label_desk *d)
{
    judgements_free(d->redo, d->n_redo);
    d->redo = NULL;
    d->n_redo = d->cap_redo = 0;
}

static void push_redo(struct label_desk *d, const struct judgement *j)
{
    MEM_GROW(d->redo, d->n_redo, d->cap_redo);
    struct judgement *copy = &d->redo[d->n_redo++];
    *copy = *j;
    copy->run = NULL;
    copy->note = mem_strdup(j->note ? j->note : "");
    copy->reasons = mem_strdup(j->reasons ? j->reasons : "");
}

static const struct judgement *judgement_of(const struct queue *q, int64_t id)
{
    for (int i = q->n_said - 1; i >= 0; i--)
        if (q->said[i].id == id)
            return &q->said[i];
    return NULL;
}

void label_find_redo(struct label_desk *d)
{
    const struct queue *q = &d->queue;
    int first = q->n_said;
    for (int i = q->n_said - 1; i >= 0; i--) {
        if (!queue_is_own(q, &q->said[i]))
            continue;
        if (q->said[i].verdict != VERDICT_UNDO)
            break;
        first = i;
    }
    label_forget_redo(d);
    for (int i = first; i < q->n_said; i++) {
        const struct judgement *j = queue_is_own(q, &q->said[i]) ? judgement_of(q, q->said[i].supersedes) : NULL;
        if (j)
            push_redo(d, j);
    }
}

static const struct judgement *newest_own(const struct queue *q)
{
    for (int i = q->n_said - 1; i >= 0; i--)
        if (q->stands[i] && queue_is_own(q, &q->said[i]) && queue_find(q, q->said[i].pair) >= 0)
            return &q->said[i];
    return NULL;
}

// How many of the annotator's own that stand were given at once with j, and are of this source.
static int act_size(const struct queue *q, const struct judgement *j)
{
    int n = 0;
    for (int i = 0; i < q->n_said; i++)
        n += q->stands[i] && queue_is_own(q, &q->said[i]) &&
             (q->said[i].id == j->id || (j->act && q->said[i].act == j->act));
    return n;
}

static void push_act(struct label_desk *d, int64_t id, int64_t act)
{
    const struct queue *q = &d->queue;
    for (int i = 0; i < q->n_said; i++)
        if (q->stands[i] && queue_is_own(q, &q->said[i]) && (q->said[i].id == id || (act && q->said[i].act == act)))
            push_redo(d, &q->said[i]);
}

int label_undo(struct label_desk *d, char *said, size_t size, struct err *e)
{
    const struct judgement *j = newest_own(&d->queue);
    int64_t row;
    if (!j)
        return err_set(e, ERR_NOT_FOUND, "there is nothing of yours to take back here");
    const struct queue_place back = {queue_find(&d->queue, j->pair), j->occasion, j->swapped};
    const enum verdict shown = verdict_turned(j->verdict, j->swapped);
    const int n = act_size(&d->queue, j);
    int code = labels_take_back(d->store, j->id, d->queue.annotator, &row, e);
    if (code)
        return code;
    push_act(d, j->id, j->act);
    code = label_read_queue(d, e);
    d->now = back;
    if (n > 1)
        snprintf(said, size, "taken back: %d pairs \"%s\"", n, label_words(shown));
    else
        snprintf(said, size, "taken back: #%lld \"%s\"", (long long)d->queue.items[back.item].number, label_words(shown));
    return code;
}

// The last n of what was taken back, at once.
static int say_again(struct label_desk *d, int n, struct err *e)
{
    struct asked_pair *pairs = mem_alloc((size_t)n, sizeof *pairs);
    struct judgement *list = &d->redo[d->n_redo - n];
    int code = 0, n_read = 0;
    for (; n_read < n && !code; n_read++) {
        const int item = queue_find(&d->queue, list[n_read].pair);
        code = item < 0 ? err_set(e, ERR_NOT_FOUND, "its pair is no longer here") : label_texts(d, item, &pairs[n_read], e);
    }
    if (!code)
        code = labels_add_many(d->store, label_run(d), pairs, list, n, false, e);
    for (int i = 0; i < n_read; i++)
        asked_pair_fini(&pairs[i]);
    free(pairs);
    return code ? code : label_read_queue(d, e);
}

int label_redo(struct label_desk *d, char *said, size_t size, struct err *e)
{
    if (d->n_redo == 0)
        return err_set(e, ERR_NOT_FOUND, "there is nothing to redo");
    const struct judgement *last = &d->redo[d->n_redo - 1];
    const enum verdict shown = verdict_turned(last->verdict, last->swapped);
    const int item = queue_find(&d->queue, last->pair);
    int n = 1;
    while (last->act && n < d->n_redo && d->redo[d->n_redo - 1 - n].act == last->act)
        n++;
    int code = say_again(d, n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++)
        judgement_fini(&d->redo[--d->n_redo]);
    d->now = queue_next(&d->queue);
    if (n > 1)
        snprintf(said, size, "again: %d pairs \"%s\"", n, label_words(shown));
    else
        snprintf(said, size, "again: #%lld \"%s\"", (long long)d->queue.items[item].number, label_words(shown));
    return 0;
}
