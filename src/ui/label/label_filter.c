// What waits, and which of it is looked at: a filter knows nothing of a pair that tells whose answers they are or what
// others said.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "ui/label/label_room.h"

struct filtered {
    const struct asked_pair *pair;
    int64_t number;
};

static double columns_of(const char *text)
{
    return (double)utf8_text_columns(text, strlen(text));
}

static bool field_of(const void *item, const char *field, int i, struct filter_value *out)
{
    const struct filtered *f = item;
    const struct asked_pair *p = f->pair;
    const char *const texts[] = {p->prompt, p->a, p->b};
    const struct {
        const char *name;
        int first, n;
    } of_texts[] = {{"prompt", 0, 1}, {"answer", 1, 2}};
    if (!field) {
        *out = (struct filter_value){i < 3 ? texts[i] : NULL, NAN};
        return i < 3;
    }
    for (size_t k = 0; k < sizeof of_texts / sizeof *of_texts; k++)
        if (strcmp(field, of_texts[k].name) == 0) {
            *out = (struct filter_value){i < of_texts[k].n ? texts[of_texts[k].first + i] : NULL, NAN};
            return i < of_texts[k].n;
        }
    double number = NAN;
    if (strcmp(field, "answer-length") == 0 && i < 2)
        number = columns_of(texts[1 + i]);
    else if (strcmp(field, "prompt-length") == 0 && i == 0)
        number = columns_of(texts[0]);
    else if (strcmp(field, "gap") == 0 && i == 0)
        number = fabs(columns_of(texts[1]) - columns_of(texts[2]));
    else if (strcmp(field, "number") == 0 && i == 0)
        number = (double)f->number;
    else if (strcmp(field, "step") == 0 && i == 0)
        number = (double)p->step;
    *out = (struct filter_value){NULL, number};
    return !isnan(number);
}

// Of the items from `first` on.
static int pass_items(struct label_desk *d, struct filter *f, int first, struct err *e)
{
    struct queue *q = &d->queue;
    for (int i = first; i < q->n; i++) {
        struct asked_pair p;
        int code = filter_is_empty(f) ? 0 : label_texts(d, i, &p, e);
        if (code)
            return code;
        q->items[i].is_out = false;
        if (filter_is_empty(f))
            continue;
        const struct filtered item = {&p, q->items[i].number};
        q->items[i].is_out = !filter_matches(f, field_of, &item);
        asked_pair_fini(&p);
    }
    return 0;
}

int label_read_queue(struct label_desk *d, struct err *e)
{
    const int before = d->queue.n;
    int code = queue_read(&d->queue, d->store, e);
    return code || filter_is_empty(d->queue.filter) ? code : pass_items(d, d->queue.filter, before, e);
}

int label_choose_filter(struct label_desk *d, const char *text, char *said, size_t size, struct err *e)
{
    struct queue *q = &d->queue;
    struct filter *f;
    int code = filter_parse(&f, text ? text : "", e);
    if (code)
        return code;
    bool *before = mem_alloc((size_t)q->n + 1, sizeof *before);
    for (int i = 0; i < q->n; i++)
        before[i] = q->items[i].is_out;
    code = pass_items(d, f, 0, e);
    const char *unknown = !code && q->n ? filter_unknown(f) : NULL;
    if (unknown)
        code = err_set(e, ERR_USAGE,
                       "pairs have no \"%s\": prompt, answer, prompt-length, answer-length, gap, number and step are "
                       "there", unknown);
    for (int i = 0; i < q->n && code; i++)
        q->items[i].is_out = before[i];
    free(before);
    if (code) {
        filter_free(f);
        return code;
    }
    filter_free(q->filter);
    q->filter = f;
    d->now = queue_next(q);
    const int n = queue_waiting(q);
    if (filter_is_empty(f))
        snprintf(said, size, "no filter: %d %s", n, n == 1 ? "pair waits" : "pairs wait");
    else
        snprintf(said, size, "%d %s the filter", n, n == 1 ? "pair that waits passes" : "pairs that wait pass");
    return 0;
}
