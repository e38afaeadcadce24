// Writes a learned vocabulary as the files that transformers and tokenizer_load read.
#pragma once

#include "base/err.h"
#include "text/vocab.h"

struct bpe_learned {
    struct arena arena;
    struct vocab_token *tokens; // by id: n_specials special ones, the bytes, the merged ones
    size_t n_tokens, cap_tokens;
    int n_specials;
    struct bpe_learned_merge {
        uint32_t left, right;
    } *merges;
    size_t n_merges, cap_merges;
};
int bpe_train_write(const struct bpe_learned *l, const char *out_dir, struct err *e);
