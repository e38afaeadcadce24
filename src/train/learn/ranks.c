#include "config.h"

#include "train/learn/ranks.h"

#include <stdlib.h>

#include "base/mem.h"

struct rank_share {
    int code;
    int64_t n_tokens;
    struct tally tally;
};

static int size_of(const struct ranks *r)
{
    return r->size > 1 ? r->size : 1;
}

int ranks_first(const struct ranks *r, int n, int k)
{
    return (int)((int64_t)n * k / size_of(r));
}

void meeting_init(struct meeting *m, const struct ranks *r)
{
    *m = (struct meeting){.ranks = r, .ends = mem_alloc((size_t)size_of(r), sizeof *m->ends),
                          .shares = mem_alloc((size_t)size_of(r), sizeof *m->shares)};
    BUG_IF(r->rank < 0 || r->rank >= size_of(r) || (r->size > 1 && !r->ops));
}

void meeting_fini(struct meeting *m)
{
    free(m->ends);
    free(m->shares);
    *m = (struct meeting){0};
}

int ranks_gather_seqs(struct meeting *m, struct seq *seqs, const int *first, int n, struct err *e)
{
    const struct ranks *r = m->ranks;
    if (r->size <= 1)
        return 0;
    for (int k = 0; k < r->size; k++)
        m->ends[k] = (size_t)first[ranks_first(r, n, k + 1)] * sizeof *seqs;
    int code = r->ops->gather(r->with, seqs, m->ends, e);
    const int own = first[ranks_first(r, n, r->rank)], own_end = first[ranks_first(r, n, r->rank + 1)];
    for (int i = 0; i < first[n]; i++)
        if (i < own || i >= own_end)
            seqs[i].tokens = (struct token_numbers){0}; // addresses of another rank
    return code;
}

int ranks_agree(struct meeting *m, int code, struct tally *tally, int64_t *n_tokens, struct err *e)
{
    const struct ranks *r = m->ranks;
    struct err fault = {0};
    if (r->size <= 1)
        return code;
    for (int k = 0; k < r->size; k++)
        m->ends[k] = (size_t)(k + 1) * sizeof *m->shares;
    m->shares[r->rank] = (struct rank_share){code, n_tokens ? *n_tokens : 0, *tally};
    const int gone = r->ops->gather(r->with, m->shares, m->ends, &fault);
    if (gone) {
        if (!code && e)
            *e = fault;
        return code ? code : gone;
    }
    for (int k = 0; k < r->size && !code; k++)
        if (m->shares[k].code)
            code = err_set(e, ERR_STATE, "rank %d of %d could not do its part: see its log", k, r->size);
    if (code)
        return code;
    *tally = (struct tally){0};
    if (n_tokens)
        *n_tokens = 0;
    for (int k = 0; k < r->size; k++) {
        tally_add(tally, &m->shares[k].tally);
        if (n_tokens)
            *n_tokens += m->shares[k].n_tokens;
    }
    return 0;
}

int ranks_sum(const struct ranks *r, const struct backend_ops *ops, struct backend *b, float *x, size_t n, struct err *e)
{
    return r->size > 1 ? r->ops->sum(r->with, ops, b, x, n, e) : 0;
}
