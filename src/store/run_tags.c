// Tags: words that people give to runs, kept as one text in order.
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/run_edits.h"

enum { MAX_TAG = 40, MAX_TAGS = 32 };

struct tags {
    char *words[MAX_TAGS + 1];
    int n;
};

static int check_tag(const char *tag, struct err *e)
{
    static const char more[] = "-_./+";
    size_t n = 0;
    while (tag[n] && (isalnum((unsigned char)tag[n]) || (unsigned char)tag[n] >= 0x80 || strchr(more, tag[n])))
        n++;
    if (n > 0 && !tag[n] && n <= MAX_TAG && !strchr(more, tag[0]))
        return 0;
    struct str shown = {.max = 200};
    str_add_visible(&shown, tag, strlen(tag), false);
    err_set(e, ERR_USAGE,
            "\"%s\" cannot be a tag: letters, digits and %s, starting with a letter or digit, at most %d bytes",
            str_text(&shown), more, MAX_TAG);
    str_fini(&shown);
    return ERR_USAGE;
}

static int change(struct tags *t, const char *word, struct err *e)
{
    const bool remove = *word == '-';
    const char *tag = word + (*word == '-' || *word == '+');
    int code = check_tag(tag, e), at = 0;
    if (code)
        return code;
    while (at < t->n && strcasecmp(t->words[at], tag) < 0)
        at++;
    bool there = at < t->n && strcasecmp(t->words[at], tag) == 0;
    if (remove && there) {
        free(t->words[at]);
        memmove(&t->words[at], &t->words[at + 1], (size_t)(t->n - at - 1) * sizeof *t->words);
        t->n--;
    } else if (!remove && !there) {
        if (t->n == MAX_TAGS)
            return err_set(e, ERR_LIMIT, "a run has at most %d tags", MAX_TAGS);
        memmove(&t->words[at + 1], &t->words[at], (size_t)(t->n - at) * sizeof *t->words);
        t->words[at] = mem_strdup(tag);
        t->n++;
    }
    return 0;
}

static int change_all(struct tags *t, const char *words, struct err *e)
{
    static const char between[] = " ,\t\n";
    int code = 0;
    for (words += strspn(words, between); *words && !code; words += strspn(words, between)) {
        size_t n = strcspn(words, between);
        char *word = mem_strndup(words, n);
        code = change(t, word, e);
        free(word);
        words += n;
    }
    return code;
}

int run_tags_change(const char *tags, const char *words, char **out, struct err *e)
{
    struct tags t = {0};
    struct str all = {0};
    int code = change_all(&t, tags, e);
    if (!code)
        code = change_all(&t, words, e);
    for (int i = 0; i < t.n; i++) {
        str_addf(&all, "%s%s", i ? "," : "", t.words[i]);
        free(t.words[i]);
    }
    if (!code)
        *out = mem_strdup(str_text(&all));
    str_fini(&all);
    return code;
}
