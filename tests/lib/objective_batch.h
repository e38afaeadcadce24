// What tests of objectives share: configured objectives, batches of numbers, and random ones of the right shape.
#pragma once

#include "testing.h"

#include "base/json.h"
#include "base/rng.h"
#include "corpus/corpus.h"
#include "train/objective/objective.h"

static inline struct objective_run configured(const char *name, const json_t *values)
{
    const struct objective *o;
    struct settings s;
    struct objective_run r = {.n_groups = 1};
    assert_ok(objective_find(&o, name, e));
    const struct param *const tables[] = {o->params, objective_options(o), NULL};
    settings_init(&s, tables);
    if (values)
        assert_ok(settings_from_json(&s, values, e));
    objective_configure(&r, o, &s);
    settings_fini(&s);
    return r;
}

// A batch in one piece: group g holds seqs[first[g]] .. seqs[first[g + 1] - 1].
enum { MAX_GROUPS = 8, MAX_SEQS = 64 };
struct batch {
    struct seq seqs[MAX_SEQS];
    int first[MAX_GROUPS + 1];
    int n;
};

static inline void prepare(struct objective_run *r, struct batch *b)
{
    r->n_groups = b->n;
    r->n_tokens = 0;
    for (int g = 0; g < b->n; g++)
        for (int i = b->first[g]; i < b->first[g + 1]; i++)
            r->n_tokens += b->seqs[i].n;
    if (r->objective->prepare)
        r->objective->prepare(r, b->seqs, b->first, b->n);
}

static inline double group_loss(const struct objective_run *r, struct batch *b, int g, double *metrics)
{
    return objective_loss(r, b->seqs + b->first[g], b->first[g + 1] - b->first[g], metrics);
}

// Of one group alone.
static inline double evaluate(struct objective_run *r, struct seq *s, int n)
{
    double metrics[OBJECTIVE_MAX_METRICS];
    struct batch b = {.first = {0, n}, .n = 1};
    memcpy(b.seqs, s, (size_t)n * sizeof *s);
    prepare(r, &b);
    double loss = group_loss(r, &b, 0, metrics);
    memcpy(s, b.seqs, (size_t)n * sizeof *s);
    return loss;
}

static inline void random_group(struct rng *rng, struct seq *s, int n)
{
    for (int i = 0; i < n; i++)
        s[i] = (struct seq){.logp = -1 - 30 * rng_uniform(rng), .ref = -1 - 30 * rng_uniform(rng),
                            .score = 3 * rng_normal(rng), .label = n == 1 || i == 0, .n = 1 + (int)rng_below(rng, 40)};
    for (int i = 0; i < n; i++) {
        s[i].kl = 3 * rng_uniform(rng);
        s[i].sum_squares = -2 * s[i].n * rng_uniform(rng);
        s[i].rival = 5 * rng_uniform(rng);
        s[i].value = rng_normal(rng);
        if (n > 2)
            s[i].label = rng_normal(rng);
    }
}

static inline int group_size(const struct objective *o)
{
    if (o->online && o->online->pick)
        return o->online->n_picked;
    return o->data & DATA_BINARY ? 1 : o->data & DATA_LIST ? 4 : o->data & DATA_PAIR && !(o->data & DATA_SFT) ? 2 : 1;
}

// A batch of random groups such as the objective's data makes. Half of single responses are bad ones.
static inline void random_batch(const struct objective *o, struct rng *rng, struct batch *b)
{
    const int n =
        group_size(o) + (o->needs.groups & GROUPS_MISMATCH ? 1 : 0) + (o->needs.groups & GROUPS_OWN_ANSWERS ? 3 : 0);
    *b = (struct batch){.n = MAX_GROUPS};
    for (int g = 0; g < b->n; g++) {
        struct seq *s = b->seqs + b->first[g];
        b->first[g + 1] = b->first[g] + n;
        random_group(rng, s, n);
        if (group_size(o) == 1)
            s[0].label = (o->data & DATA_BINARY) && g % 2 ? 0 : 1;
        s[n - 1].mismatched = o->needs.groups & GROUPS_MISMATCH;
    }
}
