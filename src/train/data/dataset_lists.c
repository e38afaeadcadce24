#include "config.h"

#include "train/data/dataset_lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool dataset_same_tokens(const struct dataset *d, const struct ds_seq *a, const struct ds_seq *b)
{
    return a->n == b->n && a->n_context == b->n_context &&
           memcmp(d->tokens + a->first - a->n_context, d->tokens + b->first - b->n_context,
                  (size_t)(a->n_context + a->n) * sizeof *d->tokens) == 0;
}

bool dataset_settle_list(struct dataset *d, struct ds_group *g)
{
    struct ds_seq *s = d->seqs + g->first_seq;
    bool *drop = mem_alloc((size_t)g->n_seqs, sizeof *drop), differ = false;
    int kept = 0;
    for (int i = 0; i < g->n_seqs; i++)
        for (int j = 0; j < i; j++)
            if (dataset_same_tokens(d, &s[i], &s[j])) {
                drop[i] = true;
                drop[j] = drop[j] || s[i].label != s[j].label;
            }
    for (int i = 0; i < g->n_seqs; i++)
        if (!drop[i])
            s[kept++] = s[i];
    for (int i = 1; i < kept; i++)
        differ = differ || s[i].label != s[0].label;
    free(drop);
    g->n_seqs = kept;
    d->n_seqs = g->first_seq + kept;
    return differ;
}
