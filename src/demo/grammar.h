// A small grammar for text: a rule is a name with alternatives, and an alternative is text with references.
//   {name}     a variable of the story, or one of the rule's alternatives
//   (a|b|)     one of these, in place; they nest
//   ~          no capital here (`"Where?" ~she asked`)
// Afterwards the text is put right: sentences begin with a capital, "a" becomes "an" before a vowel.
#pragma once

#include <stddef.h>

#include "base/rng.h"
#include "base/str.h"

struct grammar_rule {
    const char *name;
    const char *const *alternatives; // NULL-terminated
};
struct grammar_variable {
    const char *name, *value;
};
struct grammar {
    const struct grammar_rule *rules;         // ends with name NULL
    const struct grammar_variable *variables; // ends with name NULL; looked at first
};

// Appends one text of `pattern`. A name that is neither variable nor rule is a BUG.
void grammar_expand(const struct grammar *g, const char *pattern, struct rng *r, struct str *out);
// Capitals and articles, over the whole text.
void grammar_finish(struct str *text);
