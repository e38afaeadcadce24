#include "config.h"

#include "text/stop_texts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { MOST = 16, MOST_BYTES = 200 };

struct stop_texts {
    const struct tokenizer *tokenizer;
    char *list[MOST];
    int n;
    size_t longest; // bytes
};

static int add(struct stop_texts *s, struct str *text, struct err *e)
{
    if (text->len == 0)
        return err_set(e, ERR_USAGE, "stop: a text is empty: an answer would end before it begins");
    if (s->n == MOST)
        return err_set(e, ERR_USAGE, "stop: there are more than %d texts", MOST);
    if (text->len > MOST_BYTES)
        return err_set(e, ERR_USAGE, "stop: \"%.30s...\" is longer than %d bytes", str_text(text), MOST_BYTES);
    s->longest = text->len > s->longest ? text->len : s->longest;
    s->list[s->n++] = mem_strdup(str_text(text));
    str_clear(text);
    return 0;
}

static int add_escaped(struct str *text, char c, struct err *e)
{
    static const char names[] = "nt,\\", meant[] = "\n\t,\\";
    const char *at = c ? strchr(names, c) : NULL;
    if (!at)
        return err_set(e, ERR_USAGE, "stop: after a backslash stands n, t, a comma or another backslash");
    str_addc(text, meant[at - names]);
    return 0;
}

int stop_texts_read(struct stop_texts **out, const char *list, const struct tokenizer *t, struct err *e)
{
    struct stop_texts *s = NULL;
    struct str text = {0};
    int code = 0;
    *out = NULL;
    if (!*list)
        return 0;
    s = mem_alloc(1, sizeof *s);
    s->tokenizer = t;
    for (const char *at = list; !code && *at; at++)
        if (*at == ',')
            code = add(s, &text, e);
        else if (*at == '\\')
            code = add_escaped(&text, *++at, e);
        else
            str_addc(&text, *at);
    if (!code)
        code = add(s, &text, e);
    str_fini(&text);
    if (code)
        stop_texts_free(s);
    else
        *out = s;
    return code;
}

void stop_texts_free(struct stop_texts *s)
{
    for (int i = 0; s && i < s->n; i++)
        free(s->list[i]);
    free(s);
}

bool stop_texts_end(const void *stops, const int32_t *tokens, int n)
{
    enum { SPARE = 8 }; // tokens without text of their own, such as parts of a character
    const struct stop_texts *s = stops;
    const int seen = n < (int)s->longest + SPARE ? n : (int)s->longest + SPARE;
    char *text;
    size_t n_bytes;
    bool found = false;
    if (tokenizer_decode_more(s->tokenizer, tokens + n - seen, (size_t)seen, true, &text, &n_bytes, NULL))
        return false;
    for (int i = 0; i < s->n && !found; i++)
        found = memmem(text, n_bytes, s->list[i], strlen(s->list[i])) != NULL;
    free(text);
    return found;
}
