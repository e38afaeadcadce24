// The usual chat templates, by name or recognized from a tokenizer's Jinja text. Attune does not run Jinja: it
// knows these templates as tables of what stands before, between and after messages, checked against what
// Jinja makes of them.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct message {
    const char *role; // "system", "user", "assistant"
    const char *content;
};
struct chat_template;

// "chatml", "llama-2", "llama-3", "mistral", "phi-3", "zephyr", "gemma", "alpaca", "vicuna", "hh", "plain", ...
// ERR_NOT_FOUND lists the names.
int chat_template_by_name(const struct chat_template **out, const char *name, struct err *e);
// The template that renders as this Jinja text does; ERR_UNSUPPORTED with what to do when it is unknown.
int chat_template_recognize(const struct chat_template **out, const char *jinja, struct err *e);
const char *chat_template_name(const struct chat_template *t);
const char *const *chat_template_names(void); // NULL-terminated
// Appends the rendered messages; add_generation_prompt: up to where the assistant begins to speak.
// Roles in an order that the template forbids are ERR_INPUT.
int chat_template_render(const struct chat_template *t, const struct message *messages, int n,
                         bool add_generation_prompt, const char *bos_token, const char *eos_token, struct str *out,
                         struct err *e);
// What stands after an assistant's message ("<|im_end|>\n"), which training has to include as the end. Where the
// template ends a message with the tokenizer's eos, only what follows that token.
const char *chat_template_end_of_turn(const struct chat_template *t);
