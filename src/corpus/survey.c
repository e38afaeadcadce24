#include "config.h"

#include "corpus/survey.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST = 0, SECOND = 1, PROMPT = -1, ALL = 2, EACH_ROWS = 256 };

// Which texts there are, of which kinds of data.
static const struct {
    const char *name;
    int part;
    int kinds; // enum data_kind
} parts[] = {
    {"prompt", PROMPT, DATA_SFT | DATA_PAIR | DATA_BINARY | DATA_LIST | DATA_PROMPT},
    {"chosen", FIRST, DATA_PAIR},
    {"rejected", SECOND, DATA_PAIR},
    {"response", ALL, DATA_SFT | DATA_BINARY | DATA_LIST},
};

// ---- texts ----

static int64_t characters(void *with, const char *text, size_t n_bytes)
{
    int64_t n = 0;
    for (size_t i = 0; i < n_bytes; i++)
        n += ((unsigned char)text[i] & 0xc0) != 0x80;
    return n;
}

struct ruler {
    survey_measure measure;
    void *with;
};

static uint32_t length_of(const struct ruler *r, const char *text)
{
    const int64_t n = *text ? r->measure(r->with, text, strlen(text)) : 0;
    return n < 0 ? 0 : n > INT32_MAX ? INT32_MAX : (uint32_t)n;
}

static uint32_t prompt_length(const struct ruler *r, const struct example *x)
{
    uint32_t n = 0;
    for (int t = 0; t < x->n_turns; t++)
        n += length_of(r, x->turns[t].text);
    return n;
}

// FNV-1a over a text without its case and the kind of its blanks.
static uint64_t add_text(uint64_t hash, const char *text)
{
    bool blank = false, any = false;
    for (; *text; text++) {
        if (isspace((unsigned char)*text)) {
            blank = any;
            continue;
        }
        if (blank)
            hash = (hash ^ ' ') * 0x100000001b3u;
        hash = (hash ^ (unsigned char)tolower((unsigned char)*text)) * 0x100000001b3u;
        blank = false;
        any = true;
    }
    return (hash ^ 0xff) * 0x100000001b3u; // ends: "ab" + "c" is not "a" + "bc"
}

#define HASH_START 0xcbf29ce484222325u

static uint64_t prompt_hash(const struct example *x, bool *empty)
{
    uint64_t hash = HASH_START;
    *empty = true;
    for (int t = 0; t < x->n_turns; t++) {
        hash = add_text(x->is_chat ? add_text(hash, x->turns[t].role) : hash, x->turns[t].text);
        *empty = *empty && !x->turns[t].text[strspn(x->turns[t].text, " \t\r\n")];
    }
    return hash;
}

// ---- the same, and the opposite ----

struct key {
    uint64_t prompt, first, second;
    size_t row;
    bool empty; // the prompt
};

static int by_content(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->prompt != y->prompt)
        return x->prompt < y->prompt ? -1 : 1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->second < y->second ? -1 : x->second > y->second;
}

static int by_content_and_row(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    const int order = by_content(a, b);
    return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

static struct key key_of(const struct corpus *c, size_t i)
{
    const struct example *x = &c->examples[i];
    struct key k = {.row = i, .first = HASH_START};
    k.prompt = prompt_hash(x, &k.empty);
    if (c->kind == DATA_PAIR) {
        k.first = add_text(HASH_START, x->responses[0].text);
        k.second = add_text(HASH_START, x->responses[1].text);
    } else {
        for (int r = 0; r < x->n_responses; r++)
            k.first = add_text(k.first, x->responses[r].text);
        if (c->kind == DATA_BINARY)
            k.second = x->responses[0].score > 0;
    }
    return k;
}

static bool has_opposite(const struct corpus *c, const struct key *keys, const struct key *k)
{
    struct key wanted = *k;
    if (c->kind == DATA_PAIR) {
        wanted.first = k->second;
        wanted.second = k->first;
    } else if (c->kind == DATA_BINARY) {
        wanted.second = !k->second;
    } else {
        return false;
    }
    return !pair_is_tie(&c->examples[k->row]) && bsearch(&wanted, keys, c->n_examples, sizeof *keys, by_content);
}

static void compare_rows(struct survey *s, const struct corpus *c)
{
    struct key *keys = mem_alloc(s->n + 1, sizeof *keys);
    for (size_t i = 0; i < s->n; i++)
        keys[i] = key_of(c, i);
    for (size_t i = 0; i < s->n; i++)
        s->prompts[i] = keys[i].empty ? 0 : keys[i].prompt;
    qsort(keys, s->n, sizeof *keys, by_content_and_row);
    for (size_t i = 0; i < s->n; i++) {
        struct survey_row *row = &s->rows[keys[i].row];
        const bool as_before = i > 0 && keys[i].prompt == keys[i - 1].prompt;
        const bool as_after = i + 1 < s->n && keys[i].prompt == keys[i + 1].prompt;
        s->n_prompts += !as_before;
        if ((as_before || as_after) && !keys[i].empty)
            row->flags |= SURVEY_PROMPT;
        if (i > 0 && by_content(&keys[i], &keys[i - 1]) == 0)
            row->flags |= SURVEY_SAME;
        if (has_opposite(c, keys, &keys[i]))
            row->flags |= SURVEY_OPPOSITE;
    }
    free(keys);
}

// ---- numbers ----

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int bin_of(uint32_t length)
{
    int k = 0;
    for (; length && k < SURVEY_BINS - 1; length >>= 1)
        k++;
    return k;
}

static void summarize(struct survey_lengths *l, const char *name, uint32_t *lengths, size_t n)
{
    double sum = 0;
    *l = (struct survey_lengths){.name = name, .n = n};
    qsort(lengths, n, sizeof *lengths, by_size);
    for (size_t i = 0; i < n; i++) {
        sum += lengths[i];
        l->bins[bin_of(lengths[i])]++;
    }
    if (n == 0)
        return;
    l->mean = sum / (double)n;
    l->median = lengths[(n - 1) / 2];
    l->p95 = lengths[(n * 95 + 99) / 100 - 1];
    l->max = lengths[n - 1];
}

// The lengths of all texts of the part, in the order of the rows; how many.
static size_t collect(const struct survey *s, const struct corpus *c, const uint32_t *more, int part, uint32_t *out)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < s->n; i++) {
        const int n_responses = c->examples[i].n_responses;
        if (part == PROMPT)
            out[n++] = s->rows[i].prompt;
        else if (part == FIRST && n_responses > 0)
            out[n++] = s->rows[i].first;
        else if (part == SECOND && n_responses > 1)
            out[n++] = s->rows[i].second;
        for (int r = 0; r < n_responses; r++, at++)
            if (part == ALL)
                out[n++] = more[at];
    }
    return n;
}

// 1, 2 or 5 times a power of ten, not below x.
static uint32_t round_up(double x)
{
    for (uint32_t power = 1;; power *= 10) {
        const uint32_t steps[] = {power, 2 * power, 5 * power};
        for (int i = 0; i < 3; i++)
            if (steps[i] >= x || power >= 100000000)
                return steps[i];
    }
}

static int gap_of(const struct survey_row *r)
{
    return (int)r->first - (int)r->second;
}

static void count_gaps(struct survey *s, const struct corpus *c)
{
    double sum = 0;
    size_t n = 0;
    uint32_t *sizes = mem_alloc(s->n + 1, sizeof *sizes);
    for (size_t i = 0; i < s->n; i++) {
        const int gap = gap_of(&s->rows[i]);
        if (s->rows[i].flags & SURVEY_TIE)
            continue;
        s->n_longer += gap > 0;
        s->n_shorter += gap < 0;
        s->n_equal += gap == 0;
        sum += gap;
        sizes[n++] = (uint32_t)abs(gap);
    }
    qsort(sizes, n, sizeof *sizes, by_size);
    s->mean_gap = n ? sum / (double)n : 0;
    s->gap_step = n ? round_up(sizes[(n * 95 + 99) / 100 - 1] / 4.0) : 1; // 95 % are between the bins at the ends
    for (size_t i = 0; i < s->n; i++) {
        const int bin = (int)floor((double)gap_of(&s->rows[i]) / s->gap_step) + SURVEY_GAPS / 2;
        if (!(s->rows[i].flags & SURVEY_TIE))
            s->gaps[bin < 0 ? 0 : bin >= SURVEY_GAPS ? SURVEY_GAPS - 1 : bin]++;
    }
    free(sizes);
}

static void count_flags(struct survey *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const uint32_t flags = s->rows[i].flags;
        s->n_same += (flags & SURVEY_SAME) != 0;
        s->n_opposite += (flags & SURVEY_OPPOSITE) != 0;
        s->n_prompt += (flags & SURVEY_PROMPT) != 0;
        s->n_ties += (flags & SURVEY_TIE) != 0;
    }
}

// ---- all ----

static void look_at(struct survey *s, const struct corpus *c, const struct ruler *ruler, size_t i, uint32_t *lengths)
{
    const struct example *x = &c->examples[i];
    struct survey_row *row = &s->rows[i];
    int best = 0;
    row->prompt = prompt_length(ruler, x);
    for (int r = 0; r < x->n_responses; r++) {
        lengths[r] = length_of(ruler, x->responses[r].text);
        best = x->responses[r].score > x->responses[best].score ? r : best;
    }
    row->first = x->n_responses ? lengths[c->kind == DATA_LIST ? best : 0] : 0;
    if (c->kind == DATA_PAIR) {
        row->second = lengths[1];
        row->flags |= pair_is_tie(x) ? SURVEY_TIE : 0;
        s->n_split += !pair_is_tie(x) && x->responses[0].score < 1;
    }
    s->n_good += c->kind == DATA_BINARY && x->responses[0].score > 0;
}

static size_t count_responses(const struct corpus *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_examples; i++)
        n += (size_t)c->examples[i].n_responses;
    return n;
}

struct survey *survey_new(const struct corpus *c, const struct survey_options *o)
{
    const struct ruler ruler = {o && o->measure ? o->measure : characters, o ? o->measure_with : NULL};
    const size_t n = c->n_examples, n_responses = count_responses(c), most = n > n_responses ? n : n_responses;
    struct survey *s = mem_alloc(1, sizeof *s);
    *s = (struct survey){.tokens = o && o->measure, .n = n};
    s->rows = mem_alloc(n + 1, sizeof *s->rows);
    s->prompts = mem_alloc(n + 1, sizeof *s->prompts);
    uint32_t *lengths = mem_alloc(n_responses + 1, sizeof *lengths), *of_part = mem_alloc(most + 1, sizeof *of_part);
    bool on = true;
    for (size_t i = 0, at = 0; i < n && on; at += (size_t)c->examples[i++].n_responses) {
        look_at(s, c, &ruler, i, lengths + at);
        on = i % EACH_ROWS || !o || !o->go_on || o->go_on(o->go_with, i);
    }
    for (size_t k = 0; k < sizeof parts / sizeof *parts && on; k++)
        if (parts[k].kinds & (int)c->kind)
            summarize(&s->parts[s->n_parts++], parts[k].name, of_part, collect(s, c, lengths, parts[k].part, of_part));
    if (on)
        compare_rows(s, c);
    if (on && c->kind == DATA_PAIR)
        count_gaps(s, c);
    count_flags(s);
    free(lengths);
    free(of_part);
    if (on)
        return s;
    survey_free(s);
    return NULL;
}

void survey_free(struct survey *s)
{
    if (!s)
        return;
    free(s->rows);
    free(s->prompts);
    free(s);
}

static int by_hash(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void survey_share(struct survey *s, const struct survey *other)
{
    uint64_t *theirs = mem_alloc(other->n + 1, sizeof *theirs);
    memcpy(theirs, other->prompts, other->n * sizeof *theirs);
    qsort(theirs, other->n, sizeof *theirs, by_hash);
    s->n_shared = 0;
    for (size_t i = 0; i < s->n; i++) {
        const bool shared = s->prompts[i] && bsearch(&s->prompts[i], theirs, other->n, sizeof *theirs, by_hash);
        s->rows[i].flags = (s->rows[i].flags & ~(uint32_t)SURVEY_SHARED) | (shared ? SURVEY_SHARED : 0);
        s->n_shared += shared;
    }
    free(theirs);
}

double survey_longer(const struct survey *s, double *low, double *high)
{
    const double n = (double)(s->n_longer + s->n_shorter + s->n_equal), z = 1.959963984540054;
    const double share = n > 0 ? ((double)s->n_longer + (double)s->n_equal / 2) / n : NAN;
    const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    *low = middle - half;
    *high = middle + half;
    return share;
}
