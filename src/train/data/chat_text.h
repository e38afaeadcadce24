// Conversations as the text that a chat template makes of them, with what in it must not be read as special tokens.
#pragma once

#include "base/str.h"
#include "train/data/text_rules.h"

struct chat_text {
    struct str text;
    struct text_span *plain; // contents' pieces that look like special tokens, in order (n_plain)
    size_t n_plain, cap_plain;
    size_t n_prompt; // bytes of the text that the answer stands behind
    size_t answer_end; // behind which only the template's own words stand
    bool marks_within; // between the two the template writes special tokens
};
void chat_text_fini(struct chat_text *x);
// answer NULL: up to where the assistant begins to speak. ERR_INPUT where the template refuses the conversation or
// leaves out what one of its messages says ("tool_calls").
int chat_text_render(const struct text_rules *r, const struct example *x, const struct response *answer,
                     struct chat_text *out, struct err *e);
// What the template writes behind an answer, on the heap.
int chat_text_behind(const struct text_rules *r, char **behind, struct err *e);
