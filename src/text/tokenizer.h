// Text to token ids and back, from a Hugging Face tokenizer.json: byte-level BPE (GPT-2, Llama-3, Qwen, SmolLM,
// OPT) and SentencePiece-style BPE with byte fallback (Llama-2, Mistral, Phi-3). A tokenizer is immutable after
// loading and may be used from several threads.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/notes.h"

struct tokenizer;

// Reads DIR/tokenizer.json (or .gz; or vocab.json + merges.txt) and tokenizer_config.json, special_tokens_map.json
// where present. What is not supported is named in the error (ERR_UNSUPPORTED), never ignored.
int tokenizer_load(struct tokenizer **out, const char *dir, struct err *e);
void tokenizer_free(struct tokenizer *t); // NULL is fine

// Encodes text. add_special: what the tokenizer itself adds (bos, eos by its post-processor). parse_special:
// special tokens written in the text become their ids; else they are ordinary text (data is not trusted).
// *ids on the heap.
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n_bytes, bool add_special, bool parse_special,
                     int32_t **ids, size_t *n_ids, struct err *e);
// How to encode a text of which one part is given and the other is looked at, such as a prompt and its answer.
struct text_span {
    size_t start, end; // bytes [start, end)
};
struct encode_options {
    bool add_special, parse_special;
    const struct text_span *plain; // where special tokens are ordinary text all the same, in order (n_plain)
    size_t n_plain;
    size_t cut; // in bytes
};
// *n_before: how many of the ids lie wholly before `cut`: what the tokenizer puts before the text, and tokens that hold
// no character behind it. plain needs text in UTF-8 (else ERR_INPUT).
int tokenizer_encode_cut(const struct tokenizer *t, const char *text, size_t n_bytes, const struct encode_options *o,
                         int32_t **ids, size_t *n_ids, size_t *n_before, struct err *e);
// Bytes of the text (may end inside a UTF-8 sequence when ids do). skip_special leaves special tokens out.
// *text on the heap, NUL-terminated.
int tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t n_ids, bool skip_special, char **text,
                     size_t *n_bytes, struct err *e);

// The same for a text that goes on after another: a decoder that drops the space at a text's beginning keeps it here.
int tokenizer_decode_more(const struct tokenizer *t, const int32_t *ids, size_t n_ids, bool skip_special, char **text,
                          size_t *n_bytes, struct err *e);

int tokenizer_vocab_size(const struct tokenizer *t);                      // highest id + 1
const char *tokenizer_token(const struct tokenizer *t, int32_t id);       // as in the vocabulary; NULL when none
int32_t tokenizer_token_id(const struct tokenizer *t, const char *token); // -1 when none
bool tokenizer_is_special(const struct tokenizer *t, int32_t id);
int32_t tokenizer_bos(const struct tokenizer *t), tokenizer_eos(const struct tokenizer *t); // -1 when none
const char *tokenizer_chat_template(const struct tokenizer *t); // Jinja text of tokenizer_config.json or NULL
const char *tokenizer_tool_template(const struct tokenizer *t); // the one named tool_use, or NULL
// {"bos_token": "<s>", ...}: the special tokens by name, as chat templates know them. NULL for NULL.
const json_t *tokenizer_special_tokens(const struct tokenizer *t);
const struct notes *tokenizer_notes(const struct tokenizer *t); // what a person should know of its files
const char *tokenizer_hash(const struct tokenizer *t);          // SHA-256 of what was loaded
