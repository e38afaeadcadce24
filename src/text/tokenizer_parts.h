// What a tokenizer is made of; shared by tokenizer.c (use) and those that read its files: tokenizer_load.c above
// tokenizer_config.c, and tokenizer_add.c below both.
#pragma once

#include "text/added.h"
#include "text/bpe.h"
#include "text/component.h"
#include "text/tokenizer.h"
#include "text/vocab.h"

struct tokenizer {
    struct vocab vocab;
    struct bpe bpe;
    struct added_token *added;
    size_t n_added, cap_added;
    struct added_set raw;        // added tokens that are looked for in the text as it is
    struct added_set normalized; // and those in the normalized text
    bool *special;               // by id, vocab.n long
    struct normalizer normalizer;
    struct pretokenizer pretokenizer;
    struct decoder decoder;
    bool has_decoder;         // without one, tokens are joined by spaces
    struct ids before, after; // what the post-processor puts around a text
    int32_t bos, eos;
    char *chat_template, *tool_template; // the tokenizer's Jinja texts; NULL: none
    json_t *special_tokens;              // by the names of transformers' special_tokens_map
    char hash[65];
    struct notes notes;
};

#define TOKENIZER_FILE_MAX ((size_t)256 << 20)
#define TOKENIZER_TEXT_MAX ((size_t)256 << 20)

// The post-processor's ids around a single text.
int postprocessor_read(struct tokenizer *t, const json_t *value, const char *where, struct err *e);

// Adds a token that is cut out of texts; its text must be of the same id where the model has it. Again is fine.
int tokenizer_add(struct tokenizer *t, struct added_token token, const char *text, size_t n, const char *where,
                  struct err *e);
// The same from an object {"content": ..., "special": ..., "lstrip": ..., ...}.
int tokenizer_add_token(struct tokenizer *t, const json_t *item, int64_t id, const char *where, struct err *e);
