#include "config.h"

#include "train/learn/scoring.h"

#include <stdlib.h>

#include "base/mem.h"
#include "train/learn/packing.h"
#include "train/learn/numbers.h"

static int take_groups(const struct packed *p, const struct dataset *d, const int *groups, int n,
                       const struct seq *seqs, struct needs needs,
                       int (*take)(void *arg, const struct scored *s, struct err *e), void *arg, struct err *e)
{
    const float *tokens = !(needs.networks & NETWORK_SCORE)      ? p->logprobs
                          : needs.networks & NETWORK_TOKEN_SCORE ? p->scores
                                                                 : NULL;
    int code = 0;
    for (int g = 0, k = 0; g < n && !code; k += d->groups[groups[g]].n_seqs, g++) {
        struct scored s = {.group = &d->groups[groups[g]], .seqs = seqs + k};
        if (tokens)
            s.tokens = tokens + p->spans[k].first_target;
        code = take(arg, &s, e);
    }
    return code;
}

int scoring_run(struct model *m, const struct dataset *d, struct needs needs, int max_batch_tokens,
                int (*take)(void *arg, const struct scored *s, struct err *e), void *arg, struct err *e)
{
    const struct reading reading = {.needs = needs};
    struct decoder *decoder;
    struct packed packed;
    int code = decoder_new(&decoder, m, false, e);
    if (code)
        return code;
    code = packed_init(&packed, d, max_batch_tokens, needs.networks, e);
    if (code) {
        decoder_free(decoder);
        return code;
    }
    int *groups = mem_alloc((size_t)d->n_groups, sizeof *groups);
    struct seq *seqs = mem_alloc((size_t)packed.max_seqs, sizeof *seqs);
    for (int i = 0; i < d->n_groups; i++)
        groups[i] = i;
    for (int at = 0, taken; at < d->n_groups && !code; at += taken) {
        taken = pack_groups(&packed, d, groups + at, d->n_groups - at, max_batch_tokens, needs.networks);
        code = decoder_forward(decoder, &packed.batch, false, e);
        if (!code)
            code = numbers_read(decoder, &packed, d, groups + at, taken, &reading, seqs, NULL, e);
        if (!code)
            code = take_groups(&packed, d, groups + at, taken, seqs, needs, take, arg, e);
    }
    free(groups);
    free(seqs);
    packed_fini(&packed);
    decoder_free(decoder);
    return code;
}
