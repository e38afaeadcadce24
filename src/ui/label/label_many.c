// Several pairs at once: what waits as a list, and one judgement of all that is marked.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "ui/label/label_room.h"

static char *beginning(const char *text)
{
    enum { BYTES = 240 };
    size_t n = strnlen(text, BYTES);
    while (n > 0 && text[n] && ((unsigned char)text[n] & 0xc0) == 0x80) // no half of a character
        n--;
    char *out = mem_strndup(text, n);
    for (size_t i = 0; i < n; i++)
        if (out[i] == '\n' || out[i] == '\t' || out[i] == '\r')
            out[i] = ' ';
    return out;
}

static bool is_passed(const int *taken, int n, int item)
{
    for (int i = 0; i < n; i++)
        if (taken[i] == item)
            return true;
    return false;
}

// What waits, in the order of numbers; the sides go on from where they are, four of each eight down the list.
int label_show_list(struct label_desk *d, struct label_shown *out, struct err *e)
{
    const struct queue *q = &d->queue;
    int n_fresh = q->n_fresh, cap = 0;
    for (int i = 0; i < q->n && out->n_list < LABEL_LIST_MOST; i++) {
        struct asked_pair p;
        if (!queue_waits(q, i, 0))
            continue;
        int code = label_texts(d, i, &p, e);
        if (code)
            return code;
        const bool fresh = !q->items[i].own[0];
        const bool swapped = fresh ? label_side(q->seed, (uint64_t)n_fresh) : q->items[i].own[0]->swapped;
        n_fresh += fresh;
        MEM_GROW(out->list, out->n_list, cap);
        out->list[out->n_list++] = (struct label_row){q->items[i].number, swapped, beginning(p.prompt),
                                                      beginning(swapped ? p.b : p.a), beginning(swapped ? p.a : p.b)};
        asked_pair_fini(&p);
    }
    return 0;
}

int label_item_of(const struct queue *q, int64_t number)
{
    if (number >= 1 && number <= q->n && q->items[number - 1].number == number) // of a set
        return (int)number - 1;
    for (int i = 0; i < q->n; i++)
        if (q->items[i].number == number)
            return i;
    return -1;
}

// Items of what is marked, and the judgements: those that wait no more (others were faster) are left out.
static int prepare(struct label_desk *d, const struct label_request *r, int *items, struct judgement *list, bool is_final)
{
    const struct queue *q = &d->queue;
    int n = 0;
    for (int i = 0; i < r->n_marked; i++) {
        const int item = label_item_of(q, r->marked[i].number);
        if (item < 0 || !queue_waits(q, item, 0) || is_passed(items, n, item))
            continue;
        list[n] = (struct judgement){.verdict = verdict_turned(r->verdict, r->marked[i].swapped),
                                     .swapped = r->marked[i].swapped,
                                     .pair = q->items[item].pair,
                                     .is_final = is_final,
                                     .seconds = NAN};
        text_copy(list[n].annotator, sizeof list[n].annotator, q->annotator);
        items[n++] = item;
    }
    return n;
}

// They are on the disk, all or none of them, when it returns: nothing is shown of them before.
int label_judge_many(struct label_desk *d, const struct label_request *r, char *said, size_t size, struct err *e)
{
    struct queue *q = &d->queue;
    const size_t most = (size_t)r->n_marked + 1;
    const bool disputed = q->order == LABEL_DISPUTED, skips = r->verdict == VERDICT_SKIP;
    int *items = mem_alloc(most, sizeof *items), n_read = 0, code = 0;
    struct judgement *list = mem_alloc(most, sizeof *list);
    struct asked_pair *pairs = mem_alloc(most, sizeof *pairs);
    int n = prepare(d, r, items, list, disputed && !skips);
    code = label_reserve_items(d, items, n, e);
    if (!code)
        n = prepare(d, r, items, list, disputed && !skips); // without what others have by now
    if (!code && n == 0)
        code = err_set(e, ERR_STATE, "none of these pairs waits any more: nothing was judged");
    for (; n_read < n && !code; n_read++)
        code = label_texts(d, items[n_read], &pairs[n_read], e);
    if (!code && !(disputed && skips)) // in adjudication a skip only passes pairs over
        code = labels_add_many(d->store, label_run(d), pairs, list, n, disputed, e);
    for (int i = 0; i < n && !code; i++)
        q->items[items[i]].passed |= skips;
    if (!code)
        code = label_read_queue(d, e);
    if (!code) {
        label_forget_redo(d);
        d->now = queue_next(q);
        snprintf(said, size, "saved %d %s \"%s\"%s", n, text_plural(n, "pair", "pairs"), label_words(r->verdict),
                 n > 1 ? "; u takes all back" : "");
    }
    for (int i = 0; i < n_read; i++)
        asked_pair_fini(&pairs[i]);
    free(pairs);
    free(list);
    free(items);
    return code;
}
