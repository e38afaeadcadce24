// How the text of a run becomes tokens: the one way for training, evaluation, probes and every command that asks a
// model about text. A run writes its rules down (text_rules.json, in its folder and in its checkpoints), so that what
// is asked of it later is what it was trained on, whatever has become of the model's folder meanwhile.
//
// Prompt and answer are tokenized as one text, as transformers and TRL do. What is learnt are the tokens that hold at
// least one character of the answer, and the token that ends it.
//
//   plain texts   the tokenizer's own beginning (unless the text writes it); special tokens in the text are those
//                 tokens, unless special_tokens is false; behind the answer the end token, unless it ends with it
//   messages      the chat template writes all of it: no other beginning where it is the tokenizer's own template; of
//                 what it writes behind the answer, up to and with the first special token (else the end token).
//                 What looks like a special token in a message's content is ordinary text.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "corpus/corpus.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

struct text_rules {
    const struct tokenizer *tokenizer;
    struct chat_template *chat; // NULL: messages cannot be written (no_chat says why)
    char no_chat[400];
    char *system;              // the system message of conversations without one; "" none
    bool strings_as_messages;  // plain prompts become a user's message
    bool special_tokens;       // in plain texts
    bool own_template;         // it came with the tokenizer
    int max_length, max_prompt_length; // in tokens: prompt and answer together; the prompt
    int64_t now;               // the date that templates may show, in seconds since 1970

    // of the tokenizer
    int32_t bos, eos; // -1 where there is none
    bool adds_bos;
    const char **specials; // the special tokens' texts, for what looks like one in a content
    int n_specials;
    char starts[257]; // their first bytes
    // of the template
    int32_t stops[8]; // what may end an answer: eos, and the template's own
    int n_stops;
    char *behind; // what the template writes behind an answer ("<|im_end|>\n")
};

struct text_rules_options {
    const char *chat_template; // auto, none, or a template's name
    const char *system;
    bool special_tokens;
    // Where the tokenizer has no template: what auto means then. From the data: "hh" for transcripts, else "plain".
    const char *fallback;
    bool strings_as_messages; // of auto; a template that is named takes plain prompts as messages too
    int max_length, max_prompt_length;
    int64_t now;
};
// A template that cannot be used is an error only where it was asked for by name: plain prompts need none.
int text_rules_open(struct text_rules *r, const struct tokenizer *t, const struct text_rules_options *o, struct err *e);
void text_rules_fini(struct text_rules *r);

// What a run keeps, and the same rules made of it again. ERR_STATE when the tokenizer is another one.
json_t *text_rules_to_json(const struct text_rules *r);
int text_rules_from_json(struct text_rules *r, const struct tokenizer *t, const json_t *stored, const char *where,
                         struct err *e);

#define TEXT_RULES_FILE "text_rules.json"
int text_rules_write(const struct text_rules *r, const char *dir, struct err *e);
// The rules that `dir` holds: false without an error when it holds none, and with one (*e) when they are damaged.
bool text_rules_read(struct text_rules *r, const struct tokenizer *t, const char *dir, struct err *e);

bool text_rules_is_chat(const struct text_rules *r, const struct example *x);

struct encoded {
    int32_t *ids;
    size_t n;        // all
    size_t n_before; // that hold nothing of the answer: the prompt's
    bool plain_specials; // a content has what looks like a special token
};
void encoded_fini(struct encoded *x);
// answer: one of the example's responses or another's; NULL: the prompt alone, up to where the model speaks. There is a
// token before the answer's first one. ERR_INPUT: of this row alone, with the reason (the template refuses it).
int text_rules_encode(const struct text_rules *r, const struct example *x, const struct response *answer,
                      struct encoded *out, struct err *e);
// The same without what ends an answer: text that goes on, such as a letter that stands for a choice.
int text_rules_encode_open(const struct text_rules *r, const struct example *x, const struct response *answer,
                           struct encoded *out, struct err *e);
// Takes n tokens away from the prompt's beginning, behind its first one when that is bos.
void encoded_cut_prompt(struct encoded *x, size_t n, int32_t bos);
