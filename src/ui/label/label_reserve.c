// Pairs of a shared set are reserved for who sees them, so that two annotators do not judge the same one, unless it is one
// of those that all judge. Claims end by themselves (LABEL_LEASE_MS), so a console that was killed keeps no pair for long;
// who looks at a pair for longer than that may find that another has judged it as well.
#include "config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ui/label/label_room.h"

static bool is_shared_out(const struct queue *q)
{
    return q->kind == LABEL_OF_SET && q->set.overlap < 1;
}

static bool wants_claim(const struct queue *q, int item, int64_t now_ms)
{
    const struct queue_item *t = &q->items[item];
    const int64_t left_ms = t->mine_until_ms - now_ms; // more than a whole one: the clock was set back
    return !t->for_all && queue_waits(q, item, 0) && (left_ms < LABEL_LEASE_MS / 2 || left_ms > LABEL_LEASE_MS);
}

int label_reserve_items(struct label_desk *d, const int *items, int n, struct err *e)
{
    struct queue *q = &d->queue;
    const int64_t now_ms = clock_wall_ms();
    int64_t *pairs = mem_alloc((size_t)n + 1, sizeof *pairs);
    int n_pairs = 0, code = 0;
    for (int i = 0; i < n; i++)
        if (is_shared_out(q) && wants_claim(q, items[i], now_ms))
            pairs[n_pairs++] = q->items[items[i]].pair;
    if (n_pairs)
        code = label_claim(d->store, q->set.id, pairs, n_pairs, q->annotator, now_ms, now_ms + LABEL_LEASE_MS, e);
    free(pairs);
    return code || !n_pairs ? code : label_read_queue(d, e);
}

// What would come if this one were judged.
static int after(struct queue *q, int item)
{
    const int held = q->held;
    if (held >= 0)
        return -1;
    q->held = item;
    const int next = queue_next(q).item;
    q->held = held;
    return next;
}

int label_reserve(struct label_desk *d, bool ahead, struct err *e)
{
    struct queue *q = &d->queue;
    int code = 0;
    while (!code && is_shared_out(q) && d->now.item >= 0 && d->now.occasion == 0) {
        const int64_t now_ms = clock_wall_ms();
        int items[2] = {d->now.item, ahead ? after(q, d->now.item) : -1};
        const int n = 1 + (items[1] >= 0);
        if (!wants_claim(q, items[0], now_ms) && (n == 1 || !wants_claim(q, items[1], now_ms)))
            break;
        const bool waited = queue_waits(q, items[0], 0);
        code = label_reserve_items(d, items, n, e);
        if (code || !waited || queue_waits(q, items[0], 0))
            break;
        d->now = queue_next(q); // somebody else was faster
    }
    return code;
}

void label_release(struct label_desk *d)
{
    if (is_shared_out(&d->queue))
        label_claims_release(d->store, d->queue.set.id, d->queue.annotator, NULL); // else they end by themselves
}
