// What tokenizer files search for: a literal text or a regular expression. The files' expressions are written
// for Oniguruma; the part of its syntax on which PCRE2 agrees is accepted, the rest is ERR_UNSUPPORTED.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

struct pattern;

int pattern_regex(struct pattern **out, const char *regex, const char *where, struct err *e);
// {"String": ...}, {"Regex": ...} or a bare text, as in tokenizer.json. `where` names the component.
int pattern_from_json(struct pattern **out, const json_t *value, const char *where, struct err *e);
void pattern_free(struct pattern *p); // NULL is fine

// A walk over the matches in text[0..n), which must be valid UTF-8. Not shared between threads.
struct pattern_walk {
    const struct pattern *pattern;
    void *match; // pcre2_match_data
};
void pattern_walk_init(struct pattern_walk *w, const struct pattern *p);
void pattern_walk_fini(struct pattern_walk *w);
// The first match that begins at `from` or later: 1 and its bounds, 0 when there is none, or an ERR_ code.
int pattern_find(struct pattern_walk *w, const char *text, size_t n, size_t from, size_t *start, size_t *end,
                 struct err *e);
