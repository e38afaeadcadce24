// What stands around messages in each known template, and how Jinja texts lead to it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define BOS "\x01" // in a row's texts: the tokenizer's own tokens
#define EOS "\x02"

struct around {
    const char *before, *after;
};

enum system_place {
    SYSTEM_BLOCK,   // a message like others
    SYSTEM_FOLDED,  // inside of the first user's message, before its content
    SYSTEM_IN_LAST, // inside of the last message, when that is a user's; else left out
    SYSTEM_DROPPED, // left out
    SYSTEM_REFUSED, // an error
};

enum {
    TRIM_SYSTEM = 1,
    TRIM_USER = 2,
    TRIM_ASSISTANT = 4,
    TRIM_ALL = 7,
    ALTERNATE = 8, // after an optional first system message: user, assistant, user, ...
    THINK = 16,    // Qwen3: reasoning stands before the last answer and is left out of earlier ones
    ASKS_USERS = 32, // the generation prompt stands only after a user's or system's message
    SKIPS_EMPTY = 64, // messages without content are left out
};

struct chat_template {
    const char *name;
    const char *begin;
    struct around system, user, assistant;
    struct around later_system; // system messages after the first message, where they differ
    const char *generation;     // up to where the assistant begins to speak
    const char *default_system; // NULL: none; content when the first message is not a system message
    const char *finish;         // at the end when the assistant is not asked to speak
    enum system_place place;
    unsigned flags;
};
extern const struct chat_template chat_templates[];
extern const int n_chat_templates;

// A Jinja text without what does not change its renders: spaces inside of tags, the two ways of quoting, of
// naming members and of removing spaces around tags. Fails on text that is no Jinja.
int jinja_normalize(const char *jinja, struct str *out, struct err *e);
// What chat_template_recognize looks for.
int chat_template_fingerprint(const char *jinja, uint64_t *out, struct err *e);
