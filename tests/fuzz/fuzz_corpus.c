// Any bytes as a data file: the first byte says whether they are plain text. Whatever is accepted must keep what
// the header promises.
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "corpus/corpus.h"
#include "fuzz.h"

static void check_text(const char *text)
{
    if (!utf8_is_valid(text, strlen(text)))
        abort();
}

static void check_example(const struct corpus *c, const struct example *x)
{
    if (x->n_turns < 1 || x->line < 1)
        abort();
    for (int i = 0; i < x->n_turns; i++)
        check_text(x->turns[i].text);
    for (int i = 0; i < x->n_responses; i++)
        check_text(x->responses[i].text);
    static const char *const askers[] = {"user", "tool", "function"};
    const char *last = x->turns[x->n_turns - 1].role;
    bool asks = !x->is_chat;
    for (int i = 0; i < 3; i++)
        asks = asks || strcmp(last, askers[i]) == 0;
    if (!asks)
        abort();
    if (c->kind == DATA_PAIR && (x->n_responses != 2 || (strcmp(x->responses[0].text, x->responses[1].text) == 0 &&
                                                         !x->responses[0].json && !x->responses[1].json)))
        abort();
    if ((c->kind == DATA_PROMPT) != (x->n_responses == 0) || (c->kind == DATA_LIST && x->n_responses < 2))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct corpus *c = NULL;
    struct err e = {0};
    int code = corpus_parse(&c, data[0] & 1 ? "data.json" : "data.txt", (const char *)data + 1, size - 1, 0, &e);
    if ((code == 0) != (c != NULL) || (code && !e.text[0]))
        abort();
    if (!c)
        return 0;
    int64_t line = 0;
    for (size_t i = 0; i < c->n_examples; i++)
        check_example(c, &c->examples[i]);
    for (size_t i = 0; i < c->n_refused; i++) {
        if (c->refused[i].line < line || !c->refused[i].reason[0])
            abort();
        line = c->refused[i].line;
    }
    bool *held_out = calloc(c->n_examples, sizeof *held_out);
    if (held_out)
        corpus_split(c, 0.5, 1, held_out);
    free(held_out);
    corpus_free(c);
    return 0;
}
