// A vocabulary: token text <-> id. Texts are UTF-8 of known length and may hold NUL bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define VOCAB_MAX (1 << 22) // ids above this are taken for a damaged file

// An open-addressing map from bytes to a number; the bytes are borrowed.
struct bytes_map {
    struct bytes_slot {
        const char *bytes; // NULL: free
        uint32_t n;
        int32_t value;
    } *slots;
    size_t mask, n;
};
void bytes_map_fini(struct bytes_map *m);
int32_t bytes_map_get(const struct bytes_map *m, const char *bytes, size_t n); // -1 when absent
// Sets or replaces; returns false when it replaced.
bool bytes_map_set(struct bytes_map *m, const char *bytes, size_t n, int32_t value);
uint64_t bytes_hash(const char *bytes, size_t n);

struct vocab {
    struct arena arena;
    struct vocab_token {
        const char *text; // NULL: no token has this id
        uint32_t n_bytes;
    } *tokens;
    int32_t n, cap; // n: highest id + 1
    struct bytes_map model; // what the BPE model itself knows
    struct bytes_map added; // added tokens, which may repeat texts of the model
};
void vocab_fini(struct vocab *v);
// Adds a token of the model or (added) an added token. Two texts for one id, or an id out of range, are ERR_INPUT.
int vocab_add(struct vocab *v, const char *text, size_t n, int64_t id, bool added, const char *where, struct err *e);
