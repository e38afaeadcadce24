// Filters: a tree of terms, and how it is answered. filter_parse.c makes the tree.
#include "config.h"

#include "base/filter_tree.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *unit;
    double times;
} units[] = {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"%", 0.01},
             {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400.0}};

bool filter_number(const char *text, double *out)
{
    char *end;
    if (!isdigit((unsigned char)text[strspn(text, "+-.")]) || strspn(text, "+-.") > 2 || strpbrk(text, "xX"))
        return false; // what strtod takes beyond numbers: nan, inf, 0x10
    double number = strtod(text, &end);
    for (size_t i = 0; end != text && isfinite(number) && i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            *out = number * units[i].times;
            return isfinite(*out);
        }
    }
    return false;
}

static const char *next_character(const char *at)
{
    do
        at++;
    while (((unsigned char)*at & 0xc0) == 0x80);
    return at;
}

bool filter_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL; // where the last * stands, and what it has not taken yet
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            again = text;
        } else if (*pattern == '?') {
            pattern++;
            text = next_character(text);
        } else if (*pattern && tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = again = next_character(again);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool holds(const struct filter_word *w, const char *text)
{
    switch (w->kind) {
    case WORD_GLOB:
        return filter_glob(w->text, text);
    case WORD_REGEX:
        return regexec(&w->regex, text, 0, NULL, 0) == 0;
    default:
        return strcasestr(text, w->text) != NULL;
    }
}

static bool word_answers(const struct filter_word *w, enum filter_op op, const struct filter_value *v)
{
    char digits[40];
    const char *text = v->text;
    const bool numbers = !isnan(w->number) && !isnan(v->number);
    if (!text) {
        snprintf(digits, sizeof digits, "%g", v->number);
        text = digits;
    }
    switch (op) {
    case OP_HOLDS:
        return holds(w, text) || (numbers && w->number == v->number);
    case OP_IS:
    case OP_IS_NOT:
        if (numbers)
            return w->number == v->number;
        return w->kind == WORD_TEXT ? strcasecmp(w->text, text) == 0 : holds(w, text);
    case OP_LESS:
        return v->number < w->number;
    case OP_AT_MOST:
        return v->number <= w->number;
    case OP_MORE:
        return v->number > w->number;
    case OP_AT_LEAST:
        return v->number >= w->number;
    }
    return false;
}

static bool term_matches(struct filter *f, struct filter_term *t, filter_get get, const void *item)
{
    struct filter_value v;
    t->tried = true;
    if (t->has) {
        bool there = get(item, t->field, 0, &v);
        t->seen = t->seen || there;
        return there;
    }
    for (int i = 0; get(item, t->field, i, &v); i++) {
        t->seen = true;
        for (int w = 0; w < t->n_words; w++)
            if (word_answers(&t->words[w], t->op, &v))
                return t->op != OP_IS_NOT;
    }
    return t->op == OP_IS_NOT;
}

static bool node_matches(struct filter *f, int at, filter_get get, const void *item)
{
    const struct filter_node *n = &f->nodes[at];
    switch (n->kind) {
    case NODE_AND:
        return node_matches(f, n->left, get, item) && node_matches(f, n->right, get, item);
    case NODE_OR:
        return node_matches(f, n->left, get, item) || node_matches(f, n->right, get, item);
    case NODE_NOT:
        return !node_matches(f, n->left, get, item);
    case NODE_TERM:
        return term_matches(f, &f->terms[n->left], get, item);
    }
    return false;
}

bool filter_is_empty(const struct filter *f)
{
    return !f || f->root < 0;
}

bool filter_matches(struct filter *f, filter_get get, const void *item)
{
    return filter_is_empty(f) || node_matches(f, f->root, get, item);
}

const char *filter_text(const struct filter *f)
{
    return f ? f->text : "";
}

const char *filter_field(const struct filter *f, int i)
{
    for (int t = 0; f && t < f->n_terms; t++)
        if (f->terms[t].field && i-- == 0)
            return f->terms[t].field;
    return NULL;
}

const char *filter_unknown(const struct filter *f)
{
    for (int t = 0; f && t < f->n_terms; t++)
        if (f->terms[t].field && !f->terms[t].seen && f->terms[t].tried)
            return f->terms[t].field;
    return NULL;
}

void filter_free(struct filter *f)
{
    for (int t = 0; f && t < f->n_terms; t++) {
        for (int w = 0; w < f->terms[t].n_words; w++) {
            if (f->terms[t].words[w].kind == WORD_REGEX)
                regfree(&f->terms[t].words[w].regex);
            free(f->terms[t].words[w].text);
        }
        free(f->terms[t].words);
        free(f->terms[t].field);
    }
    if (f) {
        free(f->terms);
        free(f->nodes);
        free(f->text);
        free(f);
    }
}
