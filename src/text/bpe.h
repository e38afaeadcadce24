// Byte-pair encoding: a word's symbols are merged, the pair of lowest rank first, the leftmost of equals first.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/vocab.h"

struct ids {
    int32_t *data;
    size_t n, cap;
};
static inline void ids_add(struct ids *out, int32_t id)
{
    MEM_GROW(out->data, out->n, out->cap);
    out->data[out->n++] = id;
}

struct bpe {
    const struct vocab *vocab;
    struct merge_slot {
        uint64_t pair; // left id << 32 | right id; MERGE_FREE: free
        int32_t rank, id;
    } *merges;
    size_t mask, n_merges;
    bool bytes;         // symbols are bytes (byte-level), else code points
    bool ignore_merges; // a word that is a token as a whole is that token
    bool byte_fallback; // a code point without token becomes its bytes' <0xNN>
    bool fuse_unk;
    bool splits_at_space;  // no token holds U+2581 after another character: see bpe_finish
    int32_t unk;           // -1: what has no token is left out
    int32_t byte_id[256];  // byte-level: the token of a byte, or -1
    int32_t ascii_id[128]; // code points: the token of an ASCII character, or -1
    int32_t fallback_id[256];
    struct bytes_map words; // byte-level and ignore_merges: a token's bytes -> id
    struct arena arena;
};

void bpe_fini(struct bpe *b);
int bpe_reserve(struct bpe *b, size_t n_merges, struct err *e);
// Adds the merge of the next rank. Its parts and its result must be in the vocabulary.
int bpe_add_merge(struct bpe *b, const char *left, size_t n_left, const char *right, size_t n_right, const char *where,
                  struct err *e);
// Prepares the tables once all fields, the vocabulary and the merges are set.
void bpe_finish(struct bpe *b);

// Memory for encoding, kept between words; one a thread. cached: worth it for texts of some thousand bytes.
struct bpe_scratch {
    struct bpe_symbol {
        int32_t id, prev, next; // id -1: merged into another
        int32_t n_bytes;        // of the word
    } *symbols;
    uint64_t *heap; // rank << 32 | position
    size_t cap_symbols, n_heap, cap_heap;
    struct bpe_cached *cache;
};
void bpe_scratch_init(struct bpe_scratch *s, bool cached);
void bpe_scratch_fini(struct bpe_scratch *s);

// Appends the ids of one word, which must be valid UTF-8 unless the model works on bytes.
int bpe_encode(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, struct ids *out, struct err *e);
// The same, and how many of the appended ids lie wholly within the word's first `cut` bytes. Bytes that no token stands
// for belong to the token before them.
int bpe_encode_cut(const struct bpe *b, struct bpe_scratch *s, const char *word, size_t n, size_t cut, struct ids *out,
                   size_t *n_before, struct err *e);

// The printable code point that stands for a byte in byte-level vocabularies, and back (-1: none).
uint32_t bpe_byte_char(unsigned char byte);
int bpe_char_byte(uint32_t code);
