#include "config.h"

#include "corpus/lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/diversity.h"

const char *const list_pairs_names[] = {"no", "best-worst", "all", "divpo", NULL};

enum list_pairs list_pairs_named(const char *name)
{
    for (int i = 0; list_pairs_names[i]; i++)
        if (strcmp(list_pairs_names[i], name) == 0)
            return (enum list_pairs)i;
    BUG("pairs from lists: %s", name);
}

struct list_pairing list_pairing_from(const struct settings *s)
{
    return (struct list_pairing){list_pairs_named(settings_text(s, "pairs-from-lists")), settings_float(s, "pairs-share")};
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

static void add_diverse(struct pairing *p, const struct example *x, double share)
{
    const size_t n = (size_t)x->n_responses;
    const char **texts = mem_alloc(n, sizeof *texts);
    double *scores = mem_alloc(n, sizeof *scores), *rarity = mem_alloc(n, sizeof *rarity);
    int chosen, rejected;
    for (size_t i = 0; i < n; i++) {
        texts[i] = x->responses[i].text;
        scores[i] = x->responses[i].score;
    }
    word_rarity(texts, x->n_responses, rarity);
    if (diverse_pair(scores, rarity, x->n_responses, share, &chosen, &rejected))
        add_pair(p, x, &x->responses[chosen], &x->responses[rejected]);
    free(texts);
    free(scores);
    free(rarity);
}

void lists_to_pairs(struct corpus *c, struct list_pairing how)
{
    if (c->kind != DATA_LIST || how.which == LIST_PAIRS_NO)
        return;
    struct pairing p = {.corpus = c};
    for (size_t i = 0; i < c->n_examples; i++) {
        if (how.which == LIST_PAIRS_ALL)
            add_all(&p, &c->examples[i]);
        else if (how.which == LIST_PAIRS_DIVPO)
            add_diverse(&p, &c->examples[i], how.share);
        else
            add_best_worst(&p, &c->examples[i]);
    }
    free(c->examples);
    c->examples = p.examples;
    c->n_examples = p.n;
    c->kind = DATA_PAIR;
    char shape[200];
    snprintf(shape, sizeof shape, "%.100s, as pairs (%s)", c->shape, list_pairs_names[how.which]);
    c->shape = arena_strdup(&c->arena, shape);
}
