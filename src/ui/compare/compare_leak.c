// Whether an answer tells who wrote it, so that a vote on it was not a blind one.
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "ui/compare/compare_page.h"

// What models call themselves and their makers, in the words that they were trained on.
static const char *const families[] = {"alpaca", "anthropic", "chatgpt",   "claude", "deepseek", "gemini",  "gemma",
                                       "gpt-2",  "gpt-3",     "gpt-4",     "llama",  "mistral",  "mixtral", "openai",
                                       "qwen",   "smollm",    "tinyllama", "vicuna", "zephyr"};
enum { SHORTEST = 4 }; // a name of fewer letters stands in texts by chance

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

// As words of their own, whatever their case.
static bool says(const char *text, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = text; (at = strcasestr(at, name)); at++)
        if ((at == text || !is_word(at[-1])) && !is_word(at[n]))
            return true;
    return false;
}

bool compare_leaks(const char *answer, const char *prompt, const char *const *names, int n_names, char *out, size_t size)
{
    const int n_families = sizeof families / sizeof *families;
    for (int i = 0; i < n_names + n_families; i++) {
        const char *name = i < n_names ? names[i] : families[i - n_names];
        if (name && strlen(name) >= SHORTEST && says(answer, name) && !says(prompt, name)) {
            text_copy(out, size, name);
            return true;
        }
    }
    return false;
}

bool compare_names_itself(const struct compare_page *p, char *out, size_t size)
{
    const struct compare *c = &p->c;
    const char *names[3 * COMPARE_MOST];
    int n = 0;
    for (int i = 0; i < c->n; i++) {
        const struct compare_model *m = &c->sides[i].model;
        const char *folder = m->run || !m->folder ? NULL : strrchr(m->folder, '/');
        names[n++] = m->label;
        names[n++] = m->run;
        names[n++] = folder ? folder + 1 : NULL;
    }
    const int at[2] = {0, compare_beside(c)};
    bool leaks = false;
    for (int i = 0; i < 2 && !leaks; i++) {
        const struct compare_side *s = at[i] >= 0 ? &c->sides[c->order[at[i]]] : NULL;
        char *asked = s ? compare_asked_text(c, s) : NULL;
        leaks = s && compare_leaks(str_text(&s->answer.text), asked, names, n, out, size);
        free(asked);
    }
    return leaks;
}
