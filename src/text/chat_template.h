// Chat templates: how a conversation becomes text. A template is Jinja (text/jinja/jinja.h), the tokenizer's own or one
// of share/attune/templates by its short name, and renders as transformers' apply_chat_template does.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "text/tokenizer.h"

struct chat_template; // immutable once opened, usable from several threads

struct chat_request {
    const json_t *messages;              // list of message objects as the data have them: {"role", "content", ...}
    const json_t *tools, *documents;     // NULL: none
    bool add_generation_prompt;          // up to where the assistant begins to speak
    const json_t *variables;             // more members of the context (enable_thinking, ...); NULL: none
    int64_t now;                         // seconds since 1970, UTC: what strftime_now says. Never the clock: runs must
                                         // be repeatable
};

// From Jinja text; `name` is what errors and chat_template_name say. What is no template is ERR_INPUT with the line.
int chat_template_parse(struct chat_template **out, const char *name, const char *jinja, struct err *e);
// The same with another one for requests with tools (tool_use NULL: none).
int chat_template_open(struct chat_template **out, const char *name, const char *jinja, const char *tool_use,
                       struct err *e);
// The tokenizer's own; where it names several, "default", and "tool_use" for requests with tools. ERR_NOT_FOUND when it
// has none.
int chat_template_of(struct chat_template **out, const struct tokenizer *t, struct err *e);
// By short name, from share/attune/templates/NAME.jinja: "chatml", "llama-3", "plain", ... ERR_NOT_FOUND lists them.
int chat_template_by_name(struct chat_template **out, const char *name, struct err *e);
const char *const *chat_template_names(void); // NULL-terminated, in the order of the alphabet
const char *chat_template_name(const struct chat_template *t);
const char *chat_template_text(const struct chat_template *t);      // the Jinja that it was made of
const char *chat_template_tool_text(const struct chat_template *t); // for requests with tools; NULL: none
void chat_template_free(struct chat_template *t); // NULL is fine

// Appends the rendered conversation. The template knows the special tokens of `k` (bos_token, ...; k may be NULL), where
// the request's variables do not name them. What the template refuses or does wrong is ERR_INPUT with its line, a bound
// that is passed ERR_LIMIT; *out is then as it was.
int chat_template_render(const struct chat_template *t, const struct chat_request *r, const struct tokenizer *k,
                         struct str *out, struct err *e);
