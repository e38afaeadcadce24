// tokenizer_config.json, special_tokens_map.json, chat_template.jinja and config.json beside a tokenizer: which
// tokens begin and end a text, which are special, and the chat template.
#pragma once

#include <jansson.h>

#include "text/tokenizer_parts.h"

// The members of tokenizer.json and tokenizer_config.json by their tables; what nobody knows goes to notes. Whatever is no
// object is somebody else's to refuse.
int tokenizer_check_json(const json_t *root, const char *where, struct notes *notes, struct err *e);
int tokenizer_check_config(const json_t *config, const char *where, struct notes *notes, struct err *e);

// Applies what the files of `dir` say. `config` is tokenizer_config.json (NULL: absent), `map` the special tokens.
int tokenizer_config_apply(struct tokenizer *t, const char *dir, const json_t *config, const json_t *map,
                           bool has_tokenizer_json, struct err *e);
