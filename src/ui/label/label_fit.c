// Who can be relied on, and which pairs are open questions: the model of stats/annotators.h on the votes of a source.
// It is fitted when somebody asks (the statistics, the order "uncertain") and now and then while that order is
// followed, for it takes a while.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "stats/annotators.h"
#include "ui/label/label_queue.h"

static int number_of(const char **names, int *n, const char *name)
{
    for (int i = 0; i < *n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    names[*n] = name;
    return (*n)++;
}

// Votes on pairs of the source; the annotator at the desk is number 0. The source's own label is one annotator more: of
// a judge or a reward model it can be told how far it is to be relied on as of a person.
static int collect(const struct queue *q, struct annotator_vote *votes, const char **names, int *n_names)
{
    static const char source[] = ""; // no person's name
    int n = 0;
    names[0] = q->annotator;
    *n_names = 1;
    for (int i = 0; i < q->n_said; i++) {
        const struct judgement *j = &q->said[i];
        const int item =
            q->stands[i] && j->occasion == 0 && verdict_is_graded(j->verdict) ? queue_find(q, j->pair) : -1;
        if (item >= 0)
            votes[n++] = (struct annotator_vote){number_of(names, n_names, j->annotator), item,
                                                 j->verdict < 0   ? 0
                                                 : j->verdict > 0 ? 1
                                                                  : 0.5};
    }
    for (int i = 0; i < q->n; i++)
        if (!isnan(q->items[i].share))
            votes[n++] = (struct annotator_vote){number_of(names, n_names, source), i,
                                                 q->items[i].share > 0.5   ? 0
                                                 : q->items[i].share < 0.5 ? 1
                                                                           : 0.5};
    return n;
}

int queue_fit(struct queue *q, struct err *e)
{
    const size_t most = (size_t)(q->n_said + q->n) + 1;
    struct annotator_vote *votes = mem_alloc(most, sizeof *votes);
    const char **names = mem_alloc(most, sizeof *names);
    struct annotator_fit fit;
    int n_names, n = collect(q, votes, names, &n_names);
    int code = q->n ? annotators_fit(&fit, n_names, q->n, votes, n, e) : 0;
    if (!code && q->n) {
        for (int i = 0; i < q->n; i++)
            q->items[i].p_b = fit.pairs[i].n ? fit.pairs[i].p_b : 0.5;
        q->n_abilities = 0;
        for (int i = 0; i < n_names && q->n_abilities <= LABEL_OTHERS; i++) {
            struct label_ability *a = &q->abilities[q->n_abilities++];
            text_copy(a->who, sizeof a->who, names[i]);
            a->ability = fit.ability[i];
        }
        q->n_fitted = q->n_said;
        q->is_fitted = true;
        annotator_fit_fini(&fit);
    }
    free(names);
    free(votes);
    return code;
}
