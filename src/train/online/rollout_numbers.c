#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "train/online/rollout_parts.h"

static void copy_column(struct dataset *d, enum token_column column, const struct ds_seq *s, const float *numbers)
{
    memcpy(d->token_columns[column] + s->first, numbers, (size_t)s->n * sizeof *numbers);
}

// Every token under the model that the decoder computes: into two columns, and its sum into sums, where that is wanted.
static int read_logprobs(struct rollout_sampler *by, struct decoder *decoder, struct rollout_batch *b, const int *groups,
                         struct seq *seqs, enum token_column column, enum token_column full, double *sums,
                         struct tally *tally,
                         struct err *e)
{
    struct dataset *d = &b->data;
    const struct reading reading = {.needs = {.columns = COLUMN_TOKENS | (by->is_cut ? COLUMN_SETS : 0u),
                                              .reads = tally ? READ_TOKEN_STATS : 0},
                                    .inv_temperature = by->inv_temperature};
    by->packed->without_mismatched = false;
    by->packed->most_targets = 0;
    int code = forward_groups(decoder, by->packed, d, groups, d->n_groups, by->max_batch_tokens, &reading, seqs, tally, e);
    for (int i = 0; i < d->n_seqs && !code; i++) {
        copy_column(d, column, &d->seqs[i], seqs[i].tokens.logp);
        copy_column(d, full, &d->seqs[i], seqs[i].tokens.full_logp);
        if (sums)
            sums[i] = seqs[i].logp;
    }
    return code;
}

static int read_values(struct rollouts *r, struct rollout_batch *b, const int *groups, struct seq *seqs, struct err *e)
{
    struct trainer *t = r->trainer;
    struct dataset *d = &b->data;
    for (int i = 0; i < d->n_seqs; i++)
        seqs[i] = (struct seq){.n = d->seqs[i].n};
    int code = value_read(t->value, d, groups, d->n_groups, t->options.max_batch_tokens, false, seqs, e);
    for (int i = 0; i < d->n_seqs && !code; i++)
        copy_column(d, TOKEN_OLD_VALUE, &d->seqs[i], seqs[i].tokens.value);
    return code;
}

static int *all_groups(const struct dataset *d)
{
    int *groups = mem_alloc((size_t)d->n_groups + 1, sizeof *groups);
    for (int i = 0; i < d->n_groups; i++)
        groups[i] = i;
    return groups;
}

int rollout_read_policy(struct rollout_sampler *s, struct rollout_batch *b, struct err *e)
{
    struct dataset *d = &b->data;
    int *groups = all_groups(d);
    struct seq *seqs = mem_alloc((size_t)d->n_seqs + 1, sizeof *seqs);
    struct tally tally = {0};
    double n_tokens = 0;
    int code = read_logprobs(s, s->decoder, b, groups, seqs, TOKEN_OLD_LOGP, TOKEN_FULL_LOGP, NULL, &tally, e);
    for (int i = 0; i < d->n_seqs; i++)
        n_tokens += d->seqs[i].n;
    b->entropy = tally.entropy / n_tokens;
    free(seqs);
    free(groups);
    return code;
}

int rollout_measure(struct rollouts *r, struct rollout_batch *b, struct err *e)
{
    struct trainer *t = r->trainer;
    struct dataset *d = &b->data;
    int *groups = all_groups(d), code = 0;
    struct seq *seqs = mem_alloc((size_t)d->n_seqs + 1, sizeof *seqs);
    if (t->reference) {
        d->refs = mem_realloc(d->refs, (size_t)d->n_seqs, sizeof *d->refs);
        code = read_logprobs(&r->sampler, live_reference_enter(t->reference), b, groups, seqs, TOKEN_REFERENCE,
                             TOKEN_FULL_REFERENCE, d->refs, NULL, e);
        live_reference_leave(t->reference);
    }
    if (!code && t->value)
        code = read_values(r, b, groups, seqs, e);
    free(seqs);
    free(groups);
    return code;
}

static struct said *said_of(const struct rollouts *r, const struct rollout_batch *b)
{
    const struct dataset *d = &b->data;
    float *const *c = d->token_columns;
    struct said *said = mem_alloc((size_t)d->n_seqs + 1, sizeof *said);
    for (int i = 0; i < d->n_seqs; i++) {
        const size_t at = d->seqs[i].first;
        said[i] = (struct said){.n = d->seqs[i].n, .ended = b->ended[i], .score = b->scores[i],
                                .tokens = d->tokens + at,
                                .logp = c[TOKEN_FULL_LOGP] + at,
                                .ref = r->trainer->reference ? c[TOKEN_FULL_REFERENCE] + at : NULL,
                                .value = r->trainer->value ? c[TOKEN_OLD_VALUE] + at : NULL,
                                .reward = c[TOKEN_REWARD] + at, .advantage = c[TOKEN_ADVANTAGE] + at,
                                .returns = c[TOKEN_RETURN] + at};
    }
    return said;
}

void rollout_judge(struct rollouts *r, struct rollout_batch *b)
{
    struct objective_run *o = &r->trainer->options.objective;
    const struct dataset *d = &b->data;
    int *first = mem_alloc((size_t)d->n_groups + 1, sizeof *first);
    struct said *said = said_of(r, b);
    for (int g = 0; g < d->n_groups; g++) // answers stand in the order of their groups
        first[g + 1] = d->groups[g].first_seq + d->groups[g].n_seqs;
    if (o->objective->online->judge)
        o->objective->online->judge(o, said, first, d->n_groups);
    free(said);
    free(first);
}

// What a group keeps of its answers: numbers within the group, in the order that they are to have.
struct kept {
    int n;
    int *taken;
    double *labels; // NULL: as they are
};

static void move_answer(struct rollout_batch *b, int to, const struct ds_seq *s, bool ended, double score, double ref)
{
    b->data.seqs[to] = *s;
    b->ended[to] = ended;
    b->scores[to] = score;
    if (b->data.refs)
        b->data.refs[to] = ref;
}

// Groups without answers go, and the answers of the others close up. Tokens stay where they are.
static void keep_answers(struct rollout_batch *b, const struct kept *kept)
{
    struct dataset *d = &b->data;
    const struct rollout_batch old = *b;
    b->data.seqs = mem_alloc((size_t)d->n_seqs + 1, sizeof *d->seqs);
    b->ended = mem_alloc((size_t)d->n_seqs + 1, sizeof *b->ended);
    b->scores = mem_alloc((size_t)d->n_seqs + 1, sizeof *b->scores);
    b->data.refs = old.data.refs ? mem_alloc((size_t)d->n_seqs + 1, sizeof *d->refs) : NULL;
    int n_groups = 0, n_seqs = 0;
    for (int g = 0; g < old.data.n_groups; g++) {
        struct ds_group group = d->groups[g];
        const int from = group.first_seq;
        if (kept[g].n == 0)
            continue;
        group.first_seq = n_seqs;
        group.n_seqs = kept[g].n;
        for (int k = 0; k < kept[g].n; k++, n_seqs++) {
            const int at = from + kept[g].taken[k];
            move_answer(b, n_seqs, &old.data.seqs[at], old.ended[at], old.scores[at], old.data.refs ? old.data.refs[at] : 0);
            if (kept[g].labels)
                d->seqs[n_seqs].label = kept[g].labels[k];
        }
        d->groups[n_groups++] = group;
    }
    d->n_groups = n_groups;
    d->n_seqs = n_seqs;
    free(old.data.seqs);
    free(old.data.refs);
    free(old.ended);
    free(old.scores);
}

void rollout_select(struct rollout_batch *b, const bool *keep)
{
    const struct dataset *d = &b->data;
    int *all = mem_alloc((size_t)d->n_seqs + 1, sizeof *all);
    struct kept *kept = mem_alloc((size_t)d->n_groups + 1, sizeof *kept);
    for (int i = 0; i < d->n_seqs; i++)
        all[i] = i;
    for (int g = 0; g < d->n_groups; g++)
        kept[g] = (struct kept){keep[g] ? d->groups[g].n_seqs : 0, all, NULL};
    keep_answers(b, kept);
    free(kept);
    free(all);
}

// seq.ref of what is picked, where it is not the reference alone.
static void put_anchor(const struct objective_run *o, struct rollout_batch *b)
{
    const struct online *online = o->objective->online;
    struct dataset *d = &b->data;
    const double share = online->anchor ? online->anchor(o->values) : 1;
    if (share == 1)
        return;
    if (!d->refs)
        d->refs = mem_alloc((size_t)d->n_seqs + 1, sizeof *d->refs);
    for (int i = 0; i < d->n_seqs; i++) {
        double said = 0;
        for (int t = 0; t < d->seqs[i].n; t++)
            said += (double)d->token_columns[TOKEN_FULL_LOGP][d->seqs[i].first + (size_t)t];
        d->refs[i] = (share > 0 ? share * d->refs[i] : 0) + (1 - share) * said;
    }
}

// What of one group is learnt from: as the objective picks, with ended_only of those that ended.
static void pick_group(struct rollouts *r, const struct rollout_batch *b, const struct ds_group *group,
                       const struct said *said, struct kept *k)
{
    const struct objective_run *o = &r->trainer->options.objective;
    struct said *left = mem_alloc((size_t)group->n_seqs + 1, sizeof *left);
    int *numbers = mem_alloc((size_t)group->n_seqs + 1, sizeof *numbers), n = 0;
    struct rng rng = rng_make(r->o.seed, RNG_PICK, (uint32_t)group->example);
    rng.index = (uint64_t)r->trainer->step << 32;
    for (int i = 0; i < group->n_seqs; i++)
        if (!r->o.ended_only || b->ended[group->first_seq + i]) {
            numbers[n] = i;
            left[n++] = said[group->first_seq + i];
        }
    k->n = n;
    if (o->objective->online->pick)
        k->n = n < o->objective->online->n_picked ? 0 : o->objective->online->pick(o, left, n, &rng, k->taken, k->labels);
    for (int i = 0; i < k->n; i++)
        k->taken[i] = numbers[k->labels ? k->taken[i] : i];
    free(left);
    free(numbers);
}

void rollout_pick(struct rollouts *r, struct rollout_batch *b)
{
    const struct objective_run *o = &r->trainer->options.objective;
    const struct online *online = o->objective->online;
    const struct dataset *d = &b->data;
    if (!online->pick && !r->o.ended_only)
        return;
    put_anchor(o, b);
    struct said *said = said_of(r, b);
    struct kept *kept = mem_alloc((size_t)d->n_groups + 1, sizeof *kept);
    int *taken = mem_alloc((size_t)d->n_seqs + 1, sizeof *taken);
    double *labels = mem_alloc((size_t)d->n_seqs + 1, sizeof *labels);
    for (int g = 0; g < d->n_groups; g++) {
        const struct ds_group *group = &d->groups[g];
        kept[g] = (struct kept){0, taken + group->first_seq, online->pick ? labels + group->first_seq : NULL};
        pick_group(r, b, group, said, &kept[g]);
    }
    keep_answers(b, kept);
    free(said);
    free(kept);
    free(taken);
    free(labels);
}
