#include "config.h"

#include "ui/label/label_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "corpus/corpus.h"

struct taken {
    struct asked_pair *pairs;
    double *shares, *known; // known: NULL where there are no checks
    int n, cap, cap_shares;
};

static void taken_fini(struct taken *t)
{
    for (int i = 0; i < t->n; i++)
        asked_pair_fini(&t->pairs[i]);
    free(t->pairs);
    free(t->shares);
    free(t->known);
}

static void take_two(struct taken *t, const struct example *x, int i, double share)
{
    if (strcmp(x->responses[i].text, x->responses[i + 1].text) == 0)
        return;
    MEM_GROW(t->pairs, t->n, t->cap);
    MEM_GROW(t->shares, t->n, t->cap_shares);
    t->shares[t->n] = share;
    t->pairs[t->n++] = (struct asked_pair){.prompt = example_prompt_text(x),
                                           .turns = example_turns_json(x),
                                           .a = mem_strdup(x->responses[i].text),
                                           .b = mem_strdup(x->responses[i + 1].text)};
}

// Two of a list: which has the higher score, where scores differ.
static double share_of(double first, double second)
{
    return isnan(first) || isnan(second) ? NAN : first > second ? 1 : first < second ? 0 : 0.5;
}

static int take_all(struct taken *t, const struct corpus *c, struct err *e)
{
    for (size_t i = 0; i < c->n_examples && t->n < LABEL_SET_MOST; i++) {
        const struct example *x = &c->examples[i];
        if (c->kind == DATA_PAIR)
            take_two(t, x, 0, x->responses[0].score);
        for (int k = 0; c->kind == DATA_LIST && k + 1 < x->n_responses && t->n < LABEL_SET_MOST; k++)
            take_two(t, x, k, share_of(x->responses[k].score, x->responses[k + 1].score));
    }
    if (t->n == 0)
        return err_set(e, ERR_INPUT, "%s holds %s: to be judged it takes pairs of answers or lists of them", c->path,
                       data_kind_name(c->kind));
    return 0;
}

// "pairs" of "data/pairs.jsonl.gz".
static char *name_of(const char *path)
{
    const char *base = path_base(path);
    const size_t n = base[0] == '.' ? strlen(base) : strcspn(base, ".");
    return mem_strndup(base, n > 60 ? 60 : n);
}

// A set of this file; with `wanted` only that one.
static bool find_set(const struct label_set *list, int n, const char *source, const char *wanted, int *at)
{
    for (*at = 0; *at < n; ++*at)
        if (strcmp(list[*at].source, source) == 0 && (!wanted || strcasecmp(list[*at].name, wanted) == 0))
            return true;
    return false;
}

static bool has_name(const struct label_set *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcasecmp(list[i].name, name) == 0)
            return true;
    return false;
}

static char *free_name(const struct label_set *list, int n, const char *name)
{
    char text[100];
    snprintf(text, sizeof text, "%s", name);
    for (int i = 2; has_name(list, n, text); i++)
        snprintf(text, sizeof text, "%s-%d", name, i);
    return mem_strdup(text);
}

static int read_pairs(const char *path, struct taken *t, struct err *e)
{
    struct corpus *c;
    int code = corpus_load(&c, path, LABEL_SET_MOST, e);
    if (code)
        return code;
    code = take_all(t, c, e);
    corpus_free(c);
    return code;
}

// Keeps the pairs in which one answer is better.
static void keep_known(struct taken *t)
{
    int kept = 0;
    for (int i = 0; i < t->n; i++) {
        if (t->shares[i] > 0.5 || t->shares[i] < 0.5) {
            const struct asked_pair moved = t->pairs[i];
            t->pairs[i] = t->pairs[kept];
            t->pairs[kept] = moved;
            t->shares[kept++] = t->shares[i] > 0.5 ? 1 : 0;
        } else {
            asked_pair_fini(&t->pairs[i]);
        }
    }
    t->n = kept;
}

// The first `n` of the checks, in places by lot: where they lie tells nothing.
static void mix(struct taken *t, struct taken *checks, int n, uint64_t seed)
{
    const size_t all = (size_t)(t->n + n);
    struct taken mixed = {.pairs = mem_alloc(all, sizeof *mixed.pairs), .shares = mem_alloc(all, sizeof *mixed.shares),
                          .known = mem_alloc(all, sizeof *mixed.known), .n = (int)all};
    uint32_t *places = mem_alloc(all, sizeof *places);
    bool *is_check = mem_alloc(all, sizeof *is_check);
    struct rng r = rng_make(seed, RNG_QUEUE, UINT32_MAX);
    for (uint32_t i = 0; i < all; i++)
        places[i] = i;
    rng_shuffle(&r, places, all);
    for (int i = 0; i < n; i++)
        is_check[places[i]] = true;
    for (size_t i = 0, at = 0, check = 0; i < all; i++) {
        struct taken *from = is_check[i] ? checks : t;
        const size_t k = is_check[i] ? check++ : at++;
        mixed.pairs[i] = from->pairs[k];
        from->pairs[k] = (struct asked_pair){0};
        mixed.shares[i] = is_check[i] ? NAN : t->shares[k];
        mixed.known[i] = is_check[i] ? checks->shares[k] : NAN;
    }
    free(is_check);
    free(places);
    taken_fini(t);
    *t = mixed;
}

static int add_checks(struct taken *t, const struct label_from *from, uint64_t seed, struct err *e)
{
    struct taken checks = {0};
    const int wanted = (int)ceil(from->check_share / (1 - from->check_share) * t->n);
    int code = read_pairs(from->checks, &checks, e);
    if (!code)
        keep_known(&checks);
    if (!code && checks.n < wanted)
        code = err_set(e, ERR_INPUT,
                       "%s has %d %s with a better answer, and checks that are %.3g %% of this set would be %d: give more "
                       "of them, or a smaller share",
                       from->checks, checks.n, checks.n == 1 ? "pair" : "pairs", 100 * from->check_share, wanted);
    if (!code)
        mix(t, &checks, wanted, seed);
    taken_fini(&checks);
    return code;
}

static int make(struct store *s, const struct label_from *from, const char *source, char *name, struct label_set *out,
                struct err *e)
{
    struct taken t = {0};
    struct label_set set = {.name = name,
                            .source = (char *)source,
                            .repeats = from->repeats,
                            .overlap = from->overlap,
                            .seed = from->seed ? from->seed : (uint64_t)clock_wall_ms()};
    int code = read_pairs(from->path, &t, e);
    if (!code && from->checks)
        code = add_checks(&t, from, set.seed, e);
    if (!code)
        code = label_set_add(s, &set, t.pairs, t.shares, t.known, t.n, e);
    taken_fini(&t);
    return code ? code : label_set_find(s, name, out, e);
}

static int has_checks(struct store *s, const struct label_set *set, bool *out, struct err *e)
{
    struct label_item *items;
    int n, code = label_set_items(s, set->id, &items, &n, e);
    if (code)
        return code;
    *out = false;
    for (int i = 0; i < n; i++)
        *out |= !isnan(items[i].known);
    free(items);
    return 0;
}

int label_set_from_file(struct store *s, const struct label_from *from, struct label_set *out, struct err *e)
{
    struct label_set *list = NULL;
    int n = 0, at;
    char *source = realpath(from->path, NULL);
    if (!source)
        return err_errno(e, "%s", from->path);
    int code = label_sets(s, &list, &n, e);
    if (!code && find_set(list, n, source, from->name, &at)) {
        bool some = true;
        if (from->checks)
            code = has_checks(s, &list[at], &some, e);
        if (!code && !some)
            code = err_set(e, ERR_STATE,
                           "the set \"%s\" of this file was made without checks, and stays as it is; with another name "
                           "(--set) a new one is made",
                           list[at].name);
        if (!code) {
            *out = list[at];
            list[at] = (struct label_set){0};
        }
    } else if (!code) {
        char *base = from->name ? mem_strdup(from->name) : name_of(from->path);
        char *name = from->name ? mem_strdup(base) : free_name(list, n, base);
        code = make(s, from, source, name, out, e);
        free(base);
        free(name);
    }
    label_sets_free(list, n);
    free(source);
    return code;
}
