// Added tokens: texts that are cut out before the model sees the rest ("<|im_start|>").
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/tokenizer.h"

struct added_token {
    char *text;
    size_t n;
    int32_t id;
    bool special, normalized, lstrip, rstrip, single_word;
};

// Finds the longest of a set of texts at the first place where any stands.
struct added_set {
    struct trie_node {
        int32_t child, sibling; // 0: none (node 0 is the root)
        int32_t token;          // -1: no text ends here
        unsigned char byte;
    } *nodes;
    size_t n, cap;
    bool starts[256]; // a text begins with this byte
};
void added_set_fini(struct added_set *s);
void added_set_add(struct added_set *s, const char *text, size_t n, int32_t token);

// A text as stretches of ordinary text and tokens.
struct added_walk {
    const struct added_set *set;
    const struct added_token *tokens;
    const char *text;
    size_t n;
    bool specials; // special tokens count; else they are ordinary text
    const struct text_span *plain; // where they do not, in order (n_plain); at `shift` in the whole text
    size_t n_plain, shift;
    size_t at, from, pending_end;
    int32_t pending; // a token found after the stretch that was just given, or -1
};
void added_walk_init(struct added_walk *w, const struct added_set *set, const struct added_token *tokens,
                     const char *text, size_t n, bool specials);
// The next stretch: *token >= 0, or -1 and text[*start .. *end). False at the end.
bool added_walk_next(struct added_walk *w, int32_t *token, size_t *start, size_t *end);
