#include "config.h"

#include "train/learn/evaluate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "train/data/comparison.h"

int evaluator_init(struct evaluator *v, struct trainer *t, const struct dataset *held_out, struct err *e)
{
    const size_t n = (size_t)held_out->n_groups;
    *v = (struct evaluator){.trainer = t, .data = held_out};
    v->groups = mem_alloc(n, sizeof *v->groups);
    v->first = mem_alloc(n + 1, sizeof *v->first);
    v->seqs = mem_alloc((size_t)held_out->n_seqs, sizeof *v->seqs);
    for (size_t i = 0; i < n; i++) {
        v->groups[i] = (int)i;
        v->first[i + 1] = v->first[i] + held_out->groups[i].n_seqs;
    }
    int code = packed_init(&v->packed, held_out, t->options.max_batch_tokens,
                           objective_needs(&t->options.objective).networks, e);
    if (code)
        evaluator_fini(v);
    return code;
}

void evaluator_fini(struct evaluator *v)
{
    packed_fini(&v->packed);
    free(v->groups);
    free(v->first);
    free(v->seqs);
    *v = (struct evaluator){0};
}

// All held-out groups count as one batch; what the objective remembers between steps is not touched.
int evaluate(struct evaluator *v, struct metric_list *out, struct err *e)
{
    struct trainer *t = v->trainer;
    struct objective_run r = t->options.objective;
    struct tally tally = {0};
    r.seed = t->options.seed;
    r.step = t->step;
    r.held_out = true;
    const struct reading reading = reading_for(&r, t->reference);
    const int n = v->data->n_groups, own = ranks_first(&t->options.ranks, n, t->options.ranks.rank),
              n_own = ranks_first(&t->options.ranks, n, t->options.ranks.rank + 1) - own;
    struct seq *seqs = v->seqs + v->first[own];
    int code = forward_groups(t->decoder, &v->packed, v->data, v->groups + own, n_own, t->options.max_batch_tokens,
                              &reading, seqs, &tally, e);
    if (!code && t->value)
        code = value_read(t->value, v->data, v->groups + own, n_own, t->options.max_batch_tokens, false, seqs, e);
    code = ranks_agree(&t->meeting, code, &tally, NULL, e);
    if (!code)
        code = ranks_gather_seqs(&t->meeting, v->seqs, v->first, n, e);
    if (!code) {
        score_groups(&r, v->data, v->groups, n, v->seqs, v->first, &tally);
        tally_metrics(&tally, &r, true, out);
        if (reading.needs.groups & GROUPS_COMPARISON)
            comparison_metrics(v->data, v->seqs, out);
    }
    return code;
}
