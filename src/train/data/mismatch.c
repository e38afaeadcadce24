#include "config.h"

#include "train/data/mismatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"

// A group in the order in which responses are passed on: prompts shuffled, the groups of one prompt together.
struct place {
    int group, prompt; // prompt: number of the distinct prompt
    uint32_t key;      // the shuffled number of that prompt, then of the group
    const int32_t *tokens;
    int n;
};

static int by_prompt(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    const int order = memcmp(x->tokens, y->tokens, (size_t)x->n * sizeof *x->tokens);
    return order ? order : x->group - y->group;
}

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->prompt != y->prompt)
        return x->prompt < y->prompt ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static uint32_t *shuffled(int n, struct rng *rng)
{
    uint32_t *all = mem_alloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++)
        all[i] = (uint32_t)i;
    rng_shuffle(rng, all, (size_t)n);
    return all;
}

// Returns the number of groups of the most frequent prompt; 0 when there is only one prompt.
static int put_in_order(struct place *places, const struct dataset *d, struct rng *rng)
{
    const int n = d->n_groups;
    int n_prompts = 0, most = 0, run = 0;
    for (int i = 0; i < n; i++)
        places[i] = (struct place){.group = i, .tokens = d->tokens + d->groups[i].ask, .n = d->groups[i].n_ask};
    qsort(places, (size_t)n, sizeof *places, by_prompt);
    for (int i = 0; i < n; i++) {
        const bool same =
            i && places[i].n == places[i - 1].n &&
            memcmp(places[i].tokens, places[i - 1].tokens, (size_t)places[i].n * sizeof *places->tokens) == 0;
        n_prompts += !same;
        places[i].prompt = n_prompts - 1;
        run = same ? run + 1 : 1;
        most = run > most ? run : most;
    }
    uint32_t *prompts = shuffled(n_prompts, rng), *groups = shuffled(n, rng);
    for (int i = 0; i < n; i++) {
        places[i].prompt = (int)prompts[places[i].prompt];
        places[i].key = groups[i];
    }
    free(prompts);
    free(groups);
    qsort(places, (size_t)n, sizeof *places, by_key);
    return n_prompts > 1 ? most : 0;
}

// Moving on by the size of the largest block leads out of every block, unless that one holds more than half of all:
// its own surplus then draws from the rest.
static int donor(const struct place *places, int n, int at, int most, struct rng *rng)
{
    const int to = (at + most) % n;
    if (places[to].prompt != places[at].prompt)
        return places[to].group;
    int first = at;
    while (first > 0 && places[first - 1].prompt == places[at].prompt)
        first--;
    const int drawn = (int)rng_below(rng, (uint64_t)(n - most));
    return places[drawn < first ? drawn : drawn + most].group;
}

// The response of another example as the answer to group i's prompt. Where the template refuses the two together, its
// tokens as they are.
static int pass_on(struct dataset *d, const struct corpus *c, const struct text_rules *rules, struct ds_group *g,
                   const struct ds_seq *other, uint32_t from, struct ds_seq *out, struct err *e)
{
    struct encoded x;
    struct err fault = {0};
    int code = text_rules_encode(rules, &c->examples[g->example], &c->examples[from].responses[other->response], &x,
                                 &fault);
    if (code && code != ERR_INPUT) {
        if (e)
            *e = fault;
        return code;
    }
    *out = *other;
    out->mismatched = true;
    if (code || x.n_before <= (size_t)g->n_dropped) {
        const int room = rules->max_length - g->n_prompt;
        out->first = dataset_add_tokens(d, d->tokens + other->first, (size_t)other->n);
        out->n_context = 0;
        out->n = other->n < room ? other->n : room;
        encoded_fini(&x);
        return 0;
    }
    if (g->n_dropped)
        encoded_cut_prompt(&x, (size_t)g->n_dropped, rules->bos);
    int shared = 0;
    while (shared < g->n_prompt && (size_t)shared < x.n_before && x.ids[shared] == d->tokens[g->prompt + (size_t)shared])
        shared++;
    if (shared < g->n_prompt && shared > 0)
        dataset_share_less(d, g, shared);
    const size_t end = x.n < (size_t)rules->max_length ? x.n : (size_t)rules->max_length;
    const size_t own = (size_t)g->n_prompt;
    out->n_context = (int)(x.n_before - own);
    out->n = end > x.n_before ? (int)(end - x.n_before) : 0;
    out->first = dataset_add_tokens(d, x.ids + own, x.n_before - own + (size_t)out->n) + (size_t)out->n_context;
    encoded_fini(&x);
    return 0;
}

int dataset_mismatch(struct dataset *d, const struct corpus *c, const struct text_rules *rules, uint64_t seed,
                     struct err *e)
{
    const int n = d->n_groups, n_own = d->n_seqs;
    struct rng rng = rng_make(seed, RNG_MISMATCH, 0);
    struct place *places = mem_alloc((size_t)n, sizeof *places);
    const int most = put_in_order(places, d, &rng);
    if (most == 0) {
        free(places);
        return err_set(e, ERR_INPUT,
                       "all %d examples have the same prompt: this objective compares with answers to other "
                       "prompts, so there must be two different ones to learn from and, unless eval-share is 0, two "
                       "held out",
                       n);
    }
    int *from = mem_alloc((size_t)n, sizeof *from), *first = mem_alloc((size_t)n, sizeof *first), code = 0;
    for (int i = 0; i < n; i++)
        from[places[i].group] = donor(places, n, i, most, &rng);
    free(places);
    struct ds_seq *others = mem_alloc((size_t)n, sizeof *others);
    for (int i = 0; i < n && !code; i++)
        code = pass_on(d, c, rules, &d->groups[i], &d->seqs[d->groups[from[i]].first_seq],
                       d->groups[from[i]].example, &others[i], e);
    struct ds_seq *seqs = mem_alloc((size_t)(n_own + n), sizeof *seqs), *out = seqs;
    for (int i = 0; i < n && !code; i++) {
        const struct ds_group *g = &d->groups[i];
        first[i] = (int)(out - seqs);
        memcpy(out, d->seqs + g->first_seq, (size_t)g->n_seqs * sizeof *out);
        out += g->n_seqs;
        *out++ = others[i];
    }
    for (int i = 0; i < n && !code; i++) {
        d->groups[i].first_seq = first[i];
        d->groups[i].n_seqs++;
    }
    free(code ? seqs : d->seqs);
    if (!code) {
        d->seqs = seqs;
        d->n_seqs = d->cap_seqs = (int)(out - seqs);
    }
    free(first);
    free(from);
    free(others);
    return code;
}
