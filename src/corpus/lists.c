#include "config.h"

#include "corpus/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const list_pairs_names[] = {"no", "best-worst", "all", NULL};

enum list_pairs list_pairs_named(const char *name)
{
    for (int i = 0; list_pairs_names[i]; i++)
        if (strcmp(list_pairs_names[i], name) == 0)
            return (enum list_pairs)i;
    BUG("pairs from lists: %s", name);
}

void lists_summarize(const struct corpus *c, struct list_summary *out)
{
    *out = (struct list_summary){0};
    for (size_t k = 0; k < c->n_examples; k++) {
        const struct example *x = &c->examples[k];
        size_t ties = 0;
        for (int i = 0; i < x->n_responses; i++)
            for (int j = i + 1; j < x->n_responses; j++)
                ties += x->responses[i].score == x->responses[j].score;
        const size_t n = (size_t)x->n_responses;
        out->n_responses += n;
        out->n_pairs += n * (n - 1) / 2 - ties;
        out->n_ties += ties;
        out->n_with_ties += ties > 0;
        out->shortest = k == 0 || x->n_responses < out->shortest ? x->n_responses : out->shortest;
        out->longest = x->n_responses > out->longest ? x->n_responses : out->longest;
    }
}

struct pairing {
    struct corpus *corpus;
    struct example *examples;
    size_t n, cap;
};

static void add_pair(struct pairing *p, const struct example *x, const struct response *chosen,
                     const struct response *rejected)
{
    if (strcmp(chosen->text, rejected->text) == 0)
        return;
    struct response *pair = arena_alloc(&p->corpus->arena, 2 * sizeof *pair);
    pair[0] = (struct response){.text = chosen->text, .score = 1};
    pair[1] = (struct response){.text = rejected->text, .score = 0};
    MEM_GROW(p->examples, p->n, p->cap);
    p->examples[p->n] = *x;
    p->examples[p->n].responses = pair;
    p->examples[p->n++].n_responses = 2;
}

static void add_best_worst(struct pairing *p, const struct example *x)
{
    const struct response *best = x->responses, *worst = x->responses;
    for (int i = 1; i < x->n_responses; i++) {
        best = x->responses[i].score > best->score ? &x->responses[i] : best;
        worst = x->responses[i].score < worst->score ? &x->responses[i] : worst;
    }
    if (best->score > worst->score)
        add_pair(p, x, best, worst);
}

static void add_all(struct pairing *p, const struct example *x)
{
    for (int i = 0; i < x->n_responses; i++)
        for (int j = 0; j < x->n_responses; j++)
            if (x->responses[i].score > x->responses[j].score)
                add_pair(p, x, &x->responses[i], &x->responses[j]);
}

void lists_to_pairs(struct corpus *c, enum list_pairs which)
{
    if (c->kind != DATA_LIST || which == LIST_PAIRS_NO)
        return;
    struct pairing p = {.corpus = c};
    for (size_t i = 0; i < c->n_examples; i++) {
        if (which == LIST_PAIRS_ALL)
            add_all(&p, &c->examples[i]);
        else
            add_best_worst(&p, &c->examples[i]);
    }
    free(c->examples);
    c->examples = p.examples;
    c->n_examples = p.n;
    c->kind = DATA_PAIR;
    char shape[200];
    snprintf(shape, sizeof shape, "%.100s, as pairs (%s)", c->shape, list_pairs_names[which]);
    c->shape = arena_strdup(&c->arena, shape);
}
