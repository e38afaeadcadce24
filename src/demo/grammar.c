#include "config.h"

#include "demo/grammar.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"

enum { MAX_DEPTH = 32, MAX_CHOICES = 16 };

static void expand(const struct grammar *g, const char *text, size_t n, struct rng *r, struct str *out, int depth);

static void expand_name(const struct grammar *g, const char *name, size_t n, struct rng *r, struct str *out, int depth)
{
    for (const struct grammar_variable *v = g->variables; v->name; v++) {
        if (strlen(v->name) == n && memcmp(v->name, name, n) == 0) {
            str_add(out, v->value);
            return;
        }
    }
    for (const struct grammar_rule *rule = g->rules; rule->name; rule++) {
        if (strlen(rule->name) != n || memcmp(rule->name, name, n) != 0)
            continue;
        size_t count = 0;
        while (rule->alternatives[count])
            count++;
        const char *pattern = rule->alternatives[rng_below(r, count)];
        expand(g, pattern, strlen(pattern), r, out, depth + 1);
        return;
    }
    BUG("the grammar has no \"%.*s\"", (int)n, name);
}

// The parts of "(a|b|c)" behind its bracket; returns the bytes up to and with the closing bracket.
static size_t split_choices(const char *text, size_t n, const char **parts, size_t *lengths, int *n_parts)
{
    int level = 1;
    *n_parts = 1;
    parts[0] = text;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '(')
            level++;
        if (text[i] == ')')
            level--;
        if (level == 0 || (level == 1 && text[i] == '|')) {
            lengths[*n_parts - 1] = (size_t)(text + i - parts[*n_parts - 1]);
            if (level == 0)
                return i + 1;
            BUG_IF(*n_parts == MAX_CHOICES);
            parts[(*n_parts)++] = text + i + 1;
        }
    }
    BUG("a bracket is not closed in \"%.*s\"", (int)n, text);
}

static void expand(const struct grammar *g, const char *text, size_t n, struct rng *r, struct str *out, int depth)
{
    BUG_IF(depth > MAX_DEPTH);
    for (size_t i = 0; i < n;) {
        if (text[i] == '{') {
            const char *end = memchr(text + i, '}', n - i);
            BUG_IF(!end);
            size_t name_end = (size_t)(end - text);
            expand_name(g, text + i + 1, name_end - i - 1, r, out, depth);
            i = name_end + 1;
        } else if (text[i] == '(') {
            const char *parts[MAX_CHOICES];
            size_t lengths[MAX_CHOICES];
            int count;
            i += 1 + split_choices(text + i + 1, n - i - 1, parts, lengths, &count);
            int chosen = (int)rng_below(r, (uint64_t)count);
            expand(g, parts[chosen], lengths[chosen], r, out, depth + 1);
        } else {
            str_addc(out, text[i++]);
        }
    }
}

void grammar_expand(const struct grammar *g, const char *pattern, struct rng *r, struct str *out)
{
    expand(g, pattern, strlen(pattern), r, out, 0);
}

static bool is_article(const char *text, size_t i)
{
    return (text[i] == 'a' || text[i] == 'A') && text[i + 1] == ' ' && (i == 0 || !isalpha((unsigned char)text[i - 1])) &&
           text[i + 2] && strchr("aeiou", text[i + 2]);
}

// A sentence begins at the start, behind the blank that follows an end mark (and the quote that closes), and
// behind a quote that opens.
static bool sentence_begins(const char *text, size_t i)
{
    if (i == 0)
        return true;
    if (text[i - 1] == '"')
        return i == 1 || text[i - 2] == ' ';
    if (text[i - 1] != ' ')
        return false;
    if (i == 1)
        return true;
    size_t mark = i - 2;
    if (text[mark] == '"' && mark > 0)
        mark--;
    return strchr(".!?", text[mark]) != NULL;
}

void grammar_finish(struct str *text)
{
    struct str done = {0};
    const char *t = str_text(text);
    for (size_t i = 0; t[i]; i++) {
        if (t[i] == '~')
            continue;
        str_addc(&done, sentence_begins(t, i) ? (char)toupper((unsigned char)t[i]) : t[i]);
        if (is_article(t, i))
            str_addc(&done, 'n');
    }
    str_fini(text);
    *text = done;
}
