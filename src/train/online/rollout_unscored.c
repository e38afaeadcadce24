// Answers that are judged elsewhere, and later: what a source of its own asks of rollouts.
#include "config.h"

#include <stdlib.h>

#include "train/online/rollout_parts.h"

int rollouts_answer(struct group_source *s, int64_t position, int n, struct rollout_batch *b, struct metric_list *facts,
                    struct err *e)
{
    struct rollouts *r = rollouts_of(s);
    double n_tokens = 0;
    int code = rollout_say(&r->sampler, position, n, b, e);
    if (code)
        return code;
    code = rollout_measure(r, b, e);
    if (!code)
        code = r->o.score(r->o.with, b, facts, e);
    if (code) {
        rollout_batch_fini(b);
        return code;
    }
    rollout_facts(r, b, facts);
    free(b->own);
    b->own = NULL;
    for (int i = 0; i < b->data.n_seqs; i++)
        n_tokens += b->data.seqs[i].n;
    metric_add(facts, "rollout/sample_s", b->sample_s);
    metric_add(facts, "rollout/wait_s", b->sample_s);
    metric_add(facts, "rollout/tokens_per_s", n_tokens / b->sample_s);
    if (r->o.keep)
        r->o.keep(r->o.with, b, r->trainer->step + 1);
    return 0;
}

void rollouts_learn(struct group_source *s, struct rollout_batch *b, struct group_batch *out)
{
    struct rollouts *r = rollouts_of(s);
    rollout_pick(r, b);
    rollout_batch_fini(&r->batch);
    r->batch = *b;
    *out = (struct group_batch){&r->batch.data, r->groups, b->data.n_groups, NULL};
}
