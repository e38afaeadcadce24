// What is known of a source's judgements, copied for who shows it.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "ui/label/label_queue.h"

static int place_of_name(const char **names, int *n, const char *name)
{
    enum { MOST = 64 };
    for (int i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (*n == MOST)
        return MOST;
    names[*n] = name;
    return (*n)++;
}

void queue_show_tally(const struct queue *q, struct label_shown *out)
{
    const char *names[64] = {q->annotator};
    int n = 0, n_names = 1;
    struct label_vote *votes = mem_alloc((size_t)q->n_said + 1, sizeof *votes);
    for (int i = 0; i < q->n_said; i++) {
        const struct judgement *j = &q->said[i];
        const int item = q->stands[i] ? queue_find(q, j->pair) : -1;
        if (item >= 0)
            votes[n++] = (struct label_vote){item,         place_of_name(names, &n_names, j->annotator),
                                             j->occasion,  j->verdict,
                                             j->swapped,   j->seconds,
                                             j->length_gap};
    }
    label_tally_of(&out->tally, votes, n, q->n, names, n_names);
    free(votes);
}

void queue_show_past(const struct queue *q, struct label_shown *out)
{
    for (int i = q->n_said - 1; i >= 0 && out->n_past < LABEL_HISTORY; i--) {
        const struct judgement *j = &q->said[i];
        const int item = q->stands[i] && queue_is_own(q, j) ? queue_find(q, j->pair) : -1;
        if (item >= 0)
            out->past[out->n_past++] =
                (struct label_past){q->items[item].number, verdict_turned(j->verdict, j->swapped), j->seconds,
                                    j->note && *j->note, j->is_final};
    }
}

void queue_show_votes(const struct queue *q, int64_t pair, struct label_shown *out)
{
    for (int i = 0; i < q->n_said && out->n_votes < LABEL_OTHERS; i++) {
        const struct judgement *j = &q->said[i];
        if (!q->stands[i] || j->pair != pair || j->occasion || queue_is_own(q, j))
            continue;
        struct label_vote_shown *v = &out->votes[out->n_votes++];
        text_copy(v->who, sizeof v->who, j->annotator);
        v->verdict = verdict_turned(j->verdict, out->swapped);
    }
}
