#include "config.h"

#include "ui/label/label_queue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/str.h"

void queue_fini(struct queue *q)
{
    label_set_fini(&q->set);
    run_reader_close(q->reader);
    judgements_free(q->said, q->n_said);
    free(q->stands);
    free(q->items);
    free(q->by_pair);
    q->reader = NULL;
    q->said = NULL;
    q->stands = NULL;
    q->items = NULL;
    q->by_pair = NULL;
    q->n = q->n_indexed = q->cap = q->n_said = q->cap_said = q->cap_stands = q->n_fresh = 0;
    q->cursor = 0;
    q->held = -1;
    q->is_fitted = q->has_checks = false;
    q->n_abilities = 0;
    q->kind = LABEL_OF_NOTHING;
}

static uint64_t seed_of_name(const char *name)
{
    uint64_t seed = 0xcbf29ce484222325u; // FNV-1a
    for (; *name; name++)
        seed = (seed ^ (unsigned char)*name) * 0x100000001b3u;
    return seed;
}

void queue_begin(struct queue *q, struct store *s, struct run_reader *r, enum label_kind kind, const char *name)
{
    q->kind = kind;
    q->reader = r;
    text_copy(q->name, sizeof q->name, name);
    q->seed = label_seed(kind == LABEL_OF_SET ? q->set.seed : seed_of_name(name), q->annotator);
    q->order = kind == LABEL_OF_SET ? LABEL_RANDOM : LABEL_IN_ORDER;
}

// ---- pairs ----

static void add_item(struct queue *q, int64_t pair, int64_t number, double share)
{
    uint32_t bits[4];
    MEM_GROW(q->items, q->n, q->cap);
    // The lot is the source's, not the annotator's: what two judge overlaps from the beginning.
    rng_block(q->kind == LABEL_OF_SET ? q->set.seed : 0, RNG_QUEUE, (uint64_t)number, bits);
    q->items[q->n++] = (struct queue_item){
        .pair = pair, .number = number, .share = share, .p_b = 0.5, .lot = (uint64_t)bits[0] << 32 | bits[1],
        .for_all = q->kind != LABEL_OF_SET || bits[2] * 0x1p-32 < q->set.overlap};
}

static int ascending(const void *a, const void *b, void *q)
{
    const struct queue_item *items = ((const struct queue *)q)->items;
    const int64_t x = items[*(const int *)a].pair, y = items[*(const int *)b].pair;
    return x < y ? -1 : x > y;
}

static void index_items(struct queue *q)
{
    q->by_pair = mem_realloc(q->by_pair, (size_t)q->n + 1, sizeof *q->by_pair);
    for (int i = 0; i < q->n; i++)
        q->by_pair[i] = i;
    q->n_indexed = q->n;
    qsort_r(q->by_pair, (size_t)q->n, sizeof *q->by_pair, ascending, q);
}

int queue_find(const struct queue *q, int64_t pair)
{
    int low = 0, high = q->n_indexed;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (q->items[q->by_pair[middle]].pair < pair)
            low = middle + 1;
        else
            high = middle;
    }
    return low < q->n_indexed && q->items[q->by_pair[low]].pair == pair ? q->by_pair[low] : -1;
}

static int read_set(struct queue *q, struct store *s, struct err *e)
{
    struct label_item *list = NULL;
    int n = 0, code = label_set_items(s, q->set.id, &list, &n, e);
    if (code)
        return code;
    for (int i = q->n; i < n; i++) { // a set only ever grows at its end
        add_item(q, list[i].pair, i + 1, list[i].share);
        q->items[i].is_check = !isnan(list[i].known);
        q->has_checks |= q->items[i].is_check;
        q->items[i].for_all |= q->items[i].is_check; // each annotator has the same ones
    }
    free(list);
    index_items(q);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

// Those of ids (n) that are not there yet; ids is put in order.
static void add_new(struct queue *q, int64_t *ids, int n)
{
    const int before = q->n;
    qsort(ids, (size_t)n, sizeof *ids, by_id);
    for (int i = 0; i < n; i++)
        if ((i == 0 || ids[i] != ids[i - 1]) && queue_find(q, ids[i]) < 0)
            add_item(q, ids[i], ids[i], NAN);
    if (q->n != before)
        index_items(q);
}

// Judged pairs that are closed by now stay among them: they can be looked at and corrected.
static int read_run(struct queue *q, struct store *s, struct err *e)
{
    struct pair_ref *waiting = NULL;
    int n = 0, code = labels_waiting(s, q->reader, q->name, q->annotator, &waiting, &n, e);
    if (code)
        return code;
    int64_t *ids = mem_alloc((size_t)(n + q->n_said) + 1, sizeof *ids);
    for (int i = 0; i < n; i++)
        ids[i] = waiting[i].id;
    for (int i = 0; i < q->n_said; i++)
        ids[n + i] = q->said[i].pair;
    add_new(q, ids, n + q->n_said);
    for (int i = 0; i < q->n; i++)
        q->items[i].waits = false;
    for (int i = 0; i < n; i++)
        q->items[queue_find(q, waiting[i].id)].waits = true;
    free(waiting);
    free(ids);
    return 0;
}

// ---- judgements ----

bool queue_is_own(const struct queue *q, const struct judgement *j)
{
    return strcmp(j->annotator, q->annotator) == 0;
}

static void fall(struct queue *q, int64_t id)
{
    int low = 0, high = q->n_said;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (q->said[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < q->n_said && q->said[low].id == id)
        q->stands[low] = false;
}

static int read_said(struct queue *q, struct store *s, struct err *e)
{
    struct judgement *list = NULL;
    int n = 0;
    int code = q->kind == LABEL_OF_SET ? label_set_since(s, q->set.id, &q->cursor, &list, &n, e)
                                       : labels_since(s, q->name, &q->cursor, &list, &n, e);
    if (code)
        return code;
    for (int i = 0; i < n; i++) {
        MEM_GROW(q->said, q->n_said, q->cap_said);
        MEM_GROW(q->stands, q->n_said, q->cap_stands);
        q->stands[q->n_said] = list[i].verdict != VERDICT_UNDO;
        q->said[q->n_said++] = list[i];
        if (list[i].supersedes)
            fall(q, list[i].supersedes);
    }
    free(list);
    return 0;
}

static void count_opinion(struct queue_item *t, double grade)
{
    t->least = fmin(t->least, grade);
    t->most = fmax(t->most, grade);
    t->n_others++;
}

static void count(struct queue *q)
{
    q->n_fresh = 0;
    for (int i = 0; i < q->n; i++) {
        struct queue_item *t = &q->items[i];
        t->own[0] = t->own[1] = NULL;
        t->n_others = 0;
        t->least = INFINITY;
        t->most = -INFINITY;
        t->is_answered = false;
        t->is_settled = t->is_for_a = t->is_for_b = false;
        if (!isnan(t->share))
            count_opinion(t, 3 - 6 * t->share);
    }
    for (int i = 0; i < q->n_said; i++) {
        const struct judgement *j = &q->said[i];
        const int at = q->stands[i] ? queue_find(q, j->pair) : -1;
        if (at < 0)
            continue;
        struct queue_item *t = &q->items[at];
        t->is_settled |= j->is_final;
        t->is_for_a |= j->occasion == 0 && verdict_side(j->verdict) < 0;
        t->is_for_b |= j->occasion == 0 && verdict_side(j->verdict) > 0;
        if (queue_is_own(q, j)) {
            t->own[j->occasion > 0] = j;
            q->n_fresh += j->occasion == 0;
            continue;
        }
        t->is_answered |= j->occasion == 0 && j->verdict != VERDICT_SKIP;
        if (j->occasion == 0 && verdict_is_graded(j->verdict))
            count_opinion(t, j->verdict);
    }
}

// Who has which pair of a set that is shared out.
static int read_claims(struct queue *q, struct store *s, struct err *e)
{
    struct label_claim *list = NULL;
    int n = 0;
    if (q->kind != LABEL_OF_SET || !(q->set.overlap < 1))
        return 0;
    int code = label_claims(s, q->set.id, clock_wall_ms(), &list, &n, e);
    if (code)
        return code;
    for (int i = 0; i < q->n; i++) {
        q->items[i].is_others = false;
        q->items[i].mine_until_ms = 0;
    }
    for (int i = 0; i < n; i++) {
        const int at = queue_find(q, list[i].pair);
        const bool mine = strcmp(list[i].annotator, q->annotator) == 0;
        if (at < 0)
            continue;
        q->items[at].is_others = !mine;
        q->items[at].mine_until_ms = mine ? list[i].until_ms : 0;
    }
    free(list);
    return 0;
}

int queue_read(struct queue *q, struct store *s, struct err *e)
{
    if (q->kind == LABEL_OF_NOTHING)
        return 0;
    int code = read_said(q, s, e);
    if (!code)
        code = q->kind == LABEL_OF_SET ? read_set(q, s, e) : read_run(q, s, e);
    if (!code)
        code = read_claims(q, s, e);
    count(q); // also after an error: the list may have moved
    return code;
}

// ---- what comes next ----

bool queue_waits(const struct queue *q, int item, int occasion)
{
    const struct queue_item *t = &q->items[item];
    if (item == q->held)
        return false;
    if (occasion == 1)
        return t->own[0] && !t->own[1] && verdict_is_graded(t->own[0]->verdict);
    if (t->is_out)
        return false;
    if (q->order == LABEL_DISPUTED)
        return !t->passed && !t->is_settled && t->is_for_a && t->is_for_b;
    if (!t->for_all && (t->is_answered || t->is_others))
        return false;
    if (q->order == LABEL_SKIPPED)
        return !t->passed && t->own[0] && t->own[0]->verdict == VERDICT_SKIP;
    return q->kind == LABEL_OF_RUN ? t->waits && !t->own[0] : !t->own[0];
}

// The smaller the sooner; what is equal goes by lot.
static double urgency(const struct queue *q, const struct queue_item *t)
{
    const bool known = t->n_others > 0;
    switch (q->order) {
    case LABEL_UNCERTAIN:
        return fabs(t->p_b - 0.5); // 1/2 where nothing is known
    case LABEL_DISAGREE:
        return known ? t->least - t->most : 0;
    case LABEL_IN_ORDER:
    case LABEL_SKIPPED:
    case LABEL_DISPUTED:
        return (double)t->number;
    default:
        return 0;
    }
}

// After how many more judgements the pair comes again; 0: not at all.
static int again_after(const struct queue *q, const struct queue_item *t)
{
    enum { LEAST = 10, MOST = 30 };
    struct rng r = rng_make(q->seed, RNG_QUEUE, (uint32_t)t->number);
    const bool chosen = rng_uniform(&r) < q->set.repeats;
    return chosen ? LEAST + (int)rng_below(&r, MOST - LEAST) : 0;
}

// A pair whose second look is due; with `all` one that ever will be.
static int second_look(const struct queue *q, bool all)
{
    int n = 0;
    if (q->kind != LABEL_OF_SET || q->set.repeats <= 0)
        return -1;
    for (int i = 0; i < q->n_said; i++) {
        if (!q->stands[i] || q->said[i].occasion || !queue_is_own(q, &q->said[i]))
            continue;
        n++; // this is the n-th
        const int at = queue_find(q, q->said[i].pair);
        const int gap = at >= 0 && queue_waits(q, at, 1) ? again_after(q, &q->items[at]) : 0;
        if (gap && (all || q->n_fresh - n >= gap))
            return at;
    }
    return -1;
}

bool queue_side(const struct queue *q, int item, int occasion)
{
    const struct queue_item *t = &q->items[item];
    if (t->own[occasion])
        return t->own[occasion]->swapped;
    if (occasion == 1 && t->own[0])
        return !t->own[0]->swapped;
    return label_side(q->seed, (uint64_t)q->n_fresh);
}

static struct queue_place place(const struct queue *q, int item, int occasion)
{
    return (struct queue_place){item, occasion, item >= 0 && queue_side(q, item, occasion)};
}

static bool by_what_is_known(const struct queue *q)
{
    return q->order == LABEL_UNCERTAIN || q->order == LABEL_DISAGREE;
}

// Where pairs come by what is known of them, nothing is known of attention checks: they come by lot, as many as there are
// among those that wait. -1: not now.
static int check_due(const struct queue *q)
{
    int n = 0, n_checks = 0, first = -1;
    if (!q->has_checks || !by_what_is_known(q))
        return -1;
    for (int i = 0; i < q->n; i++) {
        if (!queue_waits(q, i, 0))
            continue;
        n++;
        n_checks += q->items[i].is_check;
        if (q->items[i].is_check && (first < 0 || q->items[i].lot < q->items[first].lot))
            first = i;
    }
    struct rng r = rng_make(q->seed, RNG_SIDES, UINT32_MAX - (uint32_t)q->n_fresh);
    return n_checks == n || rng_uniform(&r) * n < n_checks ? first : -1;
}

struct queue_place queue_next(const struct queue *q)
{
    const bool fresh = q->order != LABEL_SKIPPED && q->order != LABEL_DISPUTED;
    int best = fresh ? second_look(q, false) : -1;
    if (best >= 0)
        return place(q, best, 1);
    double least = 0;
    if ((best = check_due(q)) >= 0)
        return place(q, best, 0);
    for (int i = 0; i < q->n; i++) {
        const struct queue_item *t = &q->items[i];
        if (!queue_waits(q, i, 0) || (t->is_check && by_what_is_known(q)))
            continue;
        const double u = urgency(q, t);
        if (best < 0 || u < least || (u == least && t->lot < q->items[best].lot)) {
            best = i;
            least = u;
        }
    }
    if (best < 0 && fresh && (best = second_look(q, true)) >= 0)
        return place(q, best, 1);
    return place(q, best, 0);
}

int queue_waiting(const struct queue *q)
{
    int n = 0;
    for (int i = 0; i < q->n; i++)
        n += queue_waits(q, i, 0);
    return n;
}
