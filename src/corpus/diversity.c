#include "config.h"

#include "corpus/diversity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

// ---- the pair ----

struct ranked {
    double score;
    int at;
};

static int better_first(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : x->at - y->at;
}

// The most (sign 1) or the least (-1) diverse of those whose scores are above `from` and below `to`; -1: there is none.
static int most_diverse(const struct ranked *pool, int n, const double *diversity, double sign, double from, double to)
{
    int best = -1;
    for (int i = 0; i < n; i++) {
        const int at = pool[i].at;
        if (!(pool[i].score > from && pool[i].score < to))
            continue;
        if (best < 0 || sign * diversity[at] > sign * diversity[best] ||
            (diversity[at] == diversity[best] && at < best))
            best = at;
    }
    return best;
}

bool diverse_pair(const double *scores, const double *diversity, int n, double share, int *chosen, int *rejected)
{
    struct ranked *all = mem_alloc((size_t)n + 1, sizeof *all);
    int size = (int)floor(share * n + 1e-9); // 0.29 of 100 is 29, whatever doubles say
    size = size < 1 ? 1 : size > n / 2 ? n / 2 : size;
    for (int i = 0; i < n; i++)
        all[i] = (struct ranked){scores[i], i};
    qsort(all, (size_t)n, sizeof *all, better_first);
    *chosen = *rejected = -1;
    if (n > 1)
        *chosen = most_diverse(all, size, diversity, 1, all[n - 1].score, INFINITY);
    if (*chosen >= 0)
        *rejected = most_diverse(all + n - size, size, diversity, -1, -INFINITY, scores[*chosen]);
    free(all);
    return *chosen >= 0;
}

// ---- words ----

struct word {
    const char *bytes;
    int n, text;
};
struct words {
    struct word *all;
    size_t n, cap;
};

static bool within(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

enum sort { BETWEEN, LETTER, WHOLE }; // WHOLE: a word by itself

static enum sort sort_of(uint32_t c)
{
    if (c < 0x80)
        return within(c, '0', '9') || within(c, 'a', 'z') || within(c, 'A', 'Z') ? LETTER : BETWEEN;
    if (within(c, 0x3040, 0x30ff) || within(c, 0x3400, 0x9fff) || within(c, 0xf900, 0xfaff) || within(c, 0x20000, 0x3ffff))
        return WHOLE; // kana and Han
    const bool between = c < 0xc0 || c == 0xd7 || c == 0xf7 || within(c, 0x2000, 0x206f) || within(c, 0x3000, 0x303f) ||
                         within(c, 0xff00, 0xff0f) || within(c, 0xff1a, 0xff20) || within(c, 0xff3b, 0xff40) ||
                         within(c, 0xff5b, 0xff65); // signs, dashes, quotes, also of full width
    return between ? BETWEEN : LETTER;
}

static void add_word(struct words *w, const char *bytes, const char *end, int text)
{
    if (bytes == end)
        return;
    MEM_GROW(w->all, w->n, w->cap);
    w->all[w->n++] = (struct word){bytes, (int)(end - bytes), text};
}

static void add_words(struct words *w, const char *text, int number)
{
    const char *end = text + strlen(text), *begun = text;
    for (const char *at = text; at < end;) {
        uint32_t c;
        const char *next = at + utf8_decode(at, (size_t)(end - at), &c);
        const enum sort sort = sort_of(c);
        if (sort != LETTER) {
            add_word(w, begun, at, number);
            if (sort == WHOLE)
                add_word(w, at, next, number);
            begun = next;
        }
        at = next;
    }
    add_word(w, begun, end, number);
}

static int by_bytes(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    const int order = memcmp(x->bytes, y->bytes, (size_t)(x->n < y->n ? x->n : y->n));
    return order ? order : x->n != y->n ? x->n - y->n : x->text - y->text;
}

static char *lower_case(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *c = copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 'a' - 'A';
    return copy;
}

void word_rarity(const char *const *texts, int n, double *out)
{
    struct words w = {0};
    char **copies = mem_alloc((size_t)n + 1, sizeof *copies);
    size_t *counts = mem_alloc((size_t)n + 1, sizeof *counts);
    for (int i = 0; i < n; i++) {
        copies[i] = lower_case(texts[i]);
        out[i] = 0;
        counts[i] = w.n;
        add_words(&w, copies[i], i);
        counts[i] = w.n - counts[i];
    }
    if (w.n)
        qsort(w.all, w.n, sizeof *w.all, by_bytes);
    for (size_t i = 0, end; i < w.n; i = end) {
        for (end = i + 1; end < w.n && w.all[end].n == w.all[i].n &&
                          memcmp(w.all[end].bytes, w.all[i].bytes, (size_t)w.all[i].n) == 0;)
            end++;
        for (size_t k = i; k < end; k++)
            out[w.all[k].text] += 1.0 / (double)(end - i);
    }
    for (int i = 0; i < n; i++) {
        out[i] = counts[i] ? out[i] / (double)counts[i] : 0;
        free(copies[i]);
    }
    free(copies);
    free(counts);
    free(w.all);
}
