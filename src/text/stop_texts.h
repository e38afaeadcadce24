// Texts at which an answer ends, "\n\n" or "User:": what a sampler asks after each token.
#pragma once

#include "base/err.h"
#include "text/tokenizer.h"

struct stop_texts;

// list: texts separated by commas; \n, \t, \, and \\ are a new line, a tab, a comma and a backslash. *out NULL: the list is
// empty. The tokenizer must outlive it. ERR_USAGE.
int stop_texts_read(struct stop_texts **out, const char *list, const struct tokenizer *t, struct err *e);
void stop_texts_free(struct stop_texts *s); // NULL is fine
// Whether the text of these tokens holds one, as far as its last token goes into it: earlier ones would have ended it
// before. s: a const struct stop_texts * (gen_options.ends).
bool stop_texts_end(const void *s, const int32_t *tokens, int n);
