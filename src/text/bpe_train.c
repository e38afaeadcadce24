// The counts are kept up to date, not taken anew: every pair knows its count and the words that (may) hold it.
// A merge visits only those words. The queue may hold outdated counts, which are noticed and corrected when
// they come up; since a pair is queued again whenever it becomes more frequent, the top is always right.
#include "config.h"

#include "text/bpe_train.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/bpe_train_write.h"
#include "text/added.h"
#include "text/bpe.h"
#include "text/component.h"

struct pair_count {
    uint64_t pair; // left << 32 | right; PAIR_FREE: no pair
    int64_t count;
    uint32_t *words;
    uint32_t n_words, cap_words;
    int32_t queued_at; // the merge after which it was queued last
};
#define PAIR_FREE UINT64_MAX

struct queued {
    int64_t count;
    uint64_t pair;
};

struct training {
    struct bpe_learned learned;
    struct bytes_map known; // token text -> id
    struct bytes_map word_of;
    struct train_word {
        uint32_t *ids;
        uint32_t n;
        int64_t count;
        const char *text; // borrowed
        size_t n_bytes;
    } *words;
    size_t n_words, cap_words;
    struct pair_count *pairs;
    size_t pairs_mask, n_pairs;
    struct queued *queue;
    size_t n_queue, cap_queue;
    uint64_t *fresh; // pairs that became more frequent by the present merge
    size_t n_fresh, cap_fresh;
};

static size_t pair_place(const struct pair_count *pairs, size_t mask, uint64_t pair)
{
    size_t i = (pair * 0x9e3779b97f4a7c15u >> 24) & mask;
    while (pairs[i].pair != pair && pairs[i].pair != PAIR_FREE)
        i = (i + 1) & mask;
    return i;
}

static struct pair_count *pair_of(struct training *g, uint64_t pair)
{
    if (!g->pairs || g->n_pairs * 2 > g->pairs_mask) {
        size_t mask = g->pairs ? g->pairs_mask * 2 + 1 : 4095;
        struct pair_count *bigger = mem_alloc(mask + 1, sizeof *bigger);
        for (size_t i = 0; i <= mask; i++)
            bigger[i].pair = PAIR_FREE;
        for (size_t i = 0; g->pairs && i <= g->pairs_mask; i++)
            if (g->pairs[i].pair != PAIR_FREE)
                bigger[pair_place(bigger, mask, g->pairs[i].pair)] = g->pairs[i];
        free(g->pairs);
        g->pairs = bigger;
        g->pairs_mask = mask;
    }
    struct pair_count *p = &g->pairs[pair_place(g->pairs, g->pairs_mask, pair)];
    if (p->pair == PAIR_FREE) {
        *p = (struct pair_count){.pair = pair, .queued_at = -1};
        g->n_pairs++;
    }
    return p;
}

// More frequent first, then the lower pair.
static bool before(struct queued a, struct queued b)
{
    return a.count != b.count ? a.count > b.count : a.pair < b.pair;
}

static void queue_push(struct training *g, struct queued item)
{
    MEM_GROW(g->queue, g->n_queue, g->cap_queue);
    size_t i = g->n_queue++;
    for (; i && before(item, g->queue[(i - 1) / 2]); i = (i - 1) / 2)
        g->queue[i] = g->queue[(i - 1) / 2];
    g->queue[i] = item;
}

static struct queued queue_pop(struct training *g)
{
    struct queued top = g->queue[0], last = g->queue[--g->n_queue];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < g->n_queue; i = child) {
        child += child + 1 < g->n_queue && before(g->queue[child + 1], g->queue[child]);
        if (!before(g->queue[child], last))
            break;
        g->queue[i] = g->queue[child];
    }
    g->queue[i] = last;
    return top;
}

static uint64_t pair_at(const struct train_word *w, size_t i)
{
    return (uint64_t)w->ids[i] << 32 | w->ids[i + 1];
}

// Takes a word's pairs out of the counts (sign -1) or puts them in; pairs with the token `made` are noted.
static void count_word(struct training *g, uint32_t index, int sign, uint32_t made)
{
    struct train_word *w = &g->words[index];
    for (size_t i = 0; i + 1 < w->n; i++) {
        struct pair_count *p = pair_of(g, pair_at(w, i));
        p->count += sign * w->count;
        if (sign < 0 || (w->ids[i] != made && w->ids[i + 1] != made))
            continue;
        if (p->n_words == 0 || p->words[p->n_words - 1] != index) {
            MEM_GROW(p->words, p->n_words, p->cap_words);
            p->words[p->n_words++] = index;
        }
        if (p->queued_at != (int32_t)g->learned.n_merges) {
            p->queued_at = (int32_t)g->learned.n_merges;
            MEM_GROW(g->fresh, g->n_fresh, g->cap_fresh);
            g->fresh[g->n_fresh++] = p->pair;
        }
    }
}

static void queue_fresh(struct training *g)
{
    for (size_t i = 0; i < g->n_fresh; i++)
        queue_push(g, (struct queued){pair_of(g, g->fresh[i])->count, g->fresh[i]});
    g->n_fresh = 0;
}

// The id of a token text, which is made when it is new.
static uint32_t token_id(struct training *g, const char *text, size_t n)
{
    int32_t id = bytes_map_get(&g->known, text, n);
    if (id >= 0)
        return (uint32_t)id;
    struct bpe_learned *l = &g->learned;
    MEM_GROW(l->tokens, l->n_tokens, l->cap_tokens);
    l->tokens[l->n_tokens] = (struct vocab_token){arena_strndup(&l->arena, text, n), (uint32_t)n};
    bytes_map_set(&g->known, l->tokens[l->n_tokens].text, n, (int32_t)l->n_tokens);
    return (uint32_t)l->n_tokens++;
}

static void merge_pair(struct training *g, uint64_t pair)
{
    struct bpe_learned *l = &g->learned;
    uint32_t left = (uint32_t)(pair >> 32), right = (uint32_t)pair;
    struct str both = {0};
    str_addn(&both, l->tokens[left].text, l->tokens[left].n_bytes);
    str_addn(&both, l->tokens[right].text, l->tokens[right].n_bytes);
    uint32_t made = token_id(g, both.data, both.len);
    str_fini(&both);
    MEM_GROW(l->merges, l->n_merges, l->cap_merges);
    l->merges[l->n_merges++] = (struct bpe_learned_merge){left, right};

    struct pair_count *p = pair_of(g, pair); // its list is taken: counting may move and grow the table
    uint32_t *words = p->words, n_words = p->n_words;
    p->words = NULL;
    p->n_words = p->cap_words = 0;
    for (uint32_t k = 0; k < n_words; k++) {
        struct train_word *w = &g->words[words[k]];
        size_t n = 0;
        bool holds = false;
        for (size_t i = 0; i + 1 < w->n && !holds; i++)
            holds = pair_at(w, i) == pair;
        if (!holds)
            continue;
        count_word(g, words[k], -1, made);
        for (size_t i = 0; i < w->n; i++) {
            bool hit = i + 1 < w->n && pair_at(w, i) == pair;
            w->ids[n++] = hit ? made : w->ids[i];
            i += hit;
        }
        w->n = (uint32_t)n;
        count_word(g, words[k], 1, made);
    }
    free(words);
    queue_fresh(g);
}

static void add_word(struct training *g, const char *text, size_t n)
{
    int32_t index = bytes_map_get(&g->word_of, text, n);
    if (index >= 0) {
        g->words[index].count++;
        return;
    }
    MEM_GROW(g->words, g->n_words, g->cap_words);
    bytes_map_set(&g->word_of, text, n, (int32_t)g->n_words);
    g->words[g->n_words++] = (struct train_word){.count = 1, .text = text, .n_bytes = n};
}

static int count_words(struct training *g, const char *text, size_t n, const char *const *specials, struct err *e)
{
    struct pretokenizer gpt2 = {0};
    struct added_token *tokens = mem_alloc((size_t)g->learned.n_specials + 1, sizeof *tokens);
    struct added_set set = {0};
    for (int i = 0; i < g->learned.n_specials; i++)
        added_set_add(&set, specials[i], strlen(specials[i]), i);
    pretokenizer_gpt2(&gpt2, false);
    struct pieces pieces = {0};
    struct added_walk walk;
    added_walk_init(&walk, &set, tokens, text, n, true);
    int32_t token;
    size_t start, end;
    int code = 0;
    while (code == 0 && added_walk_next(&walk, &token, &start, &end)) {
        if (token >= 0)
            continue;
        code = pretokenizer_run(&gpt2, text + start, end - start, false, &pieces, e);
        for (size_t i = 0; code == 0 && i < pieces.n; i++)
            add_word(g, pieces.text + pieces.items[i].start, pieces.items[i].n);
    }
    pieces_fini(&pieces);
    pretokenizer_fini(&gpt2);
    added_set_fini(&set);
    free(tokens);
    return code;
}

// Specials, then the bytes in the order of their characters; words become the ids of their bytes.
static void start(struct training *g, const char *const *specials)
{
    uint32_t byte_id[256];
    for (int i = 0; i < g->learned.n_specials; i++)
        token_id(g, specials[i], strlen(specials[i]));
    for (uint32_t c = 0; c < 512; c++) {
        int byte = bpe_char_byte(c);
        if (byte < 0)
            continue;
        char text[4];
        size_t n = utf8_encode(c, text);
        byte_id[byte] = token_id(g, text, n);
    }
    for (size_t i = 0; i < g->n_words; i++) {
        struct train_word *w = &g->words[i];
        w->ids = arena_alloc(&g->learned.arena, w->n_bytes * sizeof *w->ids);
        w->n = (uint32_t)w->n_bytes;
        for (size_t k = 0; k < w->n_bytes; k++)
            w->ids[k] = byte_id[(unsigned char)w->text[k]];
    }
    for (size_t i = 0; i < g->n_words; i++) {
        struct train_word *w = &g->words[i];
        for (size_t k = 0; k + 1 < w->n; k++) {
            struct pair_count *p = pair_of(g, pair_at(w, k));
            p->count += w->count;
            if (p->n_words == 0 || p->words[p->n_words - 1] != i) {
                MEM_GROW(p->words, p->n_words, p->cap_words);
                p->words[p->n_words++] = (uint32_t)i;
            }
        }
    }
    for (size_t i = 0; g->pairs && i <= g->pairs_mask; i++)
        if (g->pairs[i].pair != PAIR_FREE)
            queue_push(g, (struct queued){g->pairs[i].count, g->pairs[i].pair});
}

static int learn(struct training *g, size_t vocab_size, struct err *e)
{
    while (g->learned.n_tokens < vocab_size) {
        struct queued top = {0};
        while (g->n_queue) {
            top = queue_pop(g);
            int64_t count = pair_of(g, top.pair)->count;
            if (count == top.count)
                break;
            if (count > 0)
                queue_push(g, (struct queued){count, top.pair});
            top.count = 0;
        }
        if (top.count < 2)
            return err_set(e, ERR_INPUT,
                           "the text is too short for a vocabulary of %zu tokens: after %zu no pair occurs twice; "
                           "give more text or ask for fewer tokens",
                           vocab_size, g->learned.n_tokens);
        merge_pair(g, top.pair);
    }
    return 0;
}

static int check(const char *text, size_t n, int vocab_size, const char *const *specials, int *n_specials,
                 struct err *e)
{
    *n_specials = 0;
    for (int i = 0; specials && specials[i]; i++, ++*n_specials) {
        if (!*specials[i] || !utf8_is_valid(specials[i], strlen(specials[i])))
            return err_set(e, ERR_USAGE, "special token %d must be a text of valid UTF-8", i + 1);
        for (int k = 0; k < i; k++)
            if (strcmp(specials[i], specials[k]) == 0)
                return err_set(e, ERR_USAGE, "the special token %s is given twice", specials[i]);
    }
    if (vocab_size < 256 + *n_specials || vocab_size > VOCAB_MAX)
        return err_set(e, ERR_USAGE,
                       "the vocabulary must have %d (the bytes and %d special tokens) to %d tokens, not %d",
                       256 + *n_specials, *n_specials, VOCAB_MAX, vocab_size);
    if (n > BPE_TRAIN_TEXT_MAX)
        return err_set(e, ERR_LIMIT, "a text of %zu MiB is too long to learn a tokenizer from: the most is %zu MiB",
                       n >> 20, BPE_TRAIN_TEXT_MAX >> 20);
    for (size_t i = 0, line = 1; i < n;) {
        uint32_t code;
        i += utf8_decode(text + i, n - i, &code);
        line += code == '\n';
        if (code == UTF8_BAD)
            return err_set(e, ERR_INPUT, "cannot learn a tokenizer: line %zu of the text is not valid UTF-8", line);
    }
    return 0;
}

int bpe_train(const char *text, size_t n, int vocab_size, const char *const *specials, const char *out_dir,
              struct err *e)
{
    struct training g = {0};
    int code = check(text, n, vocab_size, specials, &g.learned.n_specials, e);
    if (code)
        return code;
    code = count_words(&g, text, n, specials, e);
    if (!code) {
        start(&g, specials);
        code = learn(&g, (size_t)vocab_size, e);
    }
    if (!code)
        code = bpe_train_write(&g.learned, out_dir, e);
    for (size_t i = 0; g.pairs && i <= g.pairs_mask; i++)
        free(g.pairs[i].words);
    free(g.pairs);
    free(g.words);
    free(g.queue);
    free(g.fresh);
    bytes_map_fini(&g.known);
    bytes_map_fini(&g.word_of);
    free(g.learned.tokens);
    free(g.learned.merges);
    arena_fini(&g.learned.arena);
    return code;
}
