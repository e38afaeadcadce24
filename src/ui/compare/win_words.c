#include "config.h"

#include "ui/compare/win_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { WORD_MOST = 40, WORDS_OF_PROMPT = 100 }; // bytes; words, which is where a prompt says what it is about

const char *const win_words_names[] = {"words", "beginning", NULL};

// A text that a prompt has.
struct said {
    char text[2 * WORD_MOST];
    int prompt;
};
struct said_list {
    struct said *at;
    int n, cap;
};

static bool is_letter(char c)
{
    return (c & 0x80) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The next word of *text in small letters; false at its end. Of bytes beyond ASCII all are letters.
static bool next_word(const char **text, char *word)
{
    const char *c = *text;
    int n = 0;
    while (*c && !is_letter(*c))
        c++;
    for (; is_letter(*c) && *c; c++)
        if (n + 1 < WORD_MOST)
            word[n++] = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
    word[n] = '\0';
    *text = c;
    return n > 0;
}

static void add_said(struct said_list *l, const char *text, int prompt)
{
    MEM_GROW(l->at, l->n, l->cap);
    l->at[l->n].prompt = prompt;
    text_copy(l->at[l->n++].text, sizeof l->at->text, text);
}

static void add_prompt(struct said_list *l, const char *text, int prompt, enum win_words how)
{
    char word[WORD_MOST], two[2 * WORD_MOST];
    for (int i = 0; how == WIN_WORDS && i < WORDS_OF_PROMPT && next_word(&text, word); i++)
        add_said(l, word, prompt);
    if (how == WIN_WORDS || !next_word(&text, two))
        return;
    if (next_word(&text, word)) {
        strcat(two, " ");
        strcat(two, word);
    }
    add_said(l, two, prompt);
}

static int by_text(const void *x, const void *y)
{
    const struct said *a = x, *b = y;
    const int order = strcmp(a->text, b->text);
    return order ? order : a->prompt - b->prompt;
}

// Sorted, each word of a prompt once.
static void tidy(struct said_list *l)
{
    int n = 0;
    if (l->n)
        qsort(l->at, (size_t)l->n, sizeof *l->at, by_text);
    for (int i = 0; i < l->n; i++)
        if (n == 0 || by_text(&l->at[n - 1], &l->at[i]) != 0)
            l->at[n++] = l->at[i];
    l->n = n;
}

// The text that most prompts without a cluster share, *first .. *end - 1 of the list; false: none is shared by two of them.
static bool best_of(const struct said_list *l, const int *cluster, int n_prompts, enum win_words how, int *first, int *end)
{
    double best = 0;
    for (int i = 0, to; i < l->n; i = to) {
        int left = 0;
        for (to = i; to < l->n && strcmp(l->at[to].text, l->at[i].text) == 0; to++)
            left += cluster[l->at[to].prompt] < 0;
        const int has = to - i;
        const bool is_telling = how == WIN_BEGINNING || 2 * has <= n_prompts;
        const double gain = how == WIN_BEGINNING ? left : left * log((double)n_prompts / has);
        const bool is_longer = best > 0 && gain == best && strlen(l->at[i].text) > strlen(l->at[*first].text);
        if (left < 2 || !is_telling || gain < best || (gain == best && !is_longer))
            continue;
        best = gain;
        *first = i;
        *end = to;
    }
    return best > 0;
}

static void add_name(struct win_by *b, const char *name, bool is_quoted)
{
    struct str text = {0};
    str_addf(&text, is_quoted ? "\"%s\"" : "%s", name);
    MEM_GROW(b->names, b->n_names, b->cap_names);
    b->names[b->n_names++] = str_take(&text);
}

int win_prompt_of(const struct judged_votes *v, const struct judged_pair *pairs, int pair)
{
    if (pair >= v->n_sources || strcmp(v->sources[pair].hash, pairs[pair].pair.hash) != 0)
        return -1;
    return v->pairs[v->sources[pair].pair].prompt;
}

int win_by_words(struct win_by *b, const struct judged_votes *v, const struct judged_pair *pairs, int n_pairs,
                 enum win_words how, int n, struct err *e)
{
    struct said_list l = {0};
    int first = 0, end = 0;
    *b = (struct win_by){.of_prompt = mem_alloc((size_t)v->n_prompts + 1, sizeof *b->of_prompt)};
    for (int i = 0; i < v->n_prompts; i++)
        b->of_prompt[i] = -2; // not read yet
    for (int i = 0; i < n_pairs; i++) {
        const int prompt = win_prompt_of(v, pairs, i);
        if (prompt < 0 || b->of_prompt[prompt] != -2)
            continue;
        b->of_prompt[prompt] = -1;
        b->n_found++;
        add_prompt(&l, pairs[i].pair.prompt, prompt, how);
    }
    tidy(&l);
    while (b->n_names + 1 < n && best_of(&l, b->of_prompt, b->n_found, how, &first, &end)) {
        for (int i = first; i < end; i++)
            if (b->of_prompt[l.at[i].prompt] < 0)
                b->of_prompt[l.at[i].prompt] = b->n_names;
        add_name(b, l.at[first].text, true);
    }
    const bool is_none = b->n_names == 0;
    for (int i = 0; i < v->n_prompts; i++)
        b->of_prompt[i] = b->of_prompt[i] == -1 ? b->n_names : b->of_prompt[i] == -2 ? -1 : b->of_prompt[i];
    add_name(b, "others", false);
    free(l.at);
    if (!is_none)
        return 0;
    win_by_fini(b);
    return err_set(e, ERR_INPUT,
                   how == WIN_WORDS ? "no word is shared by two of the prompts that were judged, and by no more than half"
                                    : "no two of the prompts that were judged begin with the same words");
}

int win_by_make(struct win_by *b, struct store *s, const char *run, const struct judged_votes *v, const char *by,
                const char *data, int n, struct err *e)
{
    struct judged_pair *pairs = NULL;
    int n_pairs = 0, how = 0, code;
    if (*data)
        return win_by_field(b, v, data, by, e);
    while (how < WIN_WORDS_N && strcmp(win_words_names[how], by) != 0)
        how++;
    if (how == WIN_WORDS_N)
        return err_set(e, ERR_USAGE,
                       "slices by %s need the file that the prompts came from; without one there are length, words and "
                       "beginning",
                       by);
    code = labels_judged(s, run, &pairs, &n_pairs, e);
    if (!code)
        code = win_by_words(b, v, pairs, n_pairs, (enum win_words)how, n, e);
    judged_pairs_free(pairs, n_pairs);
    return code;
}
