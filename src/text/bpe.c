#include "config.h"

#include "text/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"

#define MERGE_FREE UINT64_MAX
#define SPACE_MARK "\xe2\x96\x81" // U+2581

// GPT-2's alphabet: bytes that are printable in Latin-1 stand for themselves, the others, in order, for the
// code points from 256 on.
uint32_t bpe_byte_char(unsigned char byte)
{
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173))
        return byte;
    if (byte <= 32)
        return 256u + byte;
    return byte == 173 ? 323 : 256u + 33 + (byte - 127u);
}

int bpe_char_byte(uint32_t code)
{
    if (code < 256)
        return bpe_byte_char((unsigned char)code) == code ? (int)code : -1;
    if (code <= 256 + 32)
        return (int)code - 256;
    if (code < 323)
        return (int)code - 256 - 33 + 127;
    return code == 323 ? 173 : -1;
}

void bpe_fini(struct bpe *b)
{
    free(b->merges);
    bytes_map_fini(&b->words);
    arena_fini(&b->arena);
}

int bpe_reserve(struct bpe *b, size_t n_merges, struct err *e)
{
    size_t size = 16;
    while (size < n_merges * 2)
        size *= 2;
    b->merges = mem_try_alloc(size, sizeof *b->merges, "the tokenizer's merges", e);
    if (!b->merges)
        return ERR_LIMIT;
    for (size_t i = 0; i < size; i++)
        b->merges[i].pair = MERGE_FREE;
    b->mask = size - 1;
    return 0;
}

static struct merge_slot *merge_slot(const struct bpe *b, int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint64_t h = pair * 0x9e3779b97f4a7c15u;
    size_t i = (h >> 24) & b->mask;
    while (b->merges[i].pair != pair && b->merges[i].pair != MERGE_FREE)
        i = (i + 1) & b->mask;
    return &b->merges[i];
}

// The merge of two neighbours or NULL.
static inline const struct merge_slot *merge_of(const struct bpe *b, int32_t left, int32_t right)
{
    const struct merge_slot *slot = merge_slot(b, left, right);
    return slot->pair == MERGE_FREE ? NULL : slot;
}

int bpe_add_merge(struct bpe *b, const char *left, size_t n_left, const char *right, size_t n_right, const char *where,
                  struct err *e)
{
    struct str both = {0};
    str_addn(&both, left, n_left);
    str_addn(&both, right, n_right);
    int32_t left_id = bytes_map_get(&b->vocab->model, left, n_left);
    int32_t right_id = bytes_map_get(&b->vocab->model, right, n_right);
    int32_t id = bytes_map_get(&b->vocab->model, str_text(&both), both.len);
    str_fini(&both);
    if (left_id < 0 || right_id < 0 || id < 0)
        return err_set(e, ERR_INPUT, "%s: merge %zu joins \"%.60s\" and \"%.60s\", but the vocabulary does not hold %s",
                       where, b->n_merges + 1, left, right,
                       left_id < 0 ? "the first" : right_id < 0 ? "the second" : "the result");
    struct merge_slot *slot = merge_slot(b, left_id, right_id);
    *slot = (struct merge_slot){(uint64_t)(uint32_t)left_id << 32 | (uint32_t)right_id, (int32_t)b->n_merges++, id};
    return 0;
}

// A word may be cut before each U+2581 that follows another character without changing the result when no
// merge makes a token that holds such a place: then no merge can reach over the cut. This keeps whole texts
// (SentencePiece models have no pre-tokenizer) from becoming one word.
static bool may_split_at_space(const struct bpe *b)
{
    if (b->bytes || bytes_map_get(&b->vocab->model, SPACE_MARK, 3) < 0)
        return false;
    for (size_t i = 0; b->merges && i <= b->mask; i++) {
        if (b->merges[i].pair == MERGE_FREE)
            continue;
        const struct vocab_token *t = &b->vocab->tokens[b->merges[i].id];
        bool other = false;
        for (size_t k = 0; k < t->n_bytes;) {
            bool mark = t->n_bytes - k >= 3 && memcmp(t->text + k, SPACE_MARK, 3) == 0;
            if (mark && other)
                return false;
            other = other || !mark;
            k += mark ? 3 : 1;
        }
    }
    return true;
}

// Byte-level: the words that ignore_merges looks up, as bytes.
static void list_words(struct bpe *b)
{
    for (int32_t id = 0; id < b->vocab->n; id++) {
        const struct vocab_token *t = &b->vocab->tokens[id];
        if (!t->text || bytes_map_get(&b->vocab->model, t->text, t->n_bytes) != id)
            continue;
        char *bytes = arena_alloc(&b->arena, t->n_bytes + 1);
        size_t n = 0, k = 0;
        while (k < t->n_bytes) {
            uint32_t code;
            k += utf8_decode(t->text + k, t->n_bytes - k, &code);
            int byte = bpe_char_byte(code);
            if (byte < 0)
                break;
            bytes[n++] = (char)byte;
        }
        if (k == t->n_bytes && n)
            bytes_map_set(&b->words, bytes, n, id);
    }
}

void bpe_finish(struct bpe *b)
{
    const struct bytes_map *model = &b->vocab->model;
    for (int i = 0; i < 256; i++) {
        char text[8];
        size_t n = utf8_encode(bpe_byte_char((unsigned char)i), text);
        b->byte_id[i] = bytes_map_get(model, text, n);
        snprintf(text, sizeof text, "<0x%02X>", i);
        b->fallback_id[i] = bytes_map_get(model, text, 6);
        if (i < 128)
            b->ascii_id[i] = bytes_map_get(model, &(char){(char)i}, 1);
    }
    if (b->bytes && b->ignore_merges)
        list_words(b);
    b->splits_at_space = may_split_at_space(b);
}

// A word's ids by its text, so that common words are merged once.
#define CACHE_SLOTS 2048
#define CACHE_BYTES 23
#define CACHE_IDS 9
struct bpe_cached {
    int32_t ids[CACHE_IDS];
    uint8_t n_ids, n_bytes; // n_bytes 0: free
    char bytes[CACHE_BYTES];
};

void bpe_scratch_init(struct bpe_scratch *s, bool cached)
{
    *s = (struct bpe_scratch){0};
    if (cached)
        s->cache = mem_alloc(CACHE_SLOTS, sizeof *s->cache);
}

void bpe_scratch_fini(struct bpe_scratch *s)
{
    free(s->symbols);
    free(s->heap);
    free(s->cache);
}

// The state of one word being split into symbols.
struct word {
    struct bpe_symbol *symbols;
    size_t n;
    bool unk_open; // an unknown symbol waits to be joined by the next unknown
    size_t unk_bytes;
};

static void put(struct word *w, int32_t id, size_t n_bytes)
{
    w->symbols[w->n].id = id;
    w->symbols[w->n++].n_bytes = (int32_t)n_bytes;
}

static void close_unknown(const struct bpe *b, struct word *w)
{
    if (w->unk_open)
        put(w, b->unk, w->unk_bytes);
    w->unk_open = false;
    w->unk_bytes = 0;
}

static void put_known(const struct bpe *b, struct word *w, int32_t id, size_t n_bytes)
{
    close_unknown(b, w);
    put(w, id, n_bytes);
}

// What has no token: its bytes' tokens when all of them exist, else the unknown token, else nothing.
// n_bytes: of the word, where `bytes` is another spelling of it.
static void put_missing(const struct bpe *b, struct word *w, const char *bytes, size_t n, size_t n_bytes)
{
    if (b->byte_fallback) {
        bool all = true;
        for (size_t i = 0; i < n; i++)
            all = all && b->fallback_id[(unsigned char)bytes[i]] >= 0;
        for (size_t i = 0; all && i < n; i++)
            put(w, b->fallback_id[(unsigned char)bytes[i]], n == n_bytes ? 1 : i == 0 ? n_bytes : 0);
        if (all)
            return;
    }
    if (b->unk < 0) {
        if (w->n)
            w->symbols[w->n - 1].n_bytes += (int32_t)n_bytes;
        return;
    }
    if (w->unk_open && !b->fuse_unk)
        close_unknown(b, w);
    w->unk_open = true;
    w->unk_bytes += n_bytes;
}

// Fills s->symbols with the word's first symbols, linked; returns how many.
static int start_word(const struct bpe *b, struct bpe_scratch *s, const char *text, size_t n, size_t *n_symbols,
                      struct err *e)
{
    size_t most = 2 * n + 1; // a byte of a byte-level model has at most two bytes of fallback
    if (most > INT32_MAX)
        return err_set(e, ERR_LIMIT, "a word of %zu bytes is too long for the tokenizer: split the text", n);
    if (most > s->cap_symbols) {
        free(s->symbols);
        s->cap_symbols = 0;
        s->symbols = mem_try_alloc(most + most / 2, sizeof *s->symbols, "the symbols of a text", e);
        if (!s->symbols)
            return ERR_LIMIT;
        s->cap_symbols = most + most / 2;
    }
    struct word w = {.symbols = s->symbols};
    for (size_t i = 0; i < n;) {
        unsigned char c = (unsigned char)text[i];
        if (b->bytes) {
            if (b->byte_id[c] >= 0) {
                put_known(b, &w, b->byte_id[c], 1);
            } else {
                char mapped[4];
                put_missing(b, &w, mapped, utf8_encode(bpe_byte_char(c), mapped), 1);
            }
            i++;
            continue;
        }
        uint32_t code;
        size_t used = c < 128 ? 1 : utf8_decode(text + i, n - i, &code);
        int32_t id = c < 128 ? b->ascii_id[c] : bytes_map_get(&b->vocab->model, text + i, used);
        if (id >= 0)
            put_known(b, &w, id, used);
        else
            put_missing(b, &w, text + i, used, used);
        i += used;
    }
    close_unknown(b, &w);
    for (size_t i = 0; i < w.n; i++) {
        s->symbols[i].prev = (int32_t)i - 1;
        s->symbols[i].next = i + 1 < w.n ? (int32_t)i + 1 : -1;
    }
    *n_symbols = w.n;
    return 0;
}

// Joins symbol i with its right neighbour.
static void join(struct bpe_symbol *symbols, int32_t i, int32_t id)
{
    int32_t gone = symbols[i].next;
    symbols[i].id = id;
    symbols[i].n_bytes += symbols[gone].n_bytes;
    symbols[i].next = symbols[gone].next;
    if (symbols[gone].next >= 0)
        symbols[symbols[gone].next].prev = i;
    symbols[gone].id = -1;
}

// Few symbols: look at all ranks each time. The symbols are kept dense, so that the scan is short.
#define SHORT_WORD 24
static size_t merge_short(const struct bpe *b, struct bpe_symbol *symbols, size_t n)
{
    int32_t rank[SHORT_WORD], merged[SHORT_WORD]; // of symbol i with i + 1; INT32_MAX: no merge
    for (size_t i = 0; i + 1 < n; i++) {
        const struct merge_slot *m = merge_of(b, symbols[i].id, symbols[i + 1].id);
        rank[i] = m ? m->rank : INT32_MAX;
        merged[i] = m ? m->id : -1;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best])
                best = i;
        if (rank[best] == INT32_MAX)
            break;
        symbols[best].id = merged[best];
        symbols[best].n_bytes += symbols[best + 1].n_bytes;
        n--;
        for (size_t i = best + 1; i < n; i++) {
            symbols[i].id = symbols[i + 1].id;
            symbols[i].n_bytes = symbols[i + 1].n_bytes;
        }
        for (size_t i = best + 1; i + 1 < n; i++) {
            rank[i] = rank[i + 1];
            merged[i] = merged[i + 1];
        }
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const struct merge_slot *m = merge_of(b, symbols[i].id, symbols[i + 1].id);
            rank[i] = m ? m->rank : INT32_MAX;
            merged[i] = m ? m->id : -1;
        }
    }
    return n;
}

static void heap_push(struct bpe_scratch *s, uint64_t item)
{
    MEM_GROW(s->heap, s->n_heap, s->cap_heap);
    size_t i = s->n_heap++;
    while (i && s->heap[(i - 1) / 2] > item) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = item;
}

static uint64_t heap_pop(struct bpe_scratch *s)
{
    uint64_t top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->n_heap)
            break;
        child += child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child];
        if (s->heap[child] >= last)
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

static void push_pair(const struct bpe *b, struct bpe_scratch *s, int32_t i)
{
    if (i < 0 || s->symbols[i].next < 0)
        return;
    const struct merge_slot *m = merge_of(b, s->symbols[i].id, s->symbols[s->symbols[i].next].id);
    if (m)
        heap_push(s, (uint64_t)(uint32_t)m->rank << 32 | (uint32_t)i);
}

// Many symbols: a heap of pairs. An entry whose pair has changed since is recognized by its rank and dropped.
static void merge_long(const struct bpe *b, struct bpe_scratch *s, size_t n)
{
    s->n_heap = 0;
    for (size_t i = 0; i < n; i++)
        push_pair(b, s, (int32_t)i);
    while (s->n_heap) {
        uint64_t top = heap_pop(s);
        int32_t i = (int32_t)(uint32_t)top;
        if (s->symbols[i].id < 0 || s->symbols[i].next < 0)
            continue;
        const struct merge_slot *m = merge_of(b, s->symbols[i].id, s->symbols[s->symbols[i].next].id);
        if (!m || m->rank != (int32_t)(top >> 32))
            continue;
        join(s->symbols, i, m->id);
        push_pair(b, s, s->symbols[i].prev);
        push_pair(b, s, i);
    }
}

static void add_symbol(const struct bpe_symbol *symbol, struct ids *out, struct ids *lengths)
{
    ids_add(out, symbol->id);
    if (lengths)
        ids_add(lengths, symbol->n_bytes);
}

// lengths: where the tokens' bytes go, beside the ids; NULL: nobody asks.
static int encode_uncached(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, struct ids *out,
                           struct ids *lengths, struct err *e)
{
    if (b->ignore_merges) {
        int32_t id = bytes_map_get(b->bytes ? &b->words : &b->vocab->model, word, n);
        if (id >= 0) {
            ids_add(out, id);
            if (lengths)
                ids_add(lengths, (int32_t)n);
            return 0;
        }
    }
    size_t n_symbols = 0;
    int code = start_word(b, s, word, n, &n_symbols, e);
    if (code || n_symbols == 0)
        return code;
    if (n_symbols <= SHORT_WORD) {
        n_symbols = merge_short(b, s->symbols, n_symbols);
        for (size_t i = 0; i < n_symbols; i++)
            add_symbol(&s->symbols[i], out, lengths);
        return 0;
    }
    merge_long(b, s, n_symbols);
    for (int32_t i = 0; i >= 0; i = s->symbols[i].next)
        add_symbol(&s->symbols[i], out, lengths);
    return 0;
}

static int encode_cached(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, struct ids *out,
                         struct err *e)
{
    if (!s->cache || n > CACHE_BYTES || n == 0)
        return encode_uncached(b, s, word, n, out, NULL, e);
    struct bpe_cached *slot = &s->cache[bytes_hash(word, n) % CACHE_SLOTS];
    if (slot->n_bytes == n && memcmp(slot->bytes, word, n) == 0) {
        for (int i = 0; i < slot->n_ids; i++)
            ids_add(out, slot->ids[i]);
        return 0;
    }
    size_t before = out->n;
    int code = encode_uncached(b, s, word, n, out, NULL, e);
    if (code == 0 && out->n - before <= CACHE_IDS) {
        slot->n_ids = (uint8_t)(out->n - before);
        slot->n_bytes = (uint8_t)n;
        memcpy(slot->bytes, word, n);
        for (size_t i = 0; i < slot->n_ids; i++)
            slot->ids[i] = out->data[before + i];
    }
    return code;
}

int bpe_encode(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, struct ids *out, struct err *e)
{
    if (!b->splits_at_space || b->ignore_merges)
        return encode_cached(b, s, word, n, out, e);
    size_t start = 0;
    bool other = false; // a character that is not the mark stands between start and here
    for (size_t i = 0; i < n;) {
        bool mark = word[i] == SPACE_MARK[0] && n - i >= 3 && memcmp(word + i, SPACE_MARK, 3) == 0;
        if (mark && other) {
            int code = encode_cached(b, s, word + start, i - start, out, e);
            if (code)
                return code;
            start = i;
        }
        other = !mark;
        i += mark ? 3 : 1;
    }
    return encode_cached(b, s, word + start, n - start, out, e);
}

int bpe_encode_cut(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, size_t cut, struct ids *out,
                   size_t *n_before, struct err *e)
{
    struct ids lengths = {0};
    size_t start = 0, end = 0, k = 0;
    bool other = false;
    int code = 0;
    for (size_t i = 0; i <= n && !code;) { // the same stretches as bpe_encode takes
        bool mark = i < n && word[i] == SPACE_MARK[0] && n - i >= 3 && memcmp(word + i, SPACE_MARK, 3) == 0;
        if (i == n || (mark && other && b->splits_at_space && !b->ignore_merges)) {
            code = encode_uncached(b, s, word + start, i - start, out, &lengths, e);
            start = i;
        }
        other = !mark;
        i += mark ? 3 : 1;
    }
    while (k < lengths.n && end + (size_t)lengths.data[k] <= cut)
        end += (size_t)lengths.data[k++];
    *n_before = k;
    free(lengths.data);
    return code;
}
