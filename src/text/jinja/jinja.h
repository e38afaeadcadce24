// Jinja templates as chat templates use them: an interpreter of our own of the language of Python's jinja2 3.1 in the
// settings of transformers' apply_chat_template (sandboxed and immutable, trim_blocks, lstrip_blocks, loopcontrols,
// its own tojson, raise_exception, strftime_now, generation blocks). Templates see the context and nothing else: no
// files, no other templates, no attributes of the interpreter.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define JINJA_TEMPLATE_MAX ((size_t)1 << 20) // bytes of a template's text

struct jinja; // immutable once parsed; may be rendered from several threads at a time

// What one render may use; 0 takes the default. More is ERR_LIMIT.
struct jinja_limits {
    size_t steps;  // expressions, statements and elements looked at: 50 million
    size_t memory; // bytes of values that come into being: 256 MiB
    size_t output; // bytes of the rendered text: 64 MiB
    int depth;     // of expressions, blocks and calls inside each other: 1000
};

// `name` is what errors call the template (copied). A text that is no template is ERR_INPUT with its line.
int jinja_parse(struct jinja **out, const char *name, const char *text, size_t n_bytes, struct err *e);
void jinja_free(struct jinja *t); // NULL is fine

// Appends the template rendered with the members of `context` (an object) as its variables. `now`, seconds since 1970,
// is what strftime_now tells, in UTC. What a template does wrong, and raise_exception(), is ERR_INPUT with the line;
// *out is then as it was. limits may be NULL.
int jinja_render(const struct jinja *t, const json_t *context, int64_t now, const struct jinja_limits *limits,
                 struct str *out, struct err *e);
