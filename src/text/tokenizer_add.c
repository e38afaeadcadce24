// Tokens beside the model's own, from whichever file names them.
#include "config.h"

#include "base/json.h"
#include "base/mem.h"
#include "text/tokenizer_parts.h"

int tokenizer_add(struct tokenizer *t, struct added_token token, const char *text, size_t n, const char *where,
                  struct err *e)
{
    if (bytes_map_get(&t->vocab.added, text, n) == token.id)
        return 0;
    if (n == 0)
        return err_set(e, ERR_INPUT, "%s: added token %d is empty", where, (int)token.id);
    int32_t known = bytes_map_get(&t->vocab.model, text, n);
    if (known >= 0 && known != token.id)
        return err_set(e, ERR_INPUT, "%s: the added token \"%.80s\" has id %d, in the vocabulary it has %d", where,
                       text, (int)token.id, (int)known);
    int code = vocab_add(&t->vocab, text, n, token.id, true, where, e);
    if (code)
        return code;
    token.text = mem_strndup(text, n);
    token.n = n;
    MEM_GROW(t->added, t->n_added, t->cap_added);
    t->added[t->n_added++] = token;
    return 0;
}

int tokenizer_add_token(struct tokenizer *t, const json_t *item, int64_t id, const char *where, struct err *e)
{
    const char *text;
    size_t n;
    if (id < 0 || id >= VOCAB_MAX)
        return err_set(e, ERR_INPUT, "%s: an added token has no id from 0 to %d", where, VOCAB_MAX - 1);
    struct added_token token = {.id = (int32_t)id};
    int code = component_text(item, "content", &text, &n, where, e);
    if (!code)
        code = json_get_bool(item, "special", false, &token.special, where, e);
    if (!code)
        code = json_get_bool(item, "normalized", !token.special, &token.normalized, where, e);
    if (!code)
        code = json_get_bool(item, "lstrip", false, &token.lstrip, where, e);
    if (!code)
        code = json_get_bool(item, "rstrip", false, &token.rstrip, where, e);
    if (!code)
        code = json_get_bool(item, "single_word", false, &token.single_word, where, e);
    return code ? code : tokenizer_add(t, token, text, n, where, e);
}
