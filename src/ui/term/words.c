#include "config.h"

#include "ui/term/words.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

// What a word is stands behind its end, so that both move together.
static void add(struct words *w, const char *text, size_t n_bytes, const char *about)
{
    const size_t n_about = strlen(about);
    char *both = mem_alloc(n_bytes + 1 + n_about + 1, 1);
    memcpy(both, text, n_bytes);
    memcpy(both + n_bytes + 1, about, n_about);
    MEM_GROW(w->texts, w->n, w->cap);
    w->texts[w->n++] = both;
}

void words_addn(struct words *w, const char *text, size_t n_bytes)
{
    add(w, text, strnlen(text, n_bytes), "");
}

void words_add_about(struct words *w, const char *text, const char *about)
{
    add(w, text, strlen(text), about ? about : "");
}

const char *words_about(const struct words *w, int i)
{
    return w->texts[i] + strlen(w->texts[i]) + 1;
}

void words_add(struct words *w, const char *text)
{
    words_addn(w, text, strlen(text));
}

void words_fini(struct words *w)
{
    for (int i = 0; i < w->n; i++)
        free(w->texts[i]);
    free(w->texts);
    *w = (struct words){0};
}

int fuzzy_cost(const char *text, const char *typed)
{
    const size_t n = strlen(typed);
    if (strncasecmp(text, typed, n) == 0) {
        const size_t rest = strlen(text) - n;
        return rest < 99 ? (int)rest : 99;
    }
    const char *part = strcasestr(text, typed);
    if (part)
        return 100 + (part - text < 99 ? (int)(part - text) : 99);
    int gaps = 0;
    for (; *typed; typed++, text++) {
        for (; *text && tolower((unsigned char)*text) != tolower((unsigned char)*typed); text++)
            gaps++;
        if (!*text)
            return -1;
    }
    return 200 + (gaps < 199 ? gaps : 199);
}

void words_filter(struct words *w, const char *typed)
{
    int *cost = mem_alloc((size_t)w->n + 1, sizeof *cost), n = 0;
    for (int i = 0; i < w->n && *typed; i++) {
        char *text = w->texts[i];
        const int c = fuzzy_cost(text, typed);
        if (c < 0) {
            free(text);
            continue;
        }
        int at = n++;
        for (; at > 0 && cost[at - 1] > c; at--) {
            cost[at] = cost[at - 1];
            w->texts[at] = w->texts[at - 1];
        }
        cost[at] = c;
        w->texts[at] = text;
    }
    if (*typed)
        w->n = n;
    free(cost);
}

size_t words_common(const struct words *w)
{
    size_t n = w->n ? strlen(w->texts[0]) : 0;
    for (int i = 1; i < w->n; i++)
        while (n > 0 && strncmp(w->texts[0], w->texts[i], n) != 0)
            n--;
    while (n > 0 && (w->texts[0][n] & 0xc0) == 0x80)
        n--;
    return n;
}
