#include "config.h"

#include "train/objective/ngrams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ORDERS = 4 };

struct ngram {
    int32_t tokens[ORDERS];
    int text;
};

static int by_tokens(const struct ngram *x, const struct ngram *y)
{
    for (int i = 0; i < ORDERS; i++)
        if (x->tokens[i] != y->tokens[i])
            return x->tokens[i] < y->tokens[i] ? -1 : 1;
    return 0;
}

static int by_tokens_and_text(const void *a, const void *b)
{
    const struct ngram *x = a, *y = b;
    const int order = by_tokens(x, y);
    return order ? order : x->text - y->text;
}

// All n-grams, equal ones beside each other, those of a text in one row; on the heap.
static struct ngram *sorted_ngrams(const int32_t *tokens, const size_t *ends, int n_texts, int n, size_t *n_grams)
{
    struct ngram *grams = mem_alloc((n_texts ? ends[n_texts - 1] : 0) + 1, sizeof *grams);
    size_t first = 0;
    *n_grams = 0;
    for (int i = 0; i < n_texts; first = ends[i++])
        for (size_t at = first; at + (size_t)n <= ends[i]; at++) {
            struct ngram *g = &grams[(*n_grams)++];
            *g = (struct ngram){.text = i};
            memcpy(g->tokens, tokens + at, (size_t)n * sizeof *tokens);
        }
    qsort(grams, *n_grams, sizeof *grams, by_tokens_and_text);
    return grams;
}

double distinct_ngrams(const int32_t *tokens, const size_t *ends, int n_texts, int n)
{
    size_t n_grams, n_different = 0;
    struct ngram *grams = sorted_ngrams(tokens, ends, n_texts, n, &n_grams);
    for (size_t i = 0; i < n_grams; i++)
        n_different += i == 0 || by_tokens(&grams[i - 1], &grams[i]) != 0;
    free(grams);
    return n_grams ? (double)n_different / (double)n_grams : NAN;
}

// Of an n-gram that stands at grams[i] .. grams[end - 1]: to each text as many matches as it has of it, at most as many as
// another text has.
static void add_matches(const struct ngram *grams, size_t i, size_t end, double *matches)
{
    int most = 0, second = 0, whose = -1; // how often the text has it that has it most often, and the next one
    for (size_t at = i, next; at < end; at = next) {
        for (next = at; next < end && grams[next].text == grams[at].text;)
            next++;
        const int n = (int)(next - at);
        if (n > most) {
            second = most;
            most = n;
            whose = grams[at].text;
        } else if (n > second) {
            second = n;
        }
    }
    for (size_t at = i, next; at < end; at = next) {
        for (next = at; next < end && grams[next].text == grams[at].text;)
            next++;
        const int n = (int)(next - at), others = grams[at].text == whose ? second : most;
        matches[grams[at].text] += n < others ? n : others;
    }
}

static size_t length_of(const size_t *ends, int i)
{
    return ends[i] - (i ? ends[i - 1] : 0);
}

// exp(1 - r / c) where the text of c tokens is shorter than r, the length of another that is nearest to it (the shorter of
// two).
static double brevity(const size_t *ends, int n_texts, int i)
{
    const double own = (double)length_of(ends, i);
    double nearest = INFINITY;
    for (int k = 0; k < n_texts; k++) {
        const double other = (double)length_of(ends, k), off = fabs(other - own), best = fabs(nearest - own);
        if (k != i && (off < best || (off == best && other < nearest)))
            nearest = other;
    }
    return own > nearest ? 1 : exp(1 - nearest / own);
}

// log of the text's precision at order n, by how many of its n-grams others have; 0 where it is shorter than that.
static double log_precision(size_t length, int n, double matches)
{
    const double all = (double)length - n + 1;
    const double found = matches > 0 ? matches : n == 1 ? 0 : 0.1;
    return all < 1 ? 0 : log(found / all);
}

double self_bleu(const int32_t *tokens, const size_t *ends, int n_texts)
{
    double *logs = mem_alloc((size_t)n_texts + 1, sizeof *logs),
           *matches = mem_alloc((size_t)n_texts + 1, sizeof *matches), sum = 0;
    int n_empty = 0;
    for (int n = 1; n <= ORDERS; n++) {
        size_t n_grams;
        struct ngram *grams = sorted_ngrams(tokens, ends, n_texts, n, &n_grams);
        memset(matches, 0, (size_t)n_texts * sizeof *matches);
        for (size_t i = 0, end; i < n_grams; i = end) {
            for (end = i + 1; end < n_grams && by_tokens(&grams[i], &grams[end]) == 0;)
                end++;
            add_matches(grams, i, end, matches);
        }
        for (int i = 0; i < n_texts; i++)
            logs[i] += log_precision(length_of(ends, i), n, matches[i]);
        free(grams);
    }
    for (int i = 0; i < n_texts; i++)
        n_empty += length_of(ends, i) == 0;
    for (int i = 0; i < n_texts; i++) {
        const size_t length = length_of(ends, i), orders = length < ORDERS ? length : ORDERS;
        if (length == 0)
            sum += n_empty > 1; // as another that says nothing
        else if (logs[i] > -INFINITY)
            sum += brevity(ends, n_texts, i) * exp(logs[i] / (double)orders);
    }
    free(logs);
    free(matches);
    return n_texts > 1 ? sum / n_texts : NAN;
}
